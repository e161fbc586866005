--- Clients of one Redis server. In a script, redis-lua with one connection, which is reused. In nginx, lua-resty-redis:
--- a connection belongs to one request there, so each call takes one from nginx's pool. After a failure the connection
--- is closed, and the next call creates another one. No command is sent twice: an idle connection is checked before it
--- is reused.

local core = require "apivideo.core"
local host = require "apivideo.runtime.host"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local CONNECT_TIMEOUT_S, REPLY_TIMEOUT_S = 1, 2
local POOL_IDLE_S, POOL_SIZE = 60, 64 -- of nginx's pool

local clients = {}

-- The message of the server or the system, without the prefixes of redis-lua and resty.
local function plain(problem)
  problem = tostring(problem):gsub("^[^\n]-%.lua:%d+: ", "")
  return (problem:gsub("^redis error: ", ""):gsub("^connection error: ", ""))
end

-- Sends a command. Its reply, which is neither nil nor false; or nil and the problem.
local function ask(client, command, ...)
  local ok, reply, problem = protected.call(client[command], client, ...)
  if ok and reply then return reply end
  return nil, plain(ok and problem or reply)
end

clients.ask = ask

-- The first of the modules that is installed.
local function first_of(names)
  for _, name in ipairs(names) do
    local found, module = pcall(require, name)
    if found then return module end
  end
end

local SCRIPT_MISSING = "redis-lua is missing: install the package lua-redis (Debian) or redis-lua (LuaRocks) for %s, or"
  .. " give the option client"
local SOCKET_MISSING = "LuaSocket is missing: install lua-socket (Debian) or luasocket (LuaRocks)"
local NGINX_MISSING = "lua-resty-redis is missing: install lua-nginx-redis (Debian), or have OpenResty's resty.redis"

local NGINX_MODULES = { "resty.redis", "nginx.redis" }

--- Which module is missing for a store with these options, and how to install it; nil if none is.
---@param options apivideo.RedisOptions
---@return string|nil
function clients.missing(options)
  if options.client then return nil end
  if host.ngx then return not first_of(NGINX_MODULES) and NGINX_MISSING or nil end
  if not first_of { "redis" } then return SCRIPT_MISSING:format(_VERSION) end
  if not first_of { options.path and "socket.unix" or "socket" } then return SOCKET_MISSING end
end

-- ---- in a script ----

-- A connected socket of LuaSocket.
local function dial(self)
  local socket = require(self.path and "socket.unix" or "socket")
  local connection = assert(self.path and socket.stream() or socket.tcp())
  connection:settimeout(CONNECT_TIMEOUT_S)
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
  local redis = require "redis"
  local connection, problem = dial(self)
  if not connection then return nil, problem end
  return redis.connect { socket = connection }, nil, true
end

-- Whether a client is one of redis-lua. (One of resty has a function for any name.)
local function is_blocking(client)
  return type(client.network) == "table"
end

-- Whether an idle connection can be reused: it is open, and has no unread bytes.
local function is_usable(client)
  client.network.socket:settimeout(0)
  local _, problem = client.network.socket:receive(1)
  return problem == "timeout"
end

-- ---- in nginx ----

local function connect_nginx(self)
  local redis = first_of(NGINX_MODULES)
  local client, problem = redis:new()
  if not client then return nil, problem end
  client:set_timeout(CONNECT_TIMEOUT_S * 1000)
  local ok
  if self.path then
    ok, problem = client:connect("unix:" .. self.path, { pool = self.pool })
  else
    ok, problem = client:connect(self.host, self.port, { pool = self.pool })
  end
  if not ok then return nil, problem end
  client:set_timeout(REPLY_TIMEOUT_S * 1000)
  return client, nil, client:get_reused_times() == 0
end

-- ---- both ----

-- Closes a connection, in any state.
local function close(client)
  if is_blocking(client) then
    client.network.socket:close()
  else
    client:close()
  end
end

-- A client of this module, authenticated and with its database selected.
local function connect(self)
  local missing = clients.missing(self)
  if missing then return nil, missing end
  local client, problem, is_new = (host.ngx and connect_nginx or connect_script)(self)
  if not client or not is_new then return client, problem end
  if is_blocking(client) then client.network.socket:settimeout(REPLY_TIMEOUT_S) end
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

-- A client that the application created.
local function connect_by_option(self)
  local ok, client, problem = protected.call(self.client)
  if ok and client then return client end
  return nil, plain(ok and problem or client)
end

---@class apivideo.inbox.RedisClients
local Clients = {}
Clients.__index = Clients
Clients.__name = "apivideo.inbox.RedisClients"

-- Takes the idle client. One that a forked process inherited is not used: replies to parent and child would mix. It
-- stays open, since closing its TLS session would close the parent's, too.
local function take_idle(self)
  local client = self.idle
  self.idle = nil
  if not client or self.process == core.process_id() then return client end
  self.inherited[#self.inherited + 1] = client
end

--- Takes a client for one call. It must be given back.
---@return table|nil client
---@return string? problem
function Clients:take()
  local refusal = runtime.refusal()
  if host.phase() == "init" then
    refusal = "init_by_lua comes before nginx's workers; use the inbox in requests, or from init_worker_by_lua's timers"
  end
  if refusal then return nil, refusal end
  local client = take_idle(self)
  if client and not is_usable(client) then
    self:give(client, true)
    client = nil
  end
  local problem
  if not client then
    client, problem = (self.client and connect_by_option or connect)(self)
  end
  if client and is_blocking(client) then client.network.socket:settimeout(REPLY_TIMEOUT_S) end
  return client, problem
end

--- Gives a client back.
---@param client table
---@param broken boolean whether a call of it failed
function Clients:give(client, broken)
  if self.release then
    protected.call(self.release, client, broken)
  elseif broken then
    protected.call(close, client)
  elseif not is_blocking(client) then
    protected.call(client.set_keepalive, client, POOL_IDLE_S * 1000, POOL_SIZE)
  elseif self.idle or self.closed then
    close(client)
  else
    self.idle, self.process = client, core.process_id()
  end
end

--- Closes the idle connection.
function Clients:close()
  self.closed = true
  local client = take_idle(self)
  if client then self:give(client, true) end
end

---@param options apivideo.RedisOptions
---@return apivideo.inbox.RedisClients
function clients.new(options)
  return setmetatable({
    client = options.client, release = options.release, path = options.path, host = options.host or "127.0.0.1",
    port = options.port or 6379, database = options.database, username = options.username, inherited = {},
    -- In a function, so that it is not printed with the store.
    password = options.password and function() return options.password end,
    -- The name of nginx's pool. Its connections are authenticated and have a database, so no other store may use them.
    pool = "apivideo.inbox " .. core.random(16),
  }, Clients)
end

return clients
