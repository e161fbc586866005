--- A store of an inbox in Redis, 7 or later: for several machines, or where there is one already. Each call is
--- one script on the server; see redis_scripts.

local clients = require "apivideo.inbox.redis.clients"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local log = require "apivideo.runtime.log"
local options = require "apivideo.util.options"
local scripts = require "apivideo.inbox.redis.scripts"

local unpack = table.unpack or unpack

local BATCH = 1000 -- entries that one script gives
local PUT_BATCH = 500 -- items that one script takes: Lua 5.1 has room for 8000 arguments

local function hex(bytes)
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

-- What stands for a key, an occurrence or a lane: of one length, whatever its own, and half as long as the
-- whole hash.
local function digest(value)
  return value and core.signature.sign(value, "apivideo"):sub(1, 32) or ""
end

local function milliseconds(seconds)
  return ("%.0f"):format(math.min(seconds, 1e9) * 1000)
end

-- A whole number, whether Lua has it as an integer or not.
local function whole(number)
  return ("%.0f"):format(number)
end

-- What the store keeps of an item beside its body, as one string. No locale has a say in it.
local function facts_of(item)
  return ("%d %.0f %s"):format(item.verified and 1 or 0, item.received_at * 1e6, item.webhookId or "")
end

-- An entry, out of what a script returns of it.
local function entry_of(reply, state)
  local id, token, attempt, raw, facts, age, problem = unpack(reply)
  local verified, received, webhook = facts:match("^(%d) (%d+) (.*)$")
  return {
    id = tonumber(id), token = token, attempt = attempt, raw = raw, verified = verified == "1",
    received_at = tonumber(received) / 1e6, webhookId = webhook ~= "" and webhook or nil,
    age = age / 1000, error = problem ~= "" and problem or nil, state = state,
  }
end

local function entries_of(replies, state)
  local entries = {}
  for i, reply in ipairs(replies) do entries[i] = entry_of(reply, state) end
  return entries
end

---@class apivideo.RedisStore : apivideo.Store
local Redis = {}
Redis.__index = Redis

Redis.__tostring = function(self) return "apivideo.inbox.redis " .. self.place end

local function unavailable(self, problem)
  local password = self.clients.password
  return nil, errors.new("store_unavailable", ("Redis (%s): %s"):format(self.place, problem), { origin = "redis" },
    password and password())
end

-- Warns of settings of the server that cost events, or that they could not be read.
local function warn(self, appends, without_memory, untold)
  if untold then
    log.warn(("Redis (%s) does not tell its settings (%s); see to it that it is version 7.0 or newer, with appendonly"
      .. " yes and maxmemory-policy noeviction, or allow INFO to the user"):format(self.place, untold))
  end
  if appends == "0" then
    log.warn(("Redis (%s) keeps no append-only file, so events are lost when it ends; set appendonly yes")
      :format(self.place))
  end
  if without_memory:find("^allkeys") then
    log.warn(("Redis (%s) removes events when its memory is full; set maxmemory-policy noeviction")
      :format(self.place))
  end
end

-- Checks a server before its first use: why it cannot be used, or nil. A server that does not allow INFO is used
-- without the check.
local function look(self, client)
  local about, problem = clients.ask(client, "eval", scripts.about, "0")
  if not about then return problem end
  local version, appends, without_memory, untold = unpack(about)
  if not untold and (tonumber(version:match("^%d+")) or 0) < 7 then
    return ("version 7.0 or newer is needed, and this is %s; update Redis"):format(version)
  end
  self.is_known = true
  warn(self, appends, without_memory, untold)
end

-- Runs a script with a client: its reply; or nil and the problem.
local function run(self, client, name, arguments)
  local problem = not self.is_known and look(self, client)
  if problem then return nil, problem end
  local sha = self.shas[name]
  if not sha then
    sha, problem = clients.ask(client, "script", "load", scripts[name])
    if not sha then return nil, problem end
    self.shas[name] = sha
  end
  local reply
  reply, problem = clients.ask(client, "evalsha", sha, unpack(arguments))
  if reply or not problem:find("^NOSCRIPT") then return reply, problem end
  return clients.ask(client, "eval", scripts[name], unpack(arguments))
end

