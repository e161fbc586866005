--- An HTTP peer that does exactly what a test tells it, down to the byte: on LuaSocket, driven by
--- the loop of the program under test.

local runtime = require "apivideo.runtime"
local socket = require "socket"
local wire = require "spec.support.wire"

local Connection = wire.class()

--- Reads one request: { line, head, body }; nil when the client is gone.
function Connection:read_request()
  local head, body = self:take_message()
  return head and { line = head:match("^[^\r]*"), head = head, body = body }
end

--- Sends a whole response.
function Connection:respond(status, headers, body)
  body = body or "" -- which may hold a NUL, where "%s" of Lua 5.1 would end
  return self:send(("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n"):format(status, headers or "", #body) .. body)
end

--- Ends the connection with a reset.
function Connection:reset()
  self.socket:setoption("linger", { on = true, timeout = 0 })
  self.socket:close()
end

local peer = {}

--- The values of a header of a request, in the order of its lines.
---@return string[]
function peer.values(request, name)
  local values = {}
  for line in request.head:gmatch("[^\r\n]+") do
    local header, value = line:match("^([^:]*): *(.*)$")
    if header and header:lower() == name:lower() then values[#values + 1] = value end
  end
  return values
end

--- Starts a peer. `script(connection, number)` runs as a task for each connection, which is closed
--- after it.
function peer.start(script)
  local listening = assert(socket.bind("127.0.0.1", 0))
  listening:settimeout(0)
  local _, port = listening:getsockname()
  local self = { port = port, url = "http://127.0.0.1:" .. port, connections = 0, requests = {} }
  runtime.watch(listening:getfd(), function()
    local accepted = listening:accept()
    if not accepted then return end
    accepted:setoption("tcp-nodelay", true)
    self.connections = self.connections + 1
    local connection = wire.new(Connection, accepted)
    runtime.spawn(function(number)
      script(connection, number)
      connection:close()
    end, self.connections)
  end)
  function self.stop()
    runtime.unwatch(listening:getfd())
    listening:close()
  end
  return self
end

--- A peer that answers each request of each connection as a function of it says: with a status, headers
--- and a body, or not at all. It lists all requests.
---@param answer fun(request: table): string?, string?, string?
function peer.serving(answer)
  local self
  self = peer.start(function(connection)
    while true do
      local request = connection:read_request()
      if not request then return end
      self.requests[#self.requests + 1] = request
      local status, headers, body = answer(request)
      if status then connection:respond(status, headers, body) end
    end
  end)
  return self
end

--- A peer that answers every request alike.
function peer.answering(status, headers, body)
  return peer.serving(function() return status, headers, body end)
end

return peer
