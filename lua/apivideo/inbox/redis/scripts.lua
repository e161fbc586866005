--- The scripts of the Redis store, which run on the server. Each operation is one script, so it is atomic.

local activity = require "apivideo.inbox.redis.activity"
local claiming = require "apivideo.inbox.redis.claiming"
local prelude = require "apivideo.inbox.redis.prelude"
local putting = require "apivideo.inbox.redis.putting"
local selecting = require "apivideo.inbox.redis.selecting"
local settling = require "apivideo.inbox.redis.settling"

local reading, script = prelude.reading, prelude.script

local scripts = {}

--- The server's version, whether it has an append-only file, its policy when the memory is full; the version of Valkey,
--- or "" (its `redis_version` is that of the Redis with which it is compatible); fifth, the error if INFO is not allowed
--- (Redis puts it in the category "dangerous"); the percentage of maxmemory that is used, or 0 without a limit; and the
--- role, "slave" of a replica. It runs on any version.
scripts.about = [=[
local info = redis.pcall("INFO")
if type(info) == "table" then return { "", "", "", "", info.err or "unknown error" } end
local function value(name) return info:match(name .. ":(%S+)") or "" end
local function number(name) return tonumber(value(name)) or 0 end
local limit, used = number("maxmemory"), number("used_memory") - number("mem_not_counted_for_evict")
return { value("redis_version"), value("aof_enabled"), value("maxmemory_policy"), value("valkey_version"), "",
  limit > 0 and math.floor(100 * used / limit) or 0, value("role") }
]=]

--- Whether the inbox exists (1) or not (0), if its keys can be used: the first event or the first claim has set its clock.
scripts.open = reading 'read_clock() return call("HEXISTS", meta, "clock")'

--- Stores the version of the keys, if it is higher than the stored one.
scripts.set_version = script "now() return 1"

--- Returns the version of the keys, and that of this library; 0 without events. Those before 5 do not store theirs.
scripts.versions = reading [=[
read_clock()
if not call("HGET", meta, "id") then return { 0, SCHEMA } end
local stored = tonumber(call("HGET", meta, "schema") or 4)
return { stored, math.max(stored, SCHEMA) }
]=]

--- ARGV: after which id, how many entries at most, whether to change nothing ("1"). Sets the type and the video of
--- entries whose program was older than these fields. Returns the last id that it looked at ("" if there is no other),
--- and how many it changed.
scripts.fill_types = script [=[
local after, limit, is_dry = ARGV[1], tonumber(ARGV[2]), ARGV[3] == "1"
local time, count, last = read_clock(), 0, ""
local found = call("XRANGE", stream, "(" .. after .. "-0", "+", "COUNT", limit)
for _, entry in ipairs(found) do
  local n = entry[1]:match("^%d+")
  local reply, record = read(n, time)
  local is_json, event = pcall(cjson.decode, reply[4])
  local kind = is_json and type(event) == "table" and event.type
  if (record[TYPE] or "") == "" and type(kind) == "string" then
    count = count + 1
    if not is_dry then
      record[TYPE], record[VIDEO] = kind, type(event.videoId) == "string" and event.videoId or ""
      record[PAST], record[IS_REPLAY] = record[PAST] or "", record[IS_REPLAY] or 0
      store(n, record)
    end
  end
  last = n
end
return { #found == limit and last or "", count }
]=]

--- ARGV: the window, and the items (see `putting`). Returns the results of the items.
scripts.put = prelude.putting("local time, window, FIRST = now(), tonumber(ARGV[1]), 2\n" .. putting)

--- ARGV: age. Removes at most 1000 events that were done so long ago; returns how many. Also removes the activity before
--- the last hour, and consumers that have been idle for an hour and have no claims.
scripts.expire = script [=[
local HOUR = 3600000
local time = now()
local ids = call("ZRANGE", done_by_end, "-inf", time - ARGV[1], "BYSCORE", "LIMIT", 0, 1000)
local is_young = tonumber(ARGV[1]) < HOUR + MINUTE
for _, n in ipairs(ids) do
  local record = record_of(n)
  if is_young then keep(n, record, time) end
  forget(n, record)
  call("ZREM", done, n)
  call("ZREM", done_by_end, n)
end

for _, field in ipairs(call("HKEYS", activity)) do
  local minute = field:match("^%d+")
  if minute and tonumber(minute) <= math.floor(time / MINUTE) - MINUTES then call("HDEL", activity, field) end
end

local consumers = redis.pcall("XINFO", "CONSUMERS", stream, GROUP)
for _, fields in ipairs(consumers.err and {} or consumers) do
  local consumer = {}
  for i = 1, #fields, 2 do consumer[fields[i]] = fields[i + 1] end
  if consumer.pending == 0 and consumer.idle > HOUR then
    call("XGROUP", "DELCONSUMER", stream, GROUP, consumer.name)
  end
end
return #ids
]=]

--- Whether the inbox exists (1) or not (0): the first event or the first claim has set its clock.
scripts.exists = reading 'return call("HEXISTS", meta, "clock")'

--- When the inbox was created ("" before), and the highest id. It does not use the clock, which rejects newer keys.
scripts.identity = reading [=[
local stored = call("HMGET", meta, "born", "id")
return { stored[1] or "", stored[2] or "0" }
]=]

--- The time of the server, without the offset of the store's clock: seconds and microseconds.
scripts.time = script 'return call("TIME")'

--- ARGV: name, lease, rest, for how long a state that is not saved stays. Returns 1, the token and the value; or 0, and
--- after how many milliseconds to try again.
scripts.acquire = script [=[
local name, lease, rest, time = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), now()
local packed = call("HGET", states, name)
if not packed then
  for _, other in ipairs(call("HKEYS", states)) do
    local old = unpack_record(call("HGET", states, other))
    if old[2] <= time and old[3] <= time - ARGV[4] then call("HDEL", states, other) end
  end
end
local state = packed and unpack_record(packed) or { first_token(time), 0, 0, "" }
local token, wait = state[1] + 1, math.max(state[2], state[3] + rest) - time
if wait > 0 then return { 0, wait } end
call("HSET", states, name, pack { token, time + lease, state[3], state[4] })
return { 1, token, state[4] }
]=]

