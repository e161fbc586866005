--- Runs the scripts of the Redis store on the server, which is checked before its first use.

local clients = require "apivideo.inbox.redis.clients"
local data_watch = require "apivideo.inbox.redis.data_watch"
local errors = require "apivideo.error"
local log = require "apivideo.runtime.log"
local permissions = require "apivideo.inbox.redis.permissions"
local redis_options = require "apivideo.inbox.redis.options"
local remedies = require "apivideo.inbox.redis.remedies"
local scripts = require "apivideo.inbox.redis.scripts"

local unpack = table.unpack or unpack

local REDIRECTIONS_MAX = 3 -- in a Redis Cluster, of one call

---@class apivideo.inbox.ScriptRunner
local ScriptRunner = {}
ScriptRunner.__index = ScriptRunner
ScriptRunner.__name = "apivideo.inbox.ScriptRunner"

local function unavailable(self, problem)
  local version, known = problem:match "NEWERSCHEMA (%d+), and (%d+) is known"
  if version then
    problem = ("these keys have schema version %s, of a newer apivideo; this apivideo knows %s; upgrade apivideo in"
      .. " this program"):format(version, known)
  end
  local remedy
  problem, remedy = remedies.of(self.options, problem)
  if remedy then problem = problem .. "; " .. remedy end
  local password = self.clients.password
  return nil, errors.new("store_unavailable", ("Redis (%s): %s"):format(self.address, problem), { origin = "redis" },
    password and password())
end

-- Logs settings of the server with which events can be lost; or that they could not be read.
local function warn(self, append_only, memory_policy, unreadable)
  if unreadable ~= "" then
    log.warn(("Redis (%s) does not allow INFO (%s), so its settings were not checked; make sure that it is version 7.0"
      .. " or newer, with appendonly yes and maxmemory-policy noeviction, or %s")
      :format(self.address, unreadable, permissions.line(self.options, "+info")))
  end
  if append_only == "0" then
    log.error(("Redis (%s) has no append-only file, so events are lost when it ends; set appendonly yes")
      :format(self.address))
  end
  if memory_policy:find("^allkeys") then
    log.error(("Redis (%s) removes events when its memory is full; set maxmemory-policy noeviction")
      :format(self.address))
  end
end

-- Checks the commands that the user may run: why that is not possible, or nil.
local function check_permissions(self, client)
  local missing, problem = client:ask("eval", scripts.permissions, #self.keys, unpack(self.keys))
  if not missing then return problem end
  if not missing[1] then return nil end
  log.error(("Redis (%s): %s; %s"):format(self.address, permissions.problem(self.options, missing)))
end

-- Checks the server: why it cannot be used, or nil. A server that does not allow INFO is used without that check.
local function check_server(self, client, name)
  local about, problem = client:ask("eval", scripts.about, "0")
  if not about then return problem end
  local version, append_only, memory_policy, _, unreadable = unpack(about)
  if unreadable == "" and (tonumber(version:match("^%d+")) or 0) < 7 then
    return ("version 7.0 or newer is needed, and this is %s; update Redis"):format(version)
  end
  problem = name ~= "permissions" and check_permissions(self, client)
  if problem then return problem end
  self.is_checked = true
  warn(self, append_only, memory_policy, unreadable)
end

-- Runs a script with a client: its reply; or nil and the problem.
local function run(self, client, name, arguments)
  local problem = not self.is_checked and check_server(self, client, name)
  if problem then return nil, problem end
  local sha = self.shas[name]
  if not sha then
    sha, problem = client:ask("script", "load", scripts[name])
    if not sha then return nil, problem end
    self.shas[name] = sha
  end
  local reply
  reply, problem = client:ask("evalsha", sha, unpack(arguments))
  if reply or not problem:find("^NOSCRIPT") then return reply, problem end
  return client:ask("eval", scripts[name], unpack(arguments))
end

-- Logs that the server has lost events, if it has. This comes after a call, which may have created the inbox. Returns
-- whether the client can still be used.
local function check_data(self, client)
  local reply = run(self, client, "identity", { #self.keys, unpack(self.keys) })
  if not reply then return false end
  local loss = self.data_watch:note(reply[1], tonumber(reply[2]))
  if loss then
    log.error(("Redis (%s) %s; look for the cause in Redis's own log, and in docs/guides/inbox.md#redis; find the"
      .. " missed events: apivideo reconcile, see docs/guides/missed.md"):format(self.address, loss))
  end
  return true
end

--- Runs a script.
---@param name string
---@param arguments (string|number)[]
---@return any reply
---@return apivideo.Error? err `store_unavailable`
function ScriptRunner:call(name, arguments)
  if self.is_closed then return unavailable(self, "the inbox was closed") end
  local keys_and_arguments = { #self.keys, unpack(self.keys) }
  for _, argument in ipairs(arguments) do keys_and_arguments[#keys_and_arguments + 1] = argument end
  local problem
  for _ = 0, REDIRECTIONS_MAX do
    local client, reply
    client, problem = self.clients:take()
    if not client then break end
    reply, problem = run(self, client, name, keys_and_arguments)
    local is_usable = reply and (not self.data_watch:is_due() or check_data(self, client))
    self.clients:give(client, not is_usable)
    if reply then return reply end
    if not self.clients:follow(problem) then break end
  end
  self.data_watch:expect_restart()
  return unavailable(self, problem)
end

--- The commands that the user of Redis may not run.
---@return string[]|nil commands
---@return apivideo.Error? err `store_unavailable`; also if there are any
function ScriptRunner:check_permissions()
  local missing, err = self:call("permissions", {})
  if not missing or not missing[1] then return missing, err end
  return unavailable(self, table.concat({ permissions.problem(self.options, missing) }, "; "))
end

--- Closes the connection.
function ScriptRunner:close()
  self.is_closed = true
  self.clients:close()
end

local script_runner = {}

---@param options apivideo.RedisOptions
---@param address string of the server, for messages
---@return apivideo.inbox.ScriptRunner
function script_runner.new(options, address)
  local watch = data_watch.new()
  return setmetatable({
    keys = scripts.keys_of(redis_options.name_of(options)), address = address, shas = {}, is_closed = false,
    clients = clients.new(options, function() watch:expect_restart() end), data_watch = watch,
    options = { client = options.client, username = options.username, name = options.name },
  }, ScriptRunner)
end

return script_runner
