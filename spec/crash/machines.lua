--- Clocks jump, and the power fails.

local machine = require "spec.crash.machine"
local redis_server = require "spec.crash.redis_server"
local runtime = require "apivideo.runtime"
local storm = require "spec.crash.storm"

local CUTS = 5

-- Calls `turn` from time to time.
local function run_periodically(seconds, turn)
  local ends = runtime.monotonic() + seconds
  while runtime.monotonic() < ends do
    turn()
    runtime.sleep(0.05 + math.random() * 0.2)
  end
end

local function jumps_of_sqlite(directory, seconds)
  local host = machine.new(directory)
  local self = storm.new({ directory = directory, store = "sqlite" }, { environment = host.environment })
  self:hunt()
  self:send()
  run_periodically(seconds, function() host:jump() end)
  self:finish()
  return self
end

-- The clock of the server, which is the store's clock, too: leases are shorter than requested, and the window in which
-- a broadcast with a new time is a duplicate ends early.
local function jumps_of_redis(directory, seconds)
  local host = machine.new(directory)
  local server = redis_server.start(directory, { environment = host.environment })
  local self = storm.new({ directory = directory, store = "redis", port = server.port },
    { environment = host.environment, leases = false })
  self.sender.restamps = false
  self:hunt()
  self:send()
  run_periodically(seconds, function() host:jump() end)
  self:finish()
  server:crash()
  return self
end

--- The power of a machine with SQLite fails several times; each time it restarts with other clocks.
local function cuts_of_sqlite(directory, seconds, broken)
  local host = machine.new(directory)
  local settings = { directory = directory, store = "sqlite", broken = broken }
  local self = storm.new(settings, { environment = host.environment })
  self:send()
  for boot = 1, CUTS do
    settings.boot = boot
    host:jump()
    host:restart(boot)
    self:hunt()
    runtime.sleep(seconds / CUTS)
    self:clear()
    host:fail()
  end
  settings.boot, self.environment = nil, "" -- the remaining events are handled on this machine
  self:finish()
  self:note(("the power failed %d times"):format(CUTS))
  return self
end

--- The power of Redis' machine fails several times.
local function cuts_of_redis(directory, seconds, fsync)
  local host = machine.new(directory)
  local server = redis_server.start(directory, { environment = host.environment, fsync = fsync })
  local self = storm.new { directory = directory, store = "redis", port = server.port }
  self:send()
  self:hunt()
  for _ = 1, CUTS do
    runtime.sleep(seconds / CUTS)
    server:crash()
    host:fail()
    server:start()
  end
  self:finish()
  self:note(("the power failed %d times"):format(CUTS))
  server:crash()
  return self
end

return {
  cuts_of_sqlite = cuts_of_sqlite,
  cuts_of_redis = cuts_of_redis,

  add = function(add, seconds)
    add("sqlite: clocks jump", function(directory) return jumps_of_sqlite(directory, seconds) end)
    add("redis: clocks jump", function(directory) return jumps_of_redis(directory, seconds) end)
    add("sqlite: power fails", function(directory) return cuts_of_sqlite(directory, seconds) end)
    add("redis: power fails", function(directory) return cuts_of_redis(directory, seconds) end)
  end,
}
