--- A real Redis server for tests, in a directory of its own, with an append-only file.

local free_port = require "spec.support.free_port"
local lfs = require "lfs"
local socket = require "socket"
local wait_for = require "spec.support.wait"

-- Its standard input is a pipe that closes with this process, however that ends.
local script = "cd %s; exec 3<&0 2> /dev/null;"
  .. " redis-server --port %d --bind 127.0.0.1 --unixsocket redis.sock --save '' --appendonly yes"
  .. " --appendfsync always --loglevel warning %s < /dev/null > redis.log 2>&1 &"
  .. " pid=$!; echo $pid > pid; { cat <&3 > /dev/null; kill -KILL $pid 2> /dev/null; } & wait $pid;"
  .. " kill $! 2> /dev/null"

local function succeeds(command)
  local status = os.execute(command .. " > /dev/null 2>&1")
  return status == true or status == 0
end

---@class spec.Redis
---@field port integer
---@field path string its Unix socket
---@field directory string
local Redis = {}
Redis.__index = Redis

function Redis:kill(signal)
  return succeeds(("kill -%s %s"):format(signal, self.pid))
end

-- Whether it replies to a PING: with `reply`, or as one that can be used.
local function answers(self, reply)
  local connection = socket.connect("127.0.0.1", self.port)
  if not connection then return false end
  connection:settimeout(1)
  connection:send("PING\r\n")
  local line = connection:receive()
  connection:close()
  if reply then return line and line:find(reply, 1, true) ~= nil end
  return line and (line:find("^%+PONG") or line:find("^%-NOAUTH")) and true
end

--- Starts it, on the data that it has.
---@param reply? string what it is to reply to a PING; default: that it can be used
function Redis:start(reply)
  self.pipe = io.popen(script:format(self.directory, self.port, self.arguments), "w")
  wait_for(function() return answers(self, reply) end, "a Redis server")
  local file = assert(io.open(self.directory .. "/pid"))
  self.pid = file:read "*l"
  file:close()
end

--- Ends it at once, as a crash does.
function Redis:crash()
  self:kill "KILL"
  wait_for(function() return not self:kill "0" end, "the end of Redis")
  self.pipe:close()
  self.pipe = nil
end

--- Stops it in its tracks, until it is resumed.
function Redis:pause()
  assert(self:kill "STOP")
end

function Redis:resume()
  assert(self:kill "CONT")
end

--- Ends it for good.
function Redis:stop()
  if self.pipe then self:crash() end
  succeeds("rm -rf " .. self.directory)
end

--- Sends a command of words; what it answers, as redis-cli prints it.
---@param ... string|number
---@return string
function Redis:command(...)
  local words = {}
  for i, word in ipairs { ... } do words[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'" end
  local pipe = assert(io.popen(("%s redis-cli -p %d %s 2>&1")
    :format(self.password and "REDISCLI_AUTH=" .. self.password or "", self.port, table.concat(words, " "))))
  local answer = pipe:read "*a"
  pipe:close()
  return (answer:gsub("\n$", ""))
end

--- From now on it wants a password; with "" none.
---@param word string
function Redis:set_password(word)
  self:command("CONFIG", "SET", "requirepass", word)
  self.password = word ~= "" and word or nil
end

local redis = {}

--- The reason why this machine has no Redis that the store can use, or nil.
function redis.missing()
  local pipe = assert(io.popen "redis-server --version 2> /dev/null")
  local version = pipe:read("*a"):match " v=([%d.]+)"
  pipe:close()
  if not version then return "redis-server is not installed" end
  if tonumber(version:match "^%d+") < 7 then return "redis-server is older than 7.0: " .. version end
end

--- Starts one; it lives until it is stopped, or this process ends.
---@param arguments? string more of them
---@return spec.Redis
function redis.start(arguments)
  local directory = os.tmpname()
  os.remove(directory)
  assert(lfs.mkdir(directory))
  local self = setmetatable({
    directory = directory, path = directory .. "/redis.sock", port = tonumber(free_port()), arguments = arguments or "",
  }, Redis)
  self:start()
  return self
end

return redis
