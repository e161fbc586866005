--- A Redis server of a storm: on the disk of its machine, with an append-only file that is synced before each reply. It
--- is killed, restarted and paused.

local free_port = require "spec.support.free_port"
local shell = require "spec.support.shell"
local socket = require "socket"
local wait_for = require "spec.support.wait"

local redis_server = {}
local Redis = {}
Redis.__index = Redis

local COMMAND = "cd %s/disk && { env %s redis-server --port %d --bind %s --protected-mode no --save '' --appendonly yes"
  .. " --appendfsync %s --loglevel warning < /dev/null > ../redis.log 2>&1 & echo $! > ../redis.pid; }"

local LOADING_LIMIT_S = 60 -- it reads its whole file at the start

local function is_ready(host, port)
  local connection = socket.connect(host, port)
  if not connection then return false end
  connection:settimeout(1)
  connection:send "PING\r\n"
  local line = connection:receive()
  connection:close()
  return line == "+PONG"
end

--- Starts one.
---@param directory string of the storm
---@param options? { environment?: string, fsync?: string, host?: string } `host`: the address that it listens on
function redis_server.start(directory, options)
  options = options or {}
  local self = setmetatable({
    directory = directory, port = tonumber(free_port()), environment = options.environment or "",
    fsync = options.fsync or "always", host = options.host or "127.0.0.1",
  }, Redis)
  self:start()
  return self
end

--- Restarts it with its data.
function Redis:start()
  assert(shell.succeeds(COMMAND:format(self.directory, self.environment, self.port, self.host, self.fsync)))
  local file = assert(io.open(self.directory .. "/redis.pid"))
  self.pid = file:read "*l"
  file:close()
  wait_for(function() return is_ready(self.host, self.port) end, "a Redis server", LOADING_LIMIT_S)
end

local function send(self, signal)
  assert(shell.succeeds(("kill -%s %s"):format(signal, self.pid)))
end

--- Suspends it until Redis:resume.
function Redis:pause()
  send(self, "STOP")
end

function Redis:resume()
  send(self, "CONT")
end

-- A process that has ended has no command line, even before its status was collected.
local function is_alive(self)
  local file = io.open(("/proc/%s/cmdline"):format(self.pid))
  local line = file and file:read "*a" or ""
  if file then file:close() end
  return line ~= ""
end

--- Ends it at once.
function Redis:crash()
  send(self, "KILL")
  wait_for(function() return not is_alive(self) end, "the end of Redis")
end

return redis_server
