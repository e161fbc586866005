--- A real Redis server for tests, in a directory of its own, with an append-only file.

local free_port = require "spec.support.free_port"
local shell = require "spec.support.shell"
local socket = require "socket"
local temporary = require "spec.support.temporary"
local wait_for = require "spec.support.wait"

-- The end of the pipe on its standard input ends the server, so that it never outlives this process.
local script = "cd %s; exec 3<&0 2> /dev/null;"
  .. " redis-server --port %d --bind 127.0.0.1 --unixsocket redis.sock --save '' --appendonly yes"
  .. " --appendfsync always --loglevel warning %s < /dev/null > redis.log 2>&1 &"
  .. " pid=$!; echo $pid > pid; { cat <&3 > /dev/null; kill -KILL $pid 2> /dev/null; } & wait $pid;"
  .. " kill $! 2> /dev/null"

---@class spec.Redis
---@field port integer
---@field path string of the Unix socket
---@field directory string
local Redis = {}
Redis.__index = Redis

function Redis:kill(signal)
  return shell.succeeds(("kill -%s %s"):format(signal, self.pid))
end

-- Whether it replies to PING with `reply`; by default, as a server that is ready or asks for a password.
local function is_ready(self, reply)
  local connection = socket.connect("127.0.0.1", self.port)
  if not connection then return false end
  connection:settimeout(1)
  connection:send("PING\r\n")
  local line = connection:receive()
  connection:close()
  if reply then return line and line:find(reply, 1, true) ~= nil end
  return line and (line:find("^%+PONG") or line:find("^%-NOAUTH")) and true
end

--- Starts the server with its existing data, and waits for it.
---@param reply? string the expected reply to PING; default: any that shows that it is ready
function Redis:start(reply)
  self.pipe = io.popen(script:format(self.directory, self.port, self.arguments), "w")
  wait_for(function() return is_ready(self, reply) end, "a Redis server")
  local file = assert(io.open(self.directory .. "/pid"))
  self.pid = file:read "*l"
  file:close()
end

--- Kills the server.
function Redis:crash()
  self:kill "KILL"
  wait_for(function() return not self:kill "0" end, "Redis to exit")
  self.pipe:close()
  self.pipe = nil
end

--- Suspends the server until Redis:resume.
function Redis:pause()
  assert(self:kill "STOP")
end

function Redis:resume()
  assert(self:kill "CONT")
end

--- Kills the server and removes its data.
function Redis:stop()
  if self.pipe then self:crash() end
  shell.succeeds("rm -rf " .. self.directory)
end

--- Sends a command. Returns the reply as redis-cli prints it.
---@param ... string|number
---@return string
function Redis:command(...)
  local words = {}
  for i, word in ipairs { ... } do words[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'" end
  local pipe = assert(io.popen(("%s redis-cli -p %d %s 2>&1")
    :format(self.password and "REDISCLI_AUTH=" .. self.password or "", self.port, table.concat(words, " "))))
  local reply = pipe:read "*a"
  pipe:close()
  return (reply:gsub("\n$", ""))
end

--- Sets the password; "" removes it.
---@param password string
function Redis:set_password(password)
  self:command("CONFIG", "SET", "requirepass", password)
  self.password = password ~= "" and password or nil
end

local redis = {}

--- The reason why this machine has no usable Redis, or nil.
function redis.missing()
  local pipe = assert(io.popen "redis-server --version 2> /dev/null")
  local version = pipe:read("*a"):match " v=([%d.]+)"
  pipe:close()
  if not version then return "redis-server is not installed" end
  if tonumber(version:match "^%d+") < 7 then return "redis-server is older than 7.0: " .. version end
end

--- Starts a server. It runs until it is stopped, or until this process ends.
---@param arguments? string additional arguments
---@return spec.Redis
function redis.start(arguments)
  local directory = temporary.directory()
  local self = setmetatable({
    directory = directory, path = directory .. "/redis.sock", port = tonumber(free_port()), arguments = arguments or "",
  }, Redis)
  self:start()
  return self
end

--- Starts a server that also accepts TLS.
---@param authority table of spec.support.certificates, which has issued "good"
---@return table server
---@return integer port of TLS
function redis.start_with_tls(authority)
  local port = tonumber(free_port())
  local server = redis.start(("--tls-port %d --tls-cert-file %s --tls-key-file %s --tls-ca-cert-file %s"
    .. " --tls-auth-clients no --bind 127.0.0.1 127.0.0.2"):format(port, authority:path "good.crt",
      authority:path "good.key", authority:path "ca.crt"))
  return server, port
end

return redis
