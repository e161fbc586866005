-- A worker process: its handlers add an effect for each event, until it is killed.

local settings = require "spec.crash.settings"
local apivideo = require "apivideo"
local effects = require "spec.crash.effects"
local events = require "spec.crash.events"
local points = require "spec.crash.points"
local runtime = require "apivideo.runtime"
local stores = require "spec.crash.stores"
local terms = require "spec.crash.terms"

local store, spool, record = stores.open(settings)
local inbox = apivideo.inbox { store = store, spool = spool, lane = events.lane_of }
local done = effects.open(settings.directory .. "/effects.db")

local handlers = apivideo.handlers()
handlers:on("*", function(event, delivery)
  points.visit "handler:before"
  record:write { kind = "run", to = runtime.monotonic(), key = delivery.key }
  if math.random() < terms.SLOW then runtime.sleep(terms.LEASE * 0.8) end
  if math.random() < terms.FAILURES then return nil, "it failed on purpose" end
  done:write(delivery.key, events.name_of(event))
  points.visit "handler:after"
  return true
end)

apivideo.log { write = function() end } -- failures are part of the test

inbox:work(handlers, {
  concurrency = 4, lease = terms.LEASE, backoff = terms.BACKOFF, max_attempts = terms.ATTEMPTS,
})
