-- A worker process: its handlers add an effect for each event, and it reconciles in turn with the other workers, until
-- it is killed.

local settings = require "spec.crash.settings"
local apivideo = require "apivideo"
local crash_terms = require "spec.crash.terms"
local effects = require "spec.crash.effects"
local faults = require "spec.missed.faults"
local names = require "spec.missed.names"
local passes = require "spec.missed.passes"
local points = require "spec.crash.points"
local runtime = require "apivideo.runtime"
local stores = require "spec.crash.stores"
local terms = require "spec.missed.terms"

local store, _, record = stores.open(settings)
store = passes.around(store, settings.directory, settings.name)
if faults[settings.fault] then store = faults[settings.fault](store) end
local inbox = apivideo.inbox { store = store }
local done = effects.open(settings.directory .. "/effects.db")

-- The header tells the local api.video which part calls.
local function client(caller)
  return apivideo.client { api_key = terms.API_KEY, base_url = settings.api, headers = { ["X-Caller"] = caller } }
end

local function handle(event, delivery)
  points.visit "handler:before"
  record:write { kind = "run", to = runtime.monotonic(), key = delivery.key }
  if math.random() < crash_terms.FAILURES then return nil, "it failed on purpose" end
  done:write(delivery.key, names.of(event))
  record:write { kind = "effect", key = delivery.key, attempt = delivery.attempt }
  points.visit "handler:after"
  return true
end

local handlers = apivideo.handlers { client = client "handlers" }
handlers:on("*", handle)
for _, condition in ipairs(terms.CONDITIONS) do handlers:on_ready(condition, handle) end
handlers:on_recording(handle)
handlers:on_failed(handle)

local log = assert(io.open(("%s/log-%s"):format(settings.directory, settings.name), "a"))
log:setvbuf "no"
apivideo.log { level = "info", write = function(line) log:write(line, "\n") end } -- failures are part of the test

apivideo.run(function()
  if settings.fault ~= "no_reconcile" then
    local reconciliation = apivideo.reconcile { client = client "reconcile", inbox = inbox, every = terms.EVERY }
    apivideo.spawn(function() reconciliation:run() end)
  end
  inbox:work(handlers, {
    concurrency = 4, lease = crash_terms.LEASE, backoff = crash_terms.BACKOFF, max_attempts = crash_terms.ATTEMPTS,
  })
end)
