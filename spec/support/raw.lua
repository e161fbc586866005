--- An HTTP client that sends exactly the bytes that a test gives it.

local socket = require "socket"
local wire = require "spec.support.wire"

local Raw = wire.class()

--- Reads one response: status, body, head; nil when the server closed before it was whole.
function Raw:read()
  local head, body = self:take_message()
  if not head then return nil end
  if head:find("^HTTP/1.1 100") then return self:read() end
  return tonumber(head:match("^HTTP/1%.%d (%d+)")), body, head
end

local raw = {}

function raw.connect(port)
  return wire.new(Raw, assert(socket.connect("127.0.0.1", port)))
end

--- Sends a request on a connection of its own: status, body, head.
function raw.exchange(port, bytes)
  local connection = raw.connect(port)
  connection:send(bytes)
  local status, body, head = connection:read()
  connection:close()
  return status, body, head
end

return raw
