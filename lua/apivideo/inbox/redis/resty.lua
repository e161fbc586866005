--- A client of Redis in nginx: lua-resty-redis. A connection belongs to one request there, so after each call it goes
--- to nginx's pool.

local host = require "apivideo.runtime.host"
local hosts = require "apivideo.inbox.redis.hosts"
local packages = require "apivideo.util.packages"
local protected = require "apivideo.util.pcall"

local CONNECT_TIMEOUT_S, REPLY_TIMEOUT_S = 1, 2
local POOL_IDLE_S, POOL_SIZE = 60, 64

-- The message of the server or the system, without a place in the code of the library.
local function plain(problem)
  return (tostring(problem):gsub("^[^\n]-%.lua:%d+: ", ""))
end

---@class apivideo.inbox.RestyClient : apivideo.inbox.RedisClient
local Client = {}
Client.__index = Client
Client.__name = "apivideo.inbox.RestyClient"

function Client:ask(word, ...)
  local ok, reply, problem = protected.call(self.resty[word], self.resty, ...)
  if ok and host.ngx and reply == host.ngx.null then return nil, "the reply is nil" end
  if ok and reply then return reply end
  return nil, plain(ok and problem or reply)
end

function Client.is_usable() return true end

function Client:keep()
  protected.call(self.resty.set_keepalive, self.resty, POOL_IDLE_S * 1000, POOL_SIZE)
  return true
end

function Client:close() protected.call(self.resty.close, self.resty) end

local resty = { plain = plain }

--- A client for a connected object of lua-resty-redis.
---@param object table
---@return apivideo.inbox.RedisClient
function resty.wrap(object)
  return setmetatable({ resty = object }, Client)
end

-- The first of the modules that is installed.
local function first_of(names)
  for _, name in ipairs(names) do
    local found, module = pcall(require, name)
    if found then return module end
  end
end

local MODULES = { "resty.redis", "nginx.redis" }

--- Why this client cannot be used, and how to install it; nil if it can.
---@return string|nil
function resty.missing()
  if first_of(MODULES) then return nil end
  return ("lua-resty-redis is missing: %s, or have OpenResty's resty.redis"):format(packages.remedy "lua-resty-redis")
end

local function with_remedy(problem, name)
  if not problem:find("no resolver defined", 1, true) then return problem end
  return ("nginx cannot look up \"%s\", which /etc/hosts does not have: set nginx's directive resolver, or give an"
    .. " address"):format(name)
end

-- Begins TLS. The option `ssl` of lua-resty-redis is unknown to versions before 0.28, which Debian has: they would send
-- everything, and the password, without TLS.
local function begin_tls(object, name)
  local socket = rawget(object, "_sock")
  if not socket then return nil, "TLS is not possible with this version of lua-resty-redis" end
  local ok, problem = socket:sslhandshake(false, name, true)
  if not ok then return nil, "TLS: " .. tostring(problem) end
  -- If the handshake ends without a wait, it returns true for a certificate that is not trusted, but closes the socket
  -- (openresty/lua-nginx-module#2506).
  if socket:getreusedtimes() then return true end
  return nil, "TLS: nginx does not trust the server's certificate; its error log says why"
end

--- Connects, or takes a connection of the pool.
---@param address { host?: string, port?: integer, path?: string, tls?: boolean }
---@param pool string name of nginx's pool
---@return apivideo.inbox.RedisClient|nil client
---@return string|boolean|nil problem_or_new the problem; or whether the connection is new
function resty.connect(address, pool)
  local object, problem = first_of(MODULES):new()
  if not object then return nil, problem end
  object:set_timeout(CONNECT_TIMEOUT_S * 1000)
  local ok
  if address.path then
    ok, problem = object:connect("unix:" .. address.path, { pool = pool })
  else
    ok, problem = object:connect(hosts.address_of(address.host), address.port, { pool = pool })
  end
  if not ok then return nil, with_remedy(problem, address.host) end
  local is_new = object:get_reused_times() == 0
  if address.tls and is_new then
    ok, problem = begin_tls(object, address.host)
    if not ok then
      object:close()
      return nil, problem
    end
  end
  object:set_timeout(REPLY_TIMEOUT_S * 1000)
  return resty.wrap(object), is_new
end

return resty
