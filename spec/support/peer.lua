--- An HTTP server for tests that controls every byte. Based on LuaSocket; runs in the event loop of the code under
--- test.

local runtime = require "apivideo.runtime"
local socket = require "socket"
local wire = require "spec.support.wire"

local Connection = wire.class()

--- Reads a request: { line, head, body }; nil if the client has closed the connection.
function Connection:read_request()
  local head, body = self:take_message()
  return head and { line = head:match("^[^\r]*"), head = head, body = body }
end

--- Sends a complete response.
function Connection:respond(status, headers, body)
  body = body or "" -- not through format: "%s" ends at a NUL in Lua 5.1
  return self:send(("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n"):format(status, headers or "", #body) .. body)
end

--- Resets the connection.
function Connection:reset()
  self.socket:setoption("linger", { on = true, timeout = 0 })
  self.socket:close()
end

local peer = {}

--- The values of a request's header, in order.
---@return string[]
function peer.values(request, name)
  local values = {}
  for line in request.head:gmatch("[^\r\n]+") do
    local header, value = line:match("^([^:]*): *(.*)$")
    if header and header:lower() == name:lower() then values[#values + 1] = value end
  end
  return values
end

--- Starts a peer. `script(connection, number)` runs in a task for each connection; then the connection is closed.
--- `connections` counts them, `open` those that are not closed yet.
function peer.start(script)
  local listening = assert(socket.bind("127.0.0.1", 0))
  listening:settimeout(0)
  local _, port = listening:getsockname()
  local self = { port = port, url = "http://127.0.0.1:" .. port, connections = 0, open = 0, requests = {} }
  runtime.watch(listening:getfd(), function()
    local accepted = listening:accept()
    if not accepted then return end
    accepted:setoption("tcp-nodelay", true)
    self.connections, self.open = self.connections + 1, self.open + 1
    local connection = wire.new(Connection, accepted)
    runtime.spawn(function(number)
      script(connection, number)
      connection:close()
      self.open = self.open - 1
    end, self.connections)
  end)
  function self.stop()
    runtime.unwatch(listening:getfd())
    listening:close()
  end
  return self
end

--- Starts a peer that calls a function for each request, and sends the status, headers and body that it returns;
--- nothing if it returns nil. All requests are in `requests`.
---@param respond fun(request: table): string?, string?, string?
function peer.serving(respond)
  local self
  self = peer.start(function(connection)
    while true do
      local request = connection:read_request()
      if not request then return end
      self.requests[#self.requests + 1] = request
      local status, headers, body = respond(request)
      if status then connection:respond(status, headers, body) end
    end
  end)
  return self
end

--- Starts a peer that sends the same response to each request.
function peer.responding(status, headers, body)
  return peer.serving(function() return status, headers, body end)
end

return peer
