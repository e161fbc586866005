--- Many clients that mean harm, all alike. One that the server ends comes again.

local socket = require "socket"

---@class spec.Attack
---@field first string what each sends when it is connected
---@field again? string what it sends after that, again and again
---@field reads? boolean whether it takes what the server sends; by default it does
---@field leaves? boolean it goes as soon as it has sent that, and comes again

---@class spec.Crowd
---@field ended integer how many of them the server has ended so far
---@field came integer how often one has come
local Crowd = {}
Crowd.__index = Crowd

local function come(self, at)
  local one = { socket = assert(socket.tcp()), left = self.attack.first }
  one.socket:settimeout(0)
  -- From several addresses: each has its own ports.
  assert(one.socket:bind("127.0.0." .. 2 + self.came % 50, 0))
  one.socket:setoption("linger", { on = true, timeout = 0 })
  one.socket:connect("127.0.0.1", self.port)
  self.clients[at] = one
  self.came = self.came + 1
end

-- Sends what is left, as far as the socket takes it. False when the server has ended the connection.
local function send(self, one)
  if one.left == "" then one.left = self.attack.again or "" end
  if one.left == "" then return true end
  local last, problem, partial = one.socket:send(one.left)
  if problem == "closed" then return false end
  one.left = one.left:sub((last or partial or 0) + 1)
  return true
end

-- Takes what the server sends.
local function read(self, one)
  if self.attack.reads == false then return true end
  local _, problem = one.socket:receive(65536)
  return problem ~= "closed"
end

--- Has a number of them do what they do next.
function Crowd:turn(count)
  for _ = 1, count do
    self.at = self.at % self.size + 1
    local one = self.clients[self.at]
    if not one then
      come(self, self.at)
    elseif not (send(self, one) and read(self, one)) then
      self.ended = self.ended + 1
      one.socket:close()
      come(self, self.at)
    elseif self.attack.leaves and one.left == "" then
      one.socket:close()
      come(self, self.at)
    end
  end
end

--- They all leave.
function Crowd:leave()
  for _, one in pairs(self.clients) do one.socket:close() end
  self.clients = {}
end

local crowd = {}

--- Makes one of some size, which comes as it takes its turns.
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
  ["half a head"] = { first = LINE .. "X: " },
  ["heads byte by byte"] = { first = LINE .. "X: ", again = "x" },
  ["bodies byte by byte"] = { first = LINE .. "Content-Length: 100000\r\n\r\n", again = "x" },
  ["chunked bodies without end"] = { first = CHUNKED, again = "1000\r\n" .. ("x"):rep(4096) .. "\r\n" },
  ["chunks of one byte"] = { first = CHUNKED, again = ("1\r\nx\r\n"):rep(500) },
  ["lines of a chunk's size without end"] = { first = CHUNKED .. "1;", again = ("x"):rep(20000) },
  ["bodies of a megabyte, half sent"] = { first = LINE .. "Content-Length: 1048576\r\n\r\n" .. ("x"):rep(1048000) },
  ["huge headers"] = { first = LINE .. "X: " .. ("x"):rep(65536) },
  ["requests in one go, answers not read"] = { first = "", again = (LINE .. "Content-Length: 2\r\n\r\n{}"):rep(200),
    reads = false },
  ["connections that leave at once"] = { first = "", leaves = true },
  ["requests that leave at once"] = { first = LINE .. "Content-Length: 2\r\n\r\n{}", leaves = true },
}

return crowd
