--- One end of a TCP connection that sends exactly the bytes of a test: a socket of LuaSocket that runs in the event
--- loop of the code under test.

local runtime = require "apivideo.runtime"

---@class spec.Wire
---@field received string bytes that were received and not taken yet
local Wire = {}
Wire.__index = Wire

--- Sends bytes. Returns false if the other end has closed the connection.
function Wire:send(bytes)
  local from = 1
  while from <= #bytes do
    local sent, problem, partial = self.socket:send(bytes, from)
    if problem == "closed" then return false end
    from = (sent or partial or from - 1) + 1
    if from <= #bytes then runtime.sleep(0.001) end
  end
  return true
end

--- Waits for bytes and appends them to `received`. Returns false if the other end has closed the connection.
function Wire:read_more()
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

--- Takes a number of bytes; nil if the other end closes the connection before.
function Wire:take(count)
  while #self.received < count do
    if not self:read_more() then return nil end
  end
  local bytes = self.received:sub(1, count)
  self.received = self.received:sub(count + 1)
  return bytes
end

--- Takes an HTTP/1.1 message: its header section, and a body of its Content-Length; nil if the other end closes the
--- connection before the message is complete.
function Wire:take_message()
  local _, ending = self.received:find("\r\n\r\n", 1, true)
  while not ending do
    if not self:read_more() then return nil end
    _, ending = self.received:find("\r\n\r\n", 1, true)
  end
  local head = self:take(ending)
  local body = self:take(tonumber(head:match("[Cc]ontent%-[Ll]ength: *(%d+)")) or 0)
  if body then return head, body end
end

function Wire:close()
  self.socket:close()
end

local wire = {}

--- Creates a subclass.
function wire.class()
  local Class = setmetatable({}, Wire)
  Class.__index = Class
  return Class
end

--- Creates an instance for a connected socket.
function wire.new(Class, connected)
  connected:settimeout(0)
  return setmetatable({ socket = connected, received = "" }, Class)
end

return wire