-- Runs a script with its arguments: its reply; or nil and an error.
local function call(self, name, given)
  if self.closed then return unavailable(self, "the inbox was closed") end
  local client, problem = self.clients:take()
  if not client then return unavailable(self, problem) end
  local arguments = { #self.keys, unpack(self.keys) }
  for _, argument in ipairs(given) do arguments[#arguments + 1] = argument end
  local reply
  reply, problem = run(self, client, name, arguments)
  self.clients:give(client, not reply)
  if reply then return reply end
  return unavailable(self, problem)
end

-- The same, for scripts that return 1, or 0 when the claim is lost.
local function holds(self, name, given)
  local reply, err = call(self, name, given)
  if not reply then return nil, err end
  return reply == 1
end

-- This process's name among those that claim. A process that was forked gets a name of its own.
local function consumer(self)
  local process = core.process_id()
  if self.process ~= process then
    self.process, self.consumer = process, hex(core.random(8))
  end
  return self.consumer
end

local RESULTS = { [0] = false, [1] = true, [2] = "occurrence" }

-- Puts the items from `first` on, as many as one script takes.
local function put_batch(self, items, window, first, results)
  local arguments = { milliseconds(window) }
  local last = math.min(first + PUT_BATCH - 1, #items)
  for i = first, last do
    local item = items[i]
    for _, argument in ipairs { digest(item.key), digest(item.occurrence), digest(item.opposite), digest(item.lane),
      milliseconds(item.age or 0), item.raw, facts_of(item), item.error or "" } do
      arguments[#arguments + 1] = argument
    end
  end
  local reply, err = call(self, "put", arguments)
  if not reply then return nil, err end
  for i = first, last do results[i] = RESULTS[reply[i - first + 1]] end
  return results
end

--- More than five hundred items are several batches: when one of these fails, those before it are kept.
function Redis:put(items, window)
  local results = {}
  for first = 1, math.max(#items, 1), PUT_BATCH do
    local ok, err = put_batch(self, items, window, first, results)
    if not ok then return nil, err end
  end
  return results
end

function Redis:claim(limit, lease)
  local replies, err = call(self, "claim", { consumer(self), whole(math.min(limit, BATCH)), milliseconds(lease) })
  if not replies then return nil, err end
  return entries_of(replies)
end

function Redis:extend(id, token, lease)
  return holds(self, "extend", { whole(id), whole(token), consumer(self), milliseconds(lease) })
end

function Redis:complete(id, token)
  return holds(self, "complete", { whole(id), whole(token) })
end

function Redis:remove(id, token)
  return holds(self, "remove", { whole(id), whole(token) })
end

function Redis:retry(id, token, delay, message)
  return holds(self, "retry", { whole(id), whole(token), milliseconds(delay), message })
end

function Redis:dead_letter(id, token, message)
  return holds(self, "dead_letter", { whole(id), whole(token), message })
end

function Redis:list(state, limit, after)
  local replies, err = call(self, "list", { state, whole(math.min(limit, BATCH)), whole(after or 0) })
  if not replies then return nil, err end
  return entries_of(replies, state)
end

function Redis:redrive(id)
  local from, to, count = id and whole(id) or "0", id and whole(id) or "+inf", 0
  repeat
    local reply, err = call(self, "redrive", { from, to })
    if not reply then return nil, err end
    count, from = count + reply[1], "(" .. reply[2]
  until id or reply[1] == 0
  return count
end

function Redis:purge(state, age)
  return call(self, "purge", { state, milliseconds(age) })
end

function Redis:pause()
  local reply, err = call(self, "pause", {})
  return reply and true, err
end

function Redis:resume()
  local reply, err = call(self, "resume", {})
  return reply and true, err
end

function Redis:stats()
  local reply, err = call(self, "stats", {})
  if not reply then return nil, err end
  return {
    waiting = reply[1], claimed = reply[2], dead = reply[3], done = reply[4],
    oldest = reply[5] >= 0 and reply[5] / 1000 or nil, attempts = reply[6], paused = reply[7] == 1,
  }
end

function Redis:close()
  self.closed = true
  self.clients:close()
  return true
end

local known = {
  name = "string?", client = "function?", release = "function?", host = "string?", port = "number?",
  path = "string?", username = "string?", password = "string?", database = "number?",
}

-- Raises at the constructor's caller where options are wrong.
local function check(given)
  options.check("inbox.redis", given, known, 4)
  if given.name and not given.name:find("^[^{}]+$") then
    error("inbox.redis: option \"name\" must be a string without { and }", 3)
  end
  if given.release and not given.client then
    error("inbox.redis: option \"release\" is for clients of the option \"client\"", 3)
  end
  if given.username and not given.password then
    error("inbox.redis: option \"username\" needs \"password\": Redis takes both in one command", 3)
  end
  for _, name in ipairs { "host", "port", "path", "username", "password", "database" } do
    if given.client and given[name] then
      error(("inbox.redis: option \"%s\" has no meaning beside \"client\""):format(name), 3)
    end
  end
end

-- Where the server is, for messages.
local function place_of(given)
  if given.client then return "a client of the application" end
  return given.path or ("%s:%d"):format(given.host or "127.0.0.1", given.port or 6379)
end

---@class apivideo.RedisOptions
---@field name? string what the store's keys begin with, in braces: stores of different names share nothing; default "apivideo"
---@field host? string default "127.0.0.1"
---@field port? integer default 6379
---@field path? string a Unix socket, instead of host and port
---@field username? string a user of Redis's access control list; default: the one that is called "default"
---@field password? string
---@field database? integer default 0
---@field client? fun(): table a connected client (redis-lua; in nginx resty.redis) instead of these: for TLS, sentinels
---@field release? fun(client: table, broken: boolean) what to do with such a client after a call; the default keeps one of redis-lua, gives one of resty back to its pool, and closes either when it is broken

--- Makes a store in Redis. Nothing is connected before it is used. An event is as safe as Redis keeps it:
--- `appendonly yes` and `appendfsync always` have it on the disk when the sender is answered; with
--- `appendfsync everysec` a crash of the machine may cost the last second. `maxmemory-policy` must be
--- `noeviction`, as it is by default.
---@param given? apivideo.RedisOptions
---@return apivideo.Store
return function(given)
  given = given or {}
  check(given)
  local keys = {}
  for i, key in ipairs(scripts.keys) do keys[i] = ("{%s}:%s"):format(given.name or "apivideo", key) end
  return setmetatable({
    keys = keys, place = place_of(given), shas = {}, closed = false,
    clients = clients.new(given),
  }, Redis)
end
