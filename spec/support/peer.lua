--- An HTTP peer that does exactly what a test tells it, down to the byte: on LuaSocket, driven by
--- the loop of the program under test.

local runtime = require "apivideo.runtime"
local socket = require "socket"

local Connection = {}
Connection.__index = Connection

-- Adds what has come to `received`, waiting for something; false when the client is gone.
function Connection:read_more()
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

--- Reads one request: { line, head, body }; nil when the client is gone.
function Connection:read_request()
  while not self.received:find("\r\n\r\n", 1, true) do
    if not self:read_more() then return nil end
  end
  local head, rest = self.received:match("^(.-\r\n\r\n)(.*)$")
  local length = tonumber(head:match("[Cc]ontent%-[Ll]ength: *(%d+)")) or 0
  self.received = rest
  while #self.received < length do
    if not self:read_more() then return nil end
  end
  local body = self.received:sub(1, length)
  self.received = self.received:sub(length + 1)
  return { line = head:match("^[^\r]*"), head = head, body = body }
end

--- Sends bytes; false when the client is gone.
function Connection:send(bytes)
  local from = 1
  while from <= #bytes do
    local sent, problem, partial = self.socket:send(bytes, from)
    if problem == "closed" then return false end
    from = (sent or partial or from - 1) + 1
    if from <= #bytes then runtime.sleep(0.001) end
  end
  return true
end

--- Sends a whole response.
function Connection:respond(status, headers, body)
  return self:send(("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s")
    :format(status, headers or "", #(body or ""), body or ""))
end

function Connection:close()
  self.socket:close()
end

--- Ends the connection with a reset.
function Connection:reset()
  self.socket:setoption("linger", { on = true, timeout = 0 })
  self.socket:close()
end

local peer = {}

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
    accepted:settimeout(0)
    accepted:setoption("tcp-nodelay", true)
    self.connections = self.connections + 1
    local connection = setmetatable({ socket = accepted, received = "" }, Connection)
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

--- A peer that answers every request of every connection alike.
function peer.answering(status, headers, body)
  local self
  self = peer.start(function(connection)
    while true do
      local request = connection:read_request()
      if not request then return end
      self.requests[#self.requests + 1] = request
      connection:respond(status, headers, body)
    end
  end)
  return self
end

return peer
