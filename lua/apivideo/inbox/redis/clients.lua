--- Clients of one Redis server, or of the node of a cluster that has the store's keys. In a script, idle clients are
--- reused; in nginx they go to its pool. After a failure a client is closed, and the next call creates another one. No
--- command is sent twice: an idle connection is checked before it is reused.

local core = require "apivideo.core"
local hiredis = require "apivideo.inbox.redis.hiredis"
local host = require "apivideo.runtime.host"
local protected = require "apivideo.util.pcall"
local random = require "apivideo.util.random"
local resty = require "apivideo.inbox.redis.resty"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"

local IDLE_MAX = 16 -- of a script

---@class apivideo.inbox.RedisClients
local Clients = {}
Clients.__index = Clients
Clients.__name = "apivideo.inbox.RedisClients"

-- Authenticates, and selects the database. The problem, or nil.
local function prepare(self, client)
  local ok, problem = true, nil
  if self.username then
    ok, problem = client:ask("auth", self.username, self.password())
  elseif self.password then
    ok, problem = client:ask("auth", self.password())
  end
  if ok and self.database then ok, problem = client:ask("select", ("%d"):format(self.database)) end
  return not ok and problem or nil
end

-- A client of a server, and whether its connection is new; nil and the problem.
local function open(address, pool)
  if host.ngx then return resty.connect(address, pool) end
  local client, problem = hiredis.connect(address)
  return client, problem or true
end

-- Whether a server replies without TLS. Redis waits for more of what it takes for a command, so a handshake times out.
local function replies_without_tls(address)
  local client = open(tables.merge(address, { tls = false }), address.pool .. " without TLS")
  if not client then return false end
  local reply, problem = client:ask("ping")
  client:close()
  return reply ~= nil or problem:find "^NOAUTH" ~= nil
end

-- A client of a server, which is ready for commands.
local function connect(self, address)
  local client, is_new = open(address, address.pool)
  if not client then
    -- Only before the first connection: later, a server that hangs would delay the call.
    if address.tls and not self.speaks_tls and replies_without_tls(address) then
      return nil, "the server does not speak TLS on this port"
    end
    return nil, is_new
  end
  self.speaks_tls = true
  local problem = is_new and prepare(self, client)
  if not problem then return client end
  client:close()
  return nil, problem
end

-- A client that the application created.
local function connect_by_option(self)
  local ok, object, problem = protected.call(self.client)
  if ok and object then return resty.wrap(object) end
  return nil, resty.plain(ok and problem or object)
end

-- A client of the node that has the keys, as far as that is known, or otherwise of the configured server.
local function create(self)
  if self.client then return connect_by_option(self) end
  if self.node then
    local client = connect(self, self.node)
    if client then return client end
    self.node = nil
  end
  return connect(self, self.address)
end

-- Closes all idle clients.
local function close_idle(self)
  local idle = self.idle
  self.idle = {}
  for _, client in ipairs(idle) do client:close() end
end

-- A usable idle client, or nil. One that a forked process inherited is not used: replies to parent and child would mix.
local function take_idle(self)
  if self.process ~= core.process_id() then
    close_idle(self)
    self.process = core.process_id()
  end
  local client = table.remove(self.idle)
  while client and not client:is_usable() do
    self.on_closed()
    client:close()
    client = table.remove(self.idle)
  end
  return client
end

--- Takes a client for one call. It must be given back.
---@return apivideo.inbox.RedisClient|nil client
---@return string? problem
function Clients:take()
  local refusal = runtime.refusal()
  if host.phase() == "init" then
    refusal = "init_by_lua comes before nginx's workers; use the inbox in requests, or from init_worker_by_lua's timers"
  end
  if refusal then return nil, refusal end
  local client = take_idle(self)
  if client then return client end
  return create(self)
end

--- Gives a client back.
---@param client apivideo.inbox.RedisClient
---@param broken boolean whether a call of it failed
function Clients:give(client, broken)
  if self.release then
    protected.call(self.release, client.resty, broken)
  elseif broken or self.closed then
    -- What has broken a connection may have broken all. Each of them would fail only after its timeout.
    if not client:is_usable() then close_idle(self) end
    client:close()
  elseif not client:keep() then
    if #self.idle >= IDLE_MAX then return client:close() end
    self.idle[#self.idle + 1] = client
  end
end

--- Follows the redirection of a Redis Cluster to the node that has the keys. All keys of a store have one hash tag, so
--- that is one node.
---@param problem string of a command
---@return boolean followed whether to repeat the command, which was not executed
function Clients:follow(problem)
  local name, port = problem:match "^MOVED %d+ (.*):(%d+)$"
  if not name or self.client then return false end
  local from = self.node or self.address
  if name == "" or name == "?" then name = from.host end -- the host that was asked
  self.node = {
    host = name, port = tonumber(port), tls = from.tls, ca_file = from.ca_file,
    pool = ("%s %s:%s"):format(self.address.pool, name, port),
  }
  close_idle(self)
  return true
end

--- Closes the idle connections.
function Clients:close()
  self.closed = true
  if self.process == core.process_id() then close_idle(self) end
end

local clients = {}

--- Which module is missing for a store with these options, and how to install it; nil if none is.
---@param options apivideo.RedisOptions
---@return string|nil
function clients.missing(options)
  if options.client then return nil end
  return (host.ngx and resty or hiredis).missing()
end

---@param options apivideo.RedisOptions
---@param on_closed? fun() called when the server has closed an idle connection of a script
---@return apivideo.inbox.RedisClients
function clients.new(options, on_closed)
  return setmetatable({
    client = options.client, release = options.release, database = options.database, username = options.username,
    address = {
      path = options.path, host = options.host or "127.0.0.1", port = options.port or 6379, tls = options.tls,
      ca_file = options.ca_file,
      -- The name of nginx's pool. Its connections are authenticated and have a database, so no other store may use them.
      pool = "apivideo.inbox " .. random.hex(16),
    },
    -- In a function, so that it is not printed with the store.
    password = options.password and function() return options.password end,
    idle = {}, process = core.process_id(), on_closed = on_closed or function() end,
  }, Clients)
end

return clients
