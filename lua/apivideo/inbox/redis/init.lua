--- A store of an inbox in Redis 7 or later, for several machines. Each method is one script on the server.

local clients = require "apivideo.inbox.redis.clients"
local constructor = require "apivideo.util.constructor"
local core = require "apivideo.core"
local json = require "apivideo.util.json"
local log = require "apivideo.runtime.log"
local random = require "apivideo.util.random"
local redis_options = require "apivideo.inbox.redis.options"
local script_runner = require "apivideo.inbox.redis.script_runner"
local stores = require "apivideo.inbox.store"
local tables = require "apivideo.util.tables"

local unpack = table.unpack or unpack

local PUT_BATCH = 500   -- items that one script takes: Lua 5.1 allows 8000 arguments

-- A hash of a key, an occurrence or a lane; "" without one.
local function digest(value)
  return stores.digest(value) or ""
end

local function milliseconds(seconds)
  return ("%.0f"):format(math.min(seconds, 1e9) * 1000)
end

-- A whole number as text: Lua may have it as a float.
local function whole(number)
  return ("%.0f"):format(number)
end

-- The other fields of an item as one string. It does not depend on the locale. The origin "webhook" is left out.
local function facts_of(item)
  local origin = item.origin ~= "webhook" and item.origin or ""
  return ("%d%s %.0f %s"):format(item.verified and 1 or 0, origin, item.received_at * 1e6, item.webhook_id or "")
end

-- An entry, from its form in the reply of a script.
local function entry_of(reply)
  local id, token, attempt, raw, facts, age, problem, kind, video, past, is_replay, detail, state, key,
    occurrence, lane, ended_for = unpack(reply)
  local verified, origin, received, webhook = facts:match("^(%d)(%l*) (%d+) (.*)$")
  return {
    id = tonumber(id), token = token, attempt = attempt, raw = raw, verified = verified == "1",
    received_at = tonumber(received) / 1e6, webhook_id = webhook ~= "" and webhook or nil,
    age = age / 1000, error = problem ~= "" and problem or nil, origin = origin ~= "" and origin or "webhook",
    type = kind ~= "" and kind or nil, video_id = video ~= "" and video or nil,
    detail = detail ~= "" and detail or nil, attempts = past ~= "" and past or nil,
    replay = is_replay == 1 or nil, state = state, key = key, occurrence = occurrence ~= "" and occurrence or nil,
    lane = lane ~= "" and lane or nil, ended_for = tonumber(ended_for) and ended_for / 1000 or nil,
  }
end

local function entries_of(replies)
  local entries = {}
  for i, reply in ipairs(replies) do entries[i] = entry_of(reply) end
  return entries
end

---@class apivideo.RedisStore : apivideo.Store
local Redis = {}
Redis.__index = Redis
Redis.__name = "apivideo.RedisStore"

Redis.__tostring = function(self) return "apivideo.inbox.redis " .. self.address end

local function call(self, name, arguments)
  return self.runner:call(name, arguments)
end

-- Runs a script that returns 1, or 0: if the claim is lost, or nothing changed.
local function call_with_claim(self, name, arguments)
  local reply, err = call(self, name, arguments)
  if not reply then return nil, err end
  return reply == 1
end

-- The name of this process in the consumer group. A forked process gets a new name.
local function consumer(self)
  local process = core.process_id()
  if self.process ~= process then
    self.process, self.consumer = process, random.hex(8)
  end
  return self.consumer
end

local RESULTS = { [0] = false, [1] = true, [2] = "occurrence" }

-- The bounds of an item with a condition as one string; "" for one without.
local function bounds_of(item)
  local bounds = item.opposite_age
  return bounds and milliseconds(bounds.min) .. " " .. milliseconds(bounds.max) or ""
end

