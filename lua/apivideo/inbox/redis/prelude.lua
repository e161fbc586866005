--- The common part of the scripts of the Redis store: the keys, the clock, claims and lanes.
---
--- The event with the id n is entry n-0 of the stream until it is done or purged; the entry never changes. The id of a
--- claimed event is in the pending list of the stream's only consumer group; the id of any other event is in one of the
--- sorted sets. Each script gets all keys, in the order of `keys`.

local rights = require "apivideo.inbox.redis.rights"

local keys = {
  "stream",       -- the events: key, lane, mark (its member of occurrences), came (on the store's clock), facts, raw,
                  -- type, video (its id), detail
  "ready",        -- ids that can be claimed, by id
  "held",         -- ids that wait for a delay, for others of their lane, or because of their type, by id
  "delayed",      -- ids of retries, by the time when they are due; of parked events, +inf
  "lanes",        -- <lane>:<id> of all events with a lane that are neither done nor dead, in lexical order
  "heads",        -- lane -> the id of its current event
  "records",      -- id -> its record (see the fields below), from its first claim on
  "seen",         -- key -> id of all events in the store
  "occurrences",  -- <occurrence>:<time it came>:<id> of all events in the store, in lexical order
  "attempts",     -- ids of events that are not claimed after an attempt, by the number of attempts
  "dead",         -- ids, by id
  "dead_by_end",  -- the same ids, by the time when they ended
  "done",         -- ids, by id
  "done_by_end",  -- the same ids, by the time when they ended
  "activity",     -- see redis/activity.lua
  "states",       -- name -> its token, the end of its lease, when it was saved, its value
  "meta",         -- the last id, the store's clock, the cursor of the recovery, pauses (redis/claiming.lua), born, when
                  -- the inbox was created (redis/data_watch.lua), and two versions: schema, that of the keys' form, and
                  -- usable_since, the oldest whose programs can use it
  "parked",       -- <type>:<id> of events that wait because of their types, in lexical order; the ids are in held, too
}

-- The version of the keys' form. A new version adds fields of records and keys that programs of the version before do
-- not notice; if they cannot continue, it sets `usable_since` to itself. Those before 5 do not store it, and can all
-- continue.
local SCHEMA, USABLE_SINCE = 5, 1

-- The beginning of each script.
local common = "local " .. table.concat(keys, ", ") .. " = unpack(KEYS)\n"
  .. ("local SCHEMA, USABLE_SINCE = %d, %d\n"):format(SCHEMA, USABLE_SINCE) .. [=[

local call, pack, unpack_record = redis.call, cmsgpack.pack, cmsgpack.unpack
local GROUP = "workers"
-- The fields of a record. IS_REPLAY is 1 if the event is handled again after it was done.
local TOKEN, ATTEMPT, KEY, LANE, MARK, CAME, FACTS, ERROR, TYPE, VIDEO, PAST, IS_REPLAY,
  DETAIL = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13

-- A claim expires when it has been idle for 20 years (in milliseconds). XAUTOCLAIM takes one idle time for all claims,
-- so a claim with a lease is created as one that has already been idle for that time less the lease.
local RECLAIM = 630720000000

-- The store's clock in milliseconds: the server's, plus an offset while the server's clock, after it was set back, has
-- not caught up. Returns the time, the offset, the stored values of both, the stored version; and, unless the inbox has
-- its time of creation, that time. Each script that uses events calls it, so it rejects keys that a newer version has
-- changed.
local function read_clock()
  local time = call("TIME")
  local wall = time[1] * 1000 + math.floor(time[2] / 1000)
  local stored = call("HMGET", meta, "clock", "offset", "usable_since", "schema", "born")
  if tonumber(stored[3] or 0) > SCHEMA then
    error({ err = ("NEWERSCHEMA %s, and %d is known"):format(stored[4], SCHEMA) })
  end
  local clock, before = tonumber(stored[1] or 0), tonumber(stored[2] or 0)
  local offset = wall >= clock and 0 or math.max(before, clock - wall)
  return wall + offset, offset, clock, before, tonumber(stored[4] or 0), not stored[5] and table.concat(time, ".")
end

local MINUTE, MINUTES = 60000, 60

-- The time. It is stored once a second, so the clock can go back by up to a second. A new version is stored, too.
local offset
local function now()
  local time, stored, before, schema, born
  time, offset, stored, before, schema, born = read_clock()
  if time >= stored + 1000 or offset ~= before then call("HSET", meta, "clock", time, "offset", offset) end
  if schema < SCHEMA then call("HSET", meta, "schema", SCHEMA, "usable_since", USABLE_SINCE) end
  if born then call("HSET", meta, "born", born) end
  return time
end

local function record_of(n)
  local packed = call("HGET", records, n)
  return packed and unpack_record(packed)
end

local function store(n, record)
  call("HSET", records, n, pack(record))
end

-- Sets the past attempts of a record, unless they are unchanged: "".
local function set_past(record, text)
  if text ~= "" then record[PAST] = text end
end

-- XPENDING of the group, which the first claim creates.
local function xpending(...)
  local reply = redis.pcall("XPENDING", stream, GROUP, ...)
  if not reply.err then return reply end
  if not reply.err:find("NOGROUP", 1, true) then error(reply) end
  return {}
end

-- The record of a claimed event, or nil if the claim is lost.
local function claimed(n, token)
  local record = record_of(n)
  if not record or record[TOKEN] ~= tonumber(token) then return nil end
  local pending = xpending(n, n, 1)[1]
  return pending and pending[3] < RECLAIM - offset and record
end

-- A member of a lane or an occurrence, in a sorted set in lexical order: they are ordered by the number.
local function member(group, number)
  return ("%s:%016.0f"):format(group, math.max(0, number))
end

-- Makes the oldest event of a lane its current one, unless an event of the lane is claimed.
local function advance_lane(lane)
  local head = call("HGET", heads, lane)
  if head and #xpending(head, head, 1) > 0 then return end
  local first = call("ZRANGE", lanes, "[" .. lane .. ":", "(" .. lane .. ";", "BYLEX", "LIMIT", 0, 1)[1]
  first = first and first:match(":0*(%d+)$")
  if head and head ~= first and call("ZREM", ready, head) == 1 then call("ZADD", held, head, head) end
  if not first then
    call("HDEL", heads, lane)
    return
  end
  call("HSET", heads, lane, first)
  if not call("ZSCORE", delayed, first) then
    call("ZREM", held, first)
    call("ZADD", ready, first, first)
  end
end

-- Queues an event, to be claimed as soon as it is the current one of its lane.
local function queue(n, lane)
  if lane == "" then
    call("ZADD", ready, n, n)
  else
    call("ZADD", held, n, n)
    advance_lane(lane)
  end
end

-- Adds to a number of the minute of a time, unless that is more than an hour ago.
local function count(name, at, number, time)
  local minute = math.floor(at / MINUTE)
  if minute > math.floor(time / MINUTE) - MINUTES then call("HINCRBY", activity, minute .. name, number) end
end

-- Counts the completion of an event.
local function count_done(record, ended, time)
  if record[IS_REPLAY] == 1 then
    count(":replayed", ended, 1, time)
  else
    count(":handled", ended, 1, time)
    count(":latency", ended, math.max(0, ended - record[CAME]), time)
  end
end

-- The completions before this time are counted.
local function counted_until()
  return tonumber(call("HGET", activity, "until") or 0)
end

-- Counts the completion of an event that will no longer be done, unless it is counted.
local function keep(n, record, time)
  local ended = tonumber(call("ZSCORE", done_by_end, n))
  if ended >= counted_until() then count_done(record, ended, time) end
end

-- Ends the claim of an event.
local function finish(n, record)
  call("XACK", stream, GROUP, n)
  if record[ATTEMPT] > 1 then call("ZREM", attempts, n) end
  local lane = record[LANE]
  if lane ~= "" then
    call("ZREM", lanes, member(lane, n))
    call("HDEL", heads, lane)
    advance_lane(lane)
  end
end

-- Queues events with expired leases, a hundred at a time. XAUTOCLAIM examines up to a thousand claims, at more than a
-- microsecond each; with many claims, it runs less often, and continues at its cursor.
local function recover(consumer, time)
  local known = call("HMGET", meta, "recovered", "cursor")
  if time < tonumber(known[1] or 0) then return end
  local cursor = known[2] or "0-0"
  local reply = redis.pcall("XAUTOCLAIM", stream, GROUP, consumer, RECLAIM - offset, cursor, "COUNT", 100, "JUSTID")
  if reply.err then
    if not reply.err:find("NOGROUP", 1, true) then error(reply) end
    call("XGROUP", "CREATE", stream, GROUP, 0, "MKSTREAM")
    return
  end
  for _, id in ipairs(reply[2]) do
    local n = id:match("^%d+")
    local record = record_of(n)
    call("XACK", stream, GROUP, n)
    call("ZADD", attempts, record[ATTEMPT], n)
    queue(n, record[LANE])
  end
  local claims = xpending()[1]
  if claims > 100 or reply[1] ~= cursor then
    local pause = #reply[2] < 100 and math.min(claims, 1000) / 10 or 0
    call("HSET", meta, "cursor", reply[1], "recovered", time + pause)
  end
end

-- Removes an event after it was removed from all sets of ids.
local function forget(n, record)
  call("HDEL", seen, record[KEY])
  if record[MARK] ~= "" then call("ZREM", occurrences, record[MARK]) end
  call("HDEL", records, n)
  call("XDEL", stream, n)
end

-- The token before the first claim of an event. It is not 0: after a loss of data the ids begin at 1 again, and an old
-- claim must not be valid for another event with the same id.
local function first_token(came)
  return came % 1000000000
end

-- The reply for an event: id, token, attempt, raw ("" if it is done), facts, age, error, type, video, its past attempts
-- (a text, see inbox/attempts.lua), whether it is a replay, its detail; and its record.
local function read(n, time)
  local entry = call("XRANGE", stream, n, n)[1]
  local values = entry and entry[2] or {}
  local record = record_of(n)
    or { first_token(values[8] or 0), 0, values[2], values[4], values[6], values[8], values[10], "", values[14],
      values[16], "", 0, values[18] }
  local age = math.max(0, time - record[CAME])
  return { n, record[TOKEN], record[ATTEMPT], values[12] or "", record[FACTS], age, record[ERROR],
    record[TYPE] or "", record[VIDEO] or "", record[PAST] or "", record[IS_REPLAY] or 0,
    record[DETAIL] or "" }, record
end
]=]

local functions = rights.functions(common)

local prelude = {
  keys = keys,
  commands = {}, -- of all scripts so far: "XACK" -> true
}

local checked = {} -- script -> the commands that it checks

-- Adds commands to others.
local function add(commands, others)
  for command in pairs(others) do commands[command] = true end
end

-- The commands of a body.
local function commands_of(body)
  local commands = rights.of(body, functions)
  add(prelude.commands, commands)
  return commands
end

-- The text that Redis 7.2 has for a command that the user may not run.
local REJECT = [=[
if missing[1] then error({ err = ("NOPERM no permissions to run the '%s' command"):format(missing[1]) }) end
]=]

-- A script that fails before it changes anything, if the user may not run a command, except for some, or a command of
-- the scripts that must follow it.
local function guarded(flags, others, body, following)
  local commands = commands_of(body)
  for _, script in ipairs(following or {}) do add(commands, checked[script]) end
  local text = flags .. common .. rights.missing(commands, others) .. REJECT .. body
  checked[text] = commands
  return text
end

-- Scripts call these before they change anything.
local CALLED_FIRST = { TIME = true, HMGET = true }

--- A script that may run when the server's memory is full: only new events are rejected then, so that a worker can
--- still handle and remove events.
---@param body string
---@param following? string[] the scripts that must follow it: it checks the commands of these, too
---@return string
function prelude.script(body, following)
  return guarded("#!lua flags=allow-oom\n", CALLED_FIRST, body, following)
end

-- `putting` changes only the highest id before it has called these. Fewer checks make it faster.
local PUT_FIRST = { TIME = true, HMGET = true, HGET = true, ZRANGE = true, XRANGE = true, ZSCORE = true,
  HINCRBY = true, XADD = true }

--- The script that puts new events.
function prelude.putting(body)
  return guarded("#!lua\n", PUT_FIRST, body)
end

--- A script that only reads: Redis rejects its writes.
function prelude.reading(body)
  commands_of(body)
  return "#!lua flags=no-writes\n" .. common .. body
end

--- A script that returns the commands of all scripts so far that the user may not run.
---@return string
function prelude.permissions()
  return prelude.reading(rights.missing(prelude.commands) .. "return missing\n")
end

return prelude
