--- Clients of one Redis server. In a script that is redis-lua: one connection, which is kept. In nginx it is
--- lua-resty-redis: a connection belongs to one request, so each call takes one out of the pool. After
--- a failure the connection is dropped, and the next call makes another. Nothing is sent twice: a kept
--- connection is looked at before it is used again.

local core = require "apivideo.core"
local host = require "apivideo.runtime.host"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local CONNECT, ANSWER = 1, 2 -- seconds
local IDLE, POOL = 60, 64    -- of nginx's pool: seconds that a connection waits there, and how many do

local clients = {}

-- What redis-lua raised, or resty said, in words of the server or of the system.
local function plain(problem)
  problem = tostring(problem):gsub("^[^\n]-%.lua:%d+: ", "")
  return (problem:gsub("^redis error: ", ""):gsub("^connection error: ", ""))
end

-- Sends a command. Its reply, which is neither nil nor false; or nil and what went wrong.
local function ask(client, command, ...)
  local ok, reply, problem = protected.call(client[command], client, ...)
  if ok and reply then return reply end
  return nil, plain(ok and problem or reply)
end

clients.ask = ask

-- The first of some modules that is installed.
local function first_of(names)
  for _, name in ipairs(names) do
    local found, module = pcall(require, name)
    if found then return module end
  end
end

-- ---- in a script ----

-- A connected socket of LuaSocket.
local function dial(self)
  local has_socket, socket = pcall(require, self.path and "socket.unix" or "socket")
  if not has_socket then return nil, "LuaSocket is missing: install lua-socket (Debian) or luasocket (LuaRocks)" end
  local connection = assert(self.path and socket.stream() or socket.tcp())
  connection:settimeout(CONNECT)
  local ok, problem
  if self.path then
    ok, problem = connection:connect(self.path)
  else
    ok, problem = connection:connect(self.host, self.port)
    connection:setoption("tcp-nodelay", true)
  end
  if ok then return connection end
  connection:close()
  return nil, problem
end

local function connect_script(self)
  local redis = first_of { "redis" }
  if not redis then
    return nil, ("redis-lua is missing: install the package lua-redis (Debian) or redis-lua (LuaRocks) for %s,"
      .. " or give the option client"):format(_VERSION)
  end
  local connection, problem = dial(self)
  if not connection then return nil, problem end
  return redis.connect { socket = connection }, nil, true
end

-- Whether redis-lua made a client. (One of resty has a function for any name.)
local function is_blocking(client)
  return type(client.network) == "table"
end

-- Whether a kept connection is still one: nothing may have come on it, its end neither.
local function is_usable(client)
  client.network.socket:settimeout(0)
  local _, problem = client.network.socket:receive(1)
  return problem == "timeout"
end

-- ---- in nginx ----

local function connect_nginx(self)
  local redis = first_of { "resty.redis", "nginx.redis" }
  if not redis then
    return nil, "lua-resty-redis is missing: install lua-nginx-redis (Debian), or have OpenResty's resty.redis"
  end
  local client, problem = redis:new()
  if not client then return nil, problem end
  client:set_timeout(CONNECT * 1000)
  local ok
  if self.path then
    ok, problem = client:connect("unix:" .. self.path, { pool = self.pool })
  else
    ok, problem = client:connect(self.host, self.port, { pool = self.pool })
  end
  if not ok then return nil, problem end
  client:set_timeout(ANSWER * 1000)
  return client, nil, client:get_reused_times() == 0
end

-- ---- both ----

-- Ends a connection, in whatever state it is.
local function close(client)
  if is_blocking(client) then
    client.network.socket:close()
  else
    client:close()
  end
end

-- A client of our own, which has said who it is and where it wants to be.
local function connect(self)
  local client, problem, is_new = (host.ngx and connect_nginx or connect_script)(self)
  if not client or not is_new then return client, problem end
  if is_blocking(client) then client.network.socket:settimeout(ANSWER) end
  local ok = true
  if self.username then
    ok, problem = ask(client, "auth", self.username, self.password())
  elseif self.password then
    ok, problem = ask(client, "auth", self.password())
  end
  if ok and self.database then ok, problem = ask(client, "select", ("%d"):format(self.database)) end
  if ok then return client end
  close(client)
  return nil, problem
end

-- A client that the application made.
local function injected(self)
  local ok, client, problem = protected.call(self.client)
  if ok and client then return client end
  return nil, plain(ok and problem or client)
end

---@class apivideo.inbox.RedisClients
local Clients = {}
Clients.__index = Clients

-- Takes the kept client. One that this process inherited by a fork is the parent's: replies to both would mix. It stays
-- open, since the end of a TLS session would end the parent's, too.
local function kept_client(self)
  local client = self.kept
  self.kept = nil
  if not client or self.process == core.process_id() then return client end
  self.inherited[#self.inherited + 1] = client
end

--- A client for one call, to be given back after it.
---@return table|nil client
---@return string? problem
function Clients:take()
  local refusal = runtime.refusal()
  if host.phase() == "init" then
    refusal = "init_by_lua comes before nginx's workers; use the inbox in requests, or from init_worker_by_lua's timers"
  end
  if refusal then return nil, refusal end
  local client = kept_client(self)
  if client and not is_usable(client) then
    self:give(client, true)
    client = nil
  end
  local problem
  if not client then
    client, problem = (self.client and injected or connect)(self)
  end
  if client and is_blocking(client) then client.network.socket:settimeout(ANSWER) end
  return client, problem
end

--- Takes a client back.
---@param client table
---@param broken boolean whether something went wrong with it
function Clients:give(client, broken)
  if self.release then
    protected.call(self.release, client, broken)
  elseif broken then
    protected.call(close, client)
  elseif not is_blocking(client) then
    protected.call(client.set_keepalive, client, IDLE * 1000, POOL)
  elseif self.kept or self.closed then
    close(client)
  else
    self.kept, self.process = client, core.process_id()
  end
end

--- Closes the connection that is kept.
function Clients:close()
  self.closed = true
  local client = kept_client(self)
  if client then self:give(client, true) end
end

---@param given apivideo.RedisOptions
---@return apivideo.inbox.RedisClients
function clients.new(given)
  return setmetatable({
    client = given.client, release = given.release, path = given.path, host = given.host or "127.0.0.1",
    port = given.port or 6379, database = given.database, username = given.username, inherited = {},
    -- In a function, so that it is not printed with the store.
    password = given.password and function() return given.password end,
    -- nginx's pool: its connections have a password and a database, so it is nobody else's.
    pool = "apivideo.inbox " .. core.random(16),
  }, Clients)
end

return clients
