--- A client of Redis in a script: a connection of apivideo.redis.core. While it waits for Redis, other tasks run.

local packages = require "apivideo.util.packages"
local runtime = require "apivideo.runtime"

local CONNECT_TIMEOUT_S, REPLY_TIMEOUT_S = 1, 2
local REPLY_MAX_BYTES = 512 * 1024 * 1024 -- the limit of Redis for one string

---@class apivideo.inbox.RedisClient
---@field ask fun(self, word: string, ...: string|number): any|nil, string? sends a command; its reply, or nil and the problem, after which the client must be closed
---@field is_usable fun(self): boolean whether an idle client can be reused
---@field keep fun(self): boolean gives it to a pool of its own; false if it has none
---@field close fun(self)

---@class apivideo.inbox.HiredisClient : apivideo.inbox.RedisClient
local Client = {}
Client.__index = Client
Client.__name = "apivideo.inbox.HiredisClient"

-- Waits for the next state of the connection, or nil and the problem.
local function await(connection, seconds, timeout)
  local ends = runtime.monotonic() + seconds
  while true do
    local state, value = connection:step()
    if state ~= "waiting" then return state, value end
    local remaining = ends - runtime.monotonic()
    if remaining <= 0 then return nil, timeout end
    local progress = runtime.latch()
    runtime.watch(connection, function() progress:open() end)
    progress:wait(remaining)
    runtime.unwatch(connection)
  end
end

function Client:ask(...)
  self.connection:send(...)
  local state, value = await(self.connection, REPLY_TIMEOUT_S,
    ("timeout: no reply within %d seconds"):format(REPLY_TIMEOUT_S))
  if state == "reply" and value ~= false then return value end
  return nil, value or "the reply is nil"
end

function Client:is_usable() return self.connection:is_usable() end

function Client.keep() return false end

function Client:close() self.connection:close() end

local hiredis = {}

--- Why this client cannot be used, and how to install it; nil if it can.
---@return string|nil
function hiredis.missing()
  if pcall(require, "apivideo.redis.core") then return nil end
  return ("apivideo.redis.core is missing for %s: %s; in a checkout, install libhiredis-dev and run make"):format(
    _VERSION, packages.remedy "apivideo.redis.core")
end

--- Connects.
---@param address { host?: string, port?: integer, path?: string, tls?: boolean, ca_file?: string }
---@return apivideo.inbox.RedisClient|nil client
---@return string? problem
function hiredis.connect(address)
  local core = require "apivideo.redis.core"
  local connection, problem = core.connect {
    host = not address.path and address.host or nil, port = address.port, path = address.path, tls = address.tls,
    ca_file = address.ca_file, reply_max = REPLY_MAX_BYTES,
  }
  if not connection then return nil, problem end
  local state
  state, problem = await(connection, CONNECT_TIMEOUT_S,
    ("timeout: not connected within %d second"):format(CONNECT_TIMEOUT_S))
  if state then return setmetatable({ connection = connection }, Client) end
  connection:close()
  return nil, problem
end

return hiredis
