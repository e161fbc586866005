--- Many hostile clients with the same behaviour. A client reconnects when the server closes its connection.

local socket = require "socket"

---@class spec.Attack
---@field first string bytes that each client sends after it has connected
---@field again? string bytes that it sends repeatedly after that
---@field reads? boolean whether it reads responses, default true
---@field leaves? boolean whether it closes the connection when it has sent `first`, and reconnects

---@class spec.Crowd
---@field ended integer number of connections that the server has closed
---@field came integer number of connections that the clients have opened
local Crowd = {}
Crowd.__index = Crowd

local function connect(self, index)
  local client = { socket = assert(socket.tcp()), left = self.attack.first }
  client.socket:settimeout(0)
  -- Several source addresses, because one does not have enough ports.
  assert(client.socket:bind("127.0.0." .. 2 + self.came % 50, 0))
  client.socket:setoption("linger", { on = true, timeout = 0 })
  client.socket:connect("127.0.0.1", self.port)
  self.clients[index] = client
  self.came = self.came + 1
end

-- Sends as many of the remaining bytes as the socket accepts. Returns false if the server has closed the connection.
local function send(self, client)
  if client.left == "" then client.left = self.attack.again or "" end
  if client.left == "" then return true end
  local last, problem, partial = client.socket:send(client.left)
  if problem == "closed" then return false end
  client.left = client.left:sub((last or partial or 0) + 1)
  return true
end

-- Reads the server's bytes. Returns false if the server has closed the connection.
local function read(self, client)
  if self.attack.reads == false then return true end
  local _, problem = client.socket:receive(65536)
  return problem ~= "closed"
end

--- Lets the next `count` clients connect, send or read.
function Crowd:turn(count)
  for _ = 1, count do
    self.at = self.at % self.size + 1
    local client = self.clients[self.at]
    if not client then
      connect(self, self.at)
    elseif not (send(self, client) and read(self, client)) then
      self.ended = self.ended + 1
      client.socket:close()
      connect(self, self.at)
    elseif self.attack.leaves and client.left == "" then
      client.socket:close()
      connect(self, self.at)
    end
  end
end

--- Closes all connections.
function Crowd:leave()
  for _, client in pairs(self.clients) do client.socket:close() end
  self.clients = {}
end

local crowd = {}

--- Creates a crowd of `size` clients. They connect in Crowd:turn.
---@param attack spec.Attack
---@return spec.Crowd
function crowd.new(port, size, attack)
  return setmetatable({ port = port, size = size, attack = attack, clients = {}, at = 0, ended = 0, came = 0 }, Crowd)
end

local LINE = "POST /webhooks HTTP/1.1\r\nHost: x\r\n"
local CHUNKED = LINE .. "Transfer-Encoding: chunked\r\n\r\n"

---@type table<string, spec.Attack>
crowd.attacks = {
  ["idle connections"] = { first = "" },
  ["half a header section"] = { first = LINE .. "X: " },
  ["header sections byte by byte"] = { first = LINE .. "X: ", again = "x" },
  ["bodies byte by byte"] = { first = LINE .. "Content-Length: 100000\r\n\r\n", again = "x" },
  ["endless chunked bodies"] = { first = CHUNKED, again = "1000\r\n" .. ("x"):rep(4096) .. "\r\n" },
  ["chunks of one byte"] = { first = CHUNKED, again = ("1\r\nx\r\n"):rep(500) },
  ["endless chunk-size lines"] = { first = CHUNKED .. "1;", again = ("x"):rep(20000) },
  ["bodies of a megabyte, half sent"] = { first = LINE .. "Content-Length: 1048576\r\n\r\n" .. ("x"):rep(1048000) },
  ["huge headers"] = { first = LINE .. "X: " .. ("x"):rep(65536) },
  ["pipelined requests, responses not read"] = { first = "", again = (LINE .. "Content-Length: 2\r\n\r\n{}"):rep(200),
    reads = false },
  ["connections closed at once"] = { first = "", leaves = true },
  ["requests closed at once"] = { first = LINE .. "Content-Length: 2\r\n\r\n{}", leaves = true },
}

return crowd
