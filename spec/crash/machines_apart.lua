--- Receivers and workers on several machines with one Redis. They are killed, and machines are cut from the others, some
--- for longer than the lease of an event. Two machines have slow links.

local network = require "spec.crash.network"
local redis_server = require "spec.crash.redis_server"
local runtime = require "apivideo.runtime"
local storm = require "spec.crash.storm"
local terms = require "spec.crash.terms"

local RECEIVERS, WORKERS = 2, 4
local MACHINES = RECEIVERS + WORKERS
local SLOW_KBIT = 256 -- per second, of the links of one receiver and one worker: 30 ms for a kilobyte
local LIMIT = 60   -- seconds for what the last cut machines held

-- Cuts machines, one at a time, until the storm is over: every other time for longer than the lease.
local function cut(net, ends)
  local cuts = 0
  while runtime.monotonic() < ends do
    local i = math.random(MACHINES)
    net:cut(i)
    cuts = cuts + 1
    runtime.sleep(cuts % 2 * terms.LEASE + math.random() * 0.8)
    net:heal(i)
    runtime.sleep(math.random() * 0.5)
  end
  return cuts
end

local function apart(directory, seconds)
  local net = network.new(MACHINES)
  local server = redis_server.start(directory, { host = net.host })
  local self = storm.new({ directory = directory, store = "redis", port = server.port, host = net.host },
    { limit = LIMIT })
  for i = 1, MACHINES do
    if i == 1 or i == MACHINES then net:slow(i, SLOW_KBIT) end
    local program = i <= RECEIVERS and "receiver" or "worker"
    self:add(program, { environment = net:on(i), address = i <= RECEIVERS and net:address(i) or nil })
  end
  self:send()
  local cuts = cut(net, runtime.monotonic() + seconds)
  self:finish()
  self:note(("machines were cut off %d times"):format(cuts))
  server:crash()
  net:remove()
  return self
end

return function(add, seconds)
  if network.missing() then return print("skip redis: machines are cut off: " .. network.missing()) end
  add("redis: machines are cut off", function(directory) return apart(directory, 2 * seconds) end)
end
