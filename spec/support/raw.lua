--- An HTTP client that sends exactly the bytes that a test gives it.

local runtime = require "apivideo.runtime"
local socket = require "socket"

local Raw = {}
Raw.__index = Raw

--- Sends bytes; false when the server has closed.
function Raw:send(bytes)
  local from = 1
  while from <= #bytes do
    local sent, problem, partial = self.socket:send(bytes, from)
    if problem == "closed" then return false end
    from = (sent or partial or from - 1) + 1
    if from <= #bytes then runtime.sleep(0.001) end
  end
  return true
end

-- Reads something; false when the server has closed.
function Raw:read_more()
  while true do
    local data, problem, partial = self.socket:receive(65536)
    data = data or partial
    if data ~= "" then
      self.received = self.received .. data
      return true
    end
    if problem == "closed" then return false end
    runtime.sleep(0.001)
  end
end

--- Reads one response: status, body, head; nil when the server closed before it was whole.
function Raw:read()
  while not self.received:find("\r\n\r\n", 1, true) do
    if not self:read_more() then return nil end
  end
  local head, rest = self.received:match("^(.-\r\n\r\n)(.*)$")
  if head:find("^HTTP/1.1 100") then
    self.received = rest
    return self:read()
  end
  local length = tonumber(head:match("[Cc]ontent%-[Ll]ength: *(%d+)")) or 0
  self.received = rest
  while #self.received < length do
    if not self:read_more() then return nil end
  end
  local body = self.received:sub(1, length)
  self.received = self.received:sub(length + 1)
  return tonumber(head:match("^HTTP/1%.%d (%d+)")), body, head
end

function Raw:close()
  self.socket:close()
end

local raw = {}

function raw.connect(port)
  local connection = assert(socket.connect("127.0.0.1", port))
  connection:settimeout(0)
  return setmetatable({ socket = connection, received = "" }, Raw)
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
