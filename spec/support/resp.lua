--- Connections of apivideo.redis.core for tests, and servers of Redis's protocol that send exactly the bytes of a test.

local core = require "apivideo.redis.core"
local peer = require "spec.support.peer"
local runtime = require "apivideo.runtime"

local resp = { REPLY_MAX = 1000000 }

--- Starts a server that reads a command, and sends `bytes` for it: a list has the bytes of several packets.
---@param bytes string|string[]
---@param closes? boolean whether it then closes the connection
function resp.sending(bytes, closes)
  return peer.start(function(connection)
    while connection:read_more() do
      for _, part in ipairs(type(bytes) == "table" and bytes or { bytes }) do
        connection:send(part)
        runtime.sleep(0.01)
      end
      if closes then return end
    end
  end)
end

--- Connects, with the options of the core.
function resp.connect(port, options)
  local all = { host = "127.0.0.1", port = tonumber(port), reply_max = resp.REPLY_MAX }
  for name, value in pairs(options or {}) do all[name] = value end
  return assert(core.connect(all))
end

--- Steps, with waits in the event loop, until the connection no longer waits. Returns the results of that step.
function resp.await(connection)
  while true do
    local state, value = connection:step()
    if state ~= "waiting" then return state, value end
    local progress = runtime.latch()
    runtime.watch(connection, function() progress:open(true) end)
    local opened, problem = progress:wait(10)
    runtime.unwatch(connection)
    if not opened and problem == "timeout" then error("the connection waits for too long", 2) end
  end
end

--- Sends a command on a new connection to a server that sends `bytes` for it. Returns the results of its last step.
function resp.ask(bytes, options, closes)
  local server = resp.sending(bytes, closes)
  local connection = resp.connect(server.port, options)
  connection:send "PING"
  local state, value = resp.await(connection)
  connection:close()
  server.stop()
  return state, value
end

return resp
