-- A worker of the soak. It writes its metrics into a file several times a second, and runs until it is killed.

local settings = require "spec.crash.settings"
local apivideo = require "apivideo"
local effects = require "spec.crash.effects"
local fates = require "spec.soak.inbox.fates"
local runtime = require "apivideo.runtime"
local stores = require "spec.crash.stores"
local terms = require "spec.soak.inbox.terms"

local inbox = apivideo.inbox { store = stores.plain(settings) }
local done = effects.open(settings.directory .. "/effects.db")

-- The first worker must live until the end, since its memory is measured.
local function die()
  if settings.lives then error "it does not die" end
  local stat = assert(io.open "/proc/self/stat")
  os.execute(("kill -KILL %d"):format(stat:read "*n"))
end

local handlers = apivideo.handlers():on("*", function(event, delivery)
  local ok, err = fates.attempt(event.videoId, delivery, die)
  if ok then done:write(delivery.key, event.videoId) end
  return ok, err
end)

apivideo.log { write = function() end } -- failures are part of the test

local path = ("%s/metrics-%s"):format(settings.directory, settings.name)
local function write_metrics()
  local file = assert(io.open(path .. ".new", "w"))
  file:write(inbox:metrics())
  assert(file:close())
  assert(os.rename(path .. ".new", path))
end

apivideo.spawn(function()
  while true do
    write_metrics()
    runtime.sleep(terms.METRICS_S)
  end
end)

inbox:work(handlers, terms.WORK)
