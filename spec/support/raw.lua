--- An HTTP client that sends exactly the bytes of a test.

local socket = require "socket"
local wire = require "spec.support.wire"

local Raw = wire.class()

--- Reads a response: status, body, header section; nil if the server closes the connection before it is complete.
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

--- Sends a request on a new connection. Returns status, body, header section.
function raw.exchange(port, bytes)
  local connection = raw.connect(port)
  connection:send(bytes)
  local status, body, head = connection:read()
  connection:close()
  return status, body, head
end

return raw