-- Appends an item to the arguments of a script.
local function append_item(arguments, item)
  for _, argument in ipairs { digest(item.key), digest(item.occurrence), digest(item.opposite), digest(item.lane),
    milliseconds(item.age or 0), bounds_of(item), item.raw, facts_of(item), item.error or "", item.type or "",
    item.video_id or "", item.detail or "" } do
    arguments[#arguments + 1] = argument
  end
end

-- Puts one batch of items, from `first` on.
local function put_batch(self, items, window, first, results)
  local arguments = { milliseconds(window) }
  local last = math.min(first + PUT_BATCH - 1, #items)
  for i = first, last do append_item(arguments, items[i]) end
  local reply, err = call(self, "put", arguments)
  if not reply then return nil, err end
  for i = first, last do results[i] = RESULTS[reply[i - first + 1]] end
  return results
end

--- Also checks the commands that the user may run. Logs that the inbox is new: the wrong database, or the wrong name,
--- looks like that.
function Redis:open()
  local reply, err = self.runner:check_permissions()
  if reply then reply, err = call(self, "open", {}) end
  if not reply then return nil, err end
  if reply == 0 then log.warn(self.absence .. " yet; the first event or worker creates it") end
  return true
end

--- More than PUT_BATCH items are several batches: if one of them fails, those before it stay stored.
function Redis:put(items, window)
  local results = {}
  for first = 1, math.max(#items, 1), PUT_BATCH do
    local ok, err = put_batch(self, items, window, first, results)
    if not ok then return nil, err end
  end
  return results
end

-- An entry of a claim: its reply has the interval of a probe in place of the state.
local function claimed_of(reply)
  local entry = entry_of(reply)
  entry.state, entry.probe = nil, entry.state and entry.state / 1000
  return entry
end

function Redis:claim(limit, lease, limits)
  limit = math.min(limit, stores.SCAN_MAX)
  local reply, err = call(self, "claim",
    { consumer(self), whole(limit), milliseconds(lease), limits and assert(json.encode(limits)) or "" })
  if not reply then return nil, err end
  local entries = {}
  for i, each in ipairs(reply[1]) do entries[i] = claimed_of(each) end
  return entries, reply[2] == 1 or nil
end

function Redis:extend(id, token, lease, probed)
  return call_with_claim(self, "extend",
    { whole(id), whole(token), consumer(self), milliseconds(lease), probed or "" })
end

function Redis:complete(id, token, items, window, attempts, retains)
  local arguments = { whole(id), whole(token), attempts or "", retains and "1" or "0" }
  if not items or not items[1] then return call_with_claim(self, "complete", arguments) end
  arguments[#arguments + 1] = milliseconds(window)
  for _, item in ipairs(items) do append_item(arguments, item) end
  return call_with_claim(self, "complete_and_put", arguments)
end

function Redis:remove(id, token)
  return call_with_claim(self, "remove", { whole(id), whole(token) })
end

function Redis:retry(id, token, delay, message, attempts)
  return call_with_claim(self, "retry", { whole(id), whole(token), attempts or "", milliseconds(delay), message })
end

function Redis:dead_letter(id, token, message, attempts)
  return call_with_claim(self, "dead_letter", { whole(id), whole(token), attempts or "", message })
end

-- Runs a script for a page: its results, and where the next page begins.
local function call_page(self, name, where, page)
  local limit = math.min(page.limit or stores.SCAN_MAX, stores.SCAN_MAX)
  local reply, err = call(self, name,
    { assert(json.encode(where)), whole(limit), page.after and whole(page.after) or "", page.newest and "1" or "0",
      page.detailed and "1" or "0", page.without_raw and "1" or "0" })
  if not reply then return nil, err end
  return reply[1], tonumber(reply[2])
end

function Redis:list(where, page)
  local replies, following = call_page(self, "list", where, page)
  if not replies then return nil, following end
  return entries_of(replies), following
end

function Redis:count(where, page)
  return call_page(self, "count", where, { after = page.after })
end

function Redis:redrive(where, page)
  return call_page(self, "redrive", tables.merge(where, { state = "dead" }), page)
end

function Redis:replay(where, page)
  return call_page(self, "replay", tables.merge(where, { state = "done", has_raw = true }), page)
end

function Redis:purge(where, page)
  return call_page(self, "purge", where, page)
end

local IMPORT_BATCH = 500 -- records that one script takes, see PUT_BATCH

-- Appends a record to the arguments of a script.
local function append_record(arguments, record)
  for _, argument in ipairs { record.key, record.occurrence or "", record.lane or "", record.state, record.raw,
    facts_of(record), record.error or "", record.type or "", record.video_id or "", whole(record.attempt),
    record.attempts or "", record.replay and "1" or "0", milliseconds(record.age), milliseconds(record.ended_for or 0),
    record.detail or "",
  } do
    arguments[#arguments + 1] = argument
  end
end

--- More than IMPORT_BATCH records are several batches: if one of them fails, those before it stay stored.
function Redis:import(records)
  local results = {}
  for first = 1, math.max(#records, 1), IMPORT_BATCH do
    local arguments = {}
    for i = first, math.min(first + IMPORT_BATCH - 1, #records) do
      append_record(arguments, records[i])
    end
    local reply, err = call(self, "import", arguments)
    if not reply then return nil, err end
    for _, is_new in ipairs(reply) do results[#results + 1] = is_new == 1 end
  end
  return results
end

function Redis:expire(age)
  return call(self, "expire", { milliseconds(age) })
end

--- Whether the server has an inbox of this name: since its first event, or since a worker asked for events.
---@return boolean|nil exists
---@return apivideo.Error? err `store_unavailable`
function Redis:exists()
  local reply, err = call(self, "exists", {})
  if not reply then return nil, err end
  return reply == 1
end

function Redis:pause(type, interval, reason, is_probe)
  return call_with_claim(self, "pause",
    { type or "", milliseconds(interval or 0), reason or "", is_probe and "1" or "0" })
end

function Redis:resume(type, is_probe)
  return call_with_claim(self, "resume", { type or "", is_probe and "1" or "0" })
end

-- The paused types in the reply of `stats`, or nil.
local function paused_types_of(names, probes_in, intervals, reasons)
  local list = {}
  for i, name in ipairs(names) do
    list[i] = { type = name, probe_in = intervals[i] > 0 and probes_in[i] / 1000 or nil,
      reason = reasons[i] ~= "" and reasons[i] or nil }
  end
  table.sort(list, function(one, other) return one.type < other.type end)
  return list[1] and list or nil
end

function Redis:stats()
  local reply, err = call(self, "stats", {})
  if not reply then return nil, err end
  return {
    waiting = reply[1], claimed = reply[2], dead = reply[3], done = reply[4],
    oldest = reply[5] >= 0 and reply[5] / 1000 or nil, attempts = reply[6], paused = reply[7] == 1,
    paused_types = paused_types_of(reply[8], reply[9], reply[10], reply[11]),
  }
end

local NUMBERS = { "received", "handled", "latency", "replayed", "failed" }

function Redis:activity()
  local reply, err
  repeat
    reply, err = call(self, "activity", {})
    if not reply then return nil, err end
  until reply[1][1]
  local list = {}
  for first = 1, #reply[1], #NUMBERS do
    local minute = {}
    for i, name in ipairs(NUMBERS) do minute[name] = reply[1][first + i - 1] end
    minute.latency = minute.latency / 1000
    list[#list + 1] = minute
  end
  return list, reply[2] / 1000
end

function Redis:time()
  local reply, err = call(self, "time", {})
  if not reply then return nil, err end
  return tonumber(reply[1]) + tonumber(reply[2]) / 1e6
end

function Redis:acquire(name, seconds, rest)
  local reply, err = call(self, "acquire",
    { name, milliseconds(seconds), milliseconds(rest), milliseconds(stores.STATE_RETENTION_S) })
  if not reply then return nil, err end
  if reply[1] == 0 then return false, reply[2] / 1000 end
  return { token = reply[2], value = reply[3] ~= "" and reply[3] or nil }
end

function Redis:save(name, token, value, seconds)
  return call_with_claim(self, "save", { name, whole(token), value, milliseconds(seconds) })
end

function Redis:close()
  self.runner:close()
  return true
end

local function create(options)
  options = options or {}
  redis_options.check(options)
  local missing = clients.missing(options)
  if missing then error("inbox.redis: " .. missing, 3) end
  local address = redis_options.address_of(options)
  local absence = redis_options.problem_of_absence(options)
  return setmetatable({ address = address, absence = absence, runner = script_runner.new(options, address) }, Redis)
end

--- Creates a store in Redis: `redis.new(options)`, or `redis(options)`. It connects at the first use. An event is as
--- durable as Redis makes it: with `appendonly yes` and `appendfsync always` it is on the disk before the sender gets
--- its response; with `appendfsync everysec` a crash of the machine can lose the last second. `maxmemory-policy` must
--- be `noeviction`, as it is by default.
---@class apivideo.inbox.redis
---@field new fun(options?: apivideo.RedisOptions): apivideo.Store
---@overload fun(options?: apivideo.RedisOptions): apivideo.Store
local redis = {}

return constructor(redis, create)