--- ARGV: name, token, value, lease. Returns 1, or 0 if the state was leased again.
scripts.save = script [=[
local name, token, value, lease, time = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), now()
local packed = call("HGET", states, name)
if not packed or unpack_record(packed)[1] ~= token then return 0 end
call("HSET", states, name, pack { token, time + lease, time, value })
return 1
]=]

--- Returns waiting, claimed, dead, done, the age of the oldest in milliseconds (or -1), the highest number of attempts,
--- whether it is paused; and, as lists, the paused types, in how many milliseconds there is a probe of each, the intervals
--- of the probes, and the reasons.
scripts.stats = reading [=[
local time, clock_offset = read_clock()
local claims = xpending()
local pending = claims[1] or 0
local expired = pending > 0 and #xpending("IDLE", RECLAIM - clock_offset, "-", "+", pending) or 0

local oldest = math.huge
for _, n in ipairs { call("ZRANGE", ready, 0, 0)[1] or "", call("ZRANGE", held, 0, 0)[1] or "", claims[2] or "" } do
  oldest = math.min(tonumber(n:match("^%d+")) or math.huge, oldest)
end
local age = oldest < math.huge and read(oldest, time)[6] or -1
local packed, paused = call("HGET", meta, "paused_types"), { {}, {}, {}, {} }
for name, pause in pairs(packed and unpack_record(packed) or {}) do
  local fields = { name, math.max(0, pause[1] - time), pause[2], pause[3] }
  for i, value in ipairs(fields) do table.insert(paused[i], value) end
end
local most = call("ZRANGE", attempts, 0, 0, "REV", "WITHSCORES")[2] or 0
return {
  call("ZCARD", ready) + call("ZCARD", held) + expired, pending - expired, call("ZCARD", dead), call("ZCARD", done),
  age, math.max(tonumber(most), pending > 0 and 1 or 0), call("HEXISTS", meta, "paused"),
  paused[1], paused[2], paused[3], paused[4],
}
]=]

--- ARGV: of each entry key, occurrence, lane, state, raw, facts, error, type, video, attempt, attempts, whether it is a
--- replay, its age, for how long it has been done or dead, and its detail. Returns 1 for each that is new, or 0. The key is written
--- last, as in `putting`.
scripts.import = script [=[
local FIELDS, time, results = 15, now(), {}
for i = 1, #ARGV, FIELDS do
  local key, occurrence, lane, state, raw, facts, problem, kind, video, attempt, past, is_replay, age, ended_for,
    detail = unpack(ARGV, i, i + FIELDS - 1)
  local is_new = call("HEXISTS", seen, key) == 0
  if is_new then
    local n = ("%.0f"):format(call("HINCRBY", meta, "id", 1))
    local came = time - age
    local mark = occurrence ~= "" and member(member(occurrence, came), n) or ""
    if raw ~= "" then
      call("XADD", stream, n, "key", key, "lane", lane, "mark", mark, "came", came, "facts", facts, "raw", raw,
        "type", kind, "video", video, "detail", detail)
    end
    local record = { first_token(came), tonumber(attempt), key, lane, mark, came, facts, problem, kind, video, past,
      tonumber(is_replay), detail }
    store(n, record)
    if mark ~= "" then call("ZADD", occurrences, 0, mark) end
    if state == "waiting" then
      if tonumber(attempt) > 0 then call("ZADD", attempts, attempt, n) end
      if lane ~= "" then call("ZADD", lanes, 0, member(lane, n)) end
      queue(n, lane)
    else
      call("ZADD", state == "dead" and dead or done, n, n)
      call("ZADD", state == "dead" and dead_by_end or done_by_end, time - ended_for, n)
      if state == "done" and time - ended_for < counted_until() then count_done(record, time - ended_for, time) end
    end
    count(":received", came, 1, time)
    call("HSET", seen, key, n)
  end
  results[#results + 1] = is_new and 1 or 0
end
return results
]=]

for _, others in ipairs { claiming, selecting, settling } do
  for name, text in pairs(others) do scripts[name] = text end
end

scripts.activity = activity

scripts.permissions = prelude.permissions()

--- The keys of all scripts.
---@param name string of the inbox
---@return string[]
function scripts.keys_of(name)
  local keys = {}
  for i, key in ipairs(prelude.keys) do keys[i] = ("{%s}:%s"):format(name, key) end
  return keys
end

return scripts
