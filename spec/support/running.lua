--- What a test starts, and what is stopped after it: after_each(running.stop).

local emulator = require "apivideo.emulator"
local peer = require "spec.support.peer"

local running = {}
local stops = {}

--- Notes a function that stops something.
function running.add(stop)
  stops[#stops + 1] = stop
end

--- Stops all, the last one first.
function running.stop()
  for i = #stops, 1, -1 do table.remove(stops, i)() end
end

local function started(p)
  running.add(p.stop)
  return p
end

--- As peer.start, peer.serving and peer.answering.
function running.peer(script) return started(peer.start(script)) end
function running.serving(answer) return started(peer.serving(answer)) end
function running.answering(status, headers, body) return started(peer.answering(status, headers, body)) end

--- A peer that answers each connection's first request with some bytes, and closes.
---@param bytes string
function running.saying(bytes)
  return running.peer(function(connection)
    if connection:read_request() then connection:send(bytes) end
  end)
end

--- A local api.video with the key "key", which does not run out of calls.
---@param more? apivideo.EmulatorOptions
function running.emulator(more)
  local given = { api_key = "key", rate_limits = { reads = 1e6, writes = 1e6 } }
  for name, value in pairs(more or {}) do given[name] = value end
  local api = assert(emulator.start(given))
  running.add(function() api:stop() end)
  return api
end

return running
