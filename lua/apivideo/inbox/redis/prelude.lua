--- What the scripts of the Redis store have in common: the keys, the clock, claims and lanes.
---
--- An event of id n is entry n-0 of the stream from the moment it is put until it is done or purged; the
--- entry never changes. What is claimed is in the pending list of the stream's one consumer group. What
--- is not, is in one of the sorted sets. All keys are given to each script, in the order of `keys`.

local keys = {
  "stream",       -- the events: key, lane, mark (its member of occurrences), came (on the store's clock), facts, raw
  "ready",        -- ids that may be claimed, by id
  "held",         -- ids that wait for a delay or for others of their lane, by id
  "delayed",      -- ids that were put off, by the time when they are due
  "lanes",        -- <lane>:<id> of all in a lane that are neither done nor dead, in lexical order
  "heads",        -- lane -> the id whose turn it is
  "records",      -- id -> what has become of it; from its first claim on
  "seen",         -- key -> id of all that the store knows
  "occurrences",  -- <occurrence>:<when it came>:<id> of all that the store knows, in lexical order
  "attempts",     -- ids that came back after an attempt, by the number of attempts
  "dead",         -- ids, by id
  "dead_by_end",       -- the same, by the time when they ended
  "done",         -- ids, by id
  "done_by_end",    -- the same, by the time when they ended
  "meta",         -- the last id, the store's clock, whether it is paused, where recovery goes on
}

-- The begin of each script.
local common = "local " .. table.concat(keys, ", ") .. " = unpack(KEYS)" .. [=[

local call, pack, unpack_record = redis.call, cmsgpack.pack, cmsgpack.unpack
local GROUP = "workers"
local TOKEN, ATTEMPT, KEY, LANE, MARK, CAME, FACTS, ERROR = 1, 2, 3, 4, 5, 6, 7, 8 -- of a record

-- A claim ends when it has been idle for this long (20 years, in milliseconds), so that one number serves
-- XAUTOCLAIM for all leases: a claim is made as one that has been idle for as long already, less its lease.
local RECLAIM = 630720000000

-- The store's clock in milliseconds: the server's, plus an offset from when that is set back until it has caught up.
-- Returns its time, the offset, and what was kept of both.
local function read_clock()
  local time = call("TIME")
  local wall = time[1] * 1000 + math.floor(time[2] / 1000)
  local kept = call("HMGET", meta, "clock", "offset")
  local clock, before = tonumber(kept[1] or 0), tonumber(kept[2] or 0)
  local offset = wall >= clock and 0 or math.max(before, clock - wall)
  return wall + offset, offset, clock, before
end

-- The time, which is kept once a second: the clock may go back by as much.
local offset
local function now()
  local time, kept, before
  time, offset, kept, before = read_clock()
  if time >= kept + 1000 or offset ~= before then call("HSET", meta, "clock", time, "offset", offset) end
  return time
end

local function record_of(n)
  local packed = call("HGET", records, n)
  return packed and unpack_record(packed)
end

local function keep(n, record)
  call("HSET", records, n, pack(record))
end

-- What is pending in the group, which there is from the first claim on.
local function xpending(...)
  local reply = redis.pcall("XPENDING", stream, GROUP, ...)
  if not reply.err then return reply end
  if not reply.err:find("NOGROUP", 1, true) then error(reply) end
  return {}
end

-- The record of a claim that holds, or nil.
local function claimed(n, token)
  local record = record_of(n)
  if not record or record[TOKEN] ~= tonumber(token) then return nil end
  local pending = xpending(n, n, 1)[1]
  return pending and pending[3] < RECLAIM - offset and record
end

-- One of a lane, or of an occurrence: its number is what they are ordered by.
local function member(group, number)
  return ("%s:%016.0f"):format(group, math.max(0, number))
end

-- Gives the turn of a lane to its oldest, unless one of it is claimed.
local function appoint(lane)
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

-- Makes an event one that may be claimed, as soon as its lane lets it.
local function queue(n, lane)
  if lane == "" then
    call("ZADD", ready, n, n)
  else
    call("ZADD", held, n, n)
    appoint(lane)
  end
end

-- Takes a claimed event out of what is under way.
local function finish(n, record)
  call("XACK", stream, GROUP, n)
  if record[ATTEMPT] > 1 then call("ZREM", attempts, n) end
  local lane = record[LANE]
  if lane ~= "" then
    call("ZREM", lanes, member(lane, n))
    call("HDEL", heads, lane)
    appoint(lane)
  end
end

-- Puts back what was claimed for longer than its lease, a hundred at a time. XAUTOCLAIM looks up each of up to
-- a thousand, which takes more than a microsecond; of many, it is done less often, and goes on where it was.
local function recover(consumer, time)
  local known = call("HMGET", meta, "recovered", "cursor")
  if time < tonumber(known[1] or 0) then return end
  local cursor = known[2] or "0-0"
  local reply = redis.pcall("XAUTOCLAIM", stream, GROUP, consumer, RECLAIM - offset, cursor, "COUNT", 100, "JUSTID")
  if reply.err then -- there is no group yet
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

-- Removes all that is kept of an event that is in no set any more.
local function forget(n, record)
  call("HDEL", seen, record[KEY])
  if record[MARK] ~= "" then call("ZREM", occurrences, record[MARK]) end
  call("HDEL", records, n)
  call("XDEL", stream, n)
end

-- The token before the first claim of an event. It is not 0: after a loss of data the ids begin anew, and a claim from
-- before must not hold for another event of that id.
local function first_token(came)
  return came % 1000000000
end

-- What is given of an event: id, token, attempt, raw ("" of one that is done), facts, age, error; and its record.
local function read(n, time)
  local entry = call("XRANGE", stream, n, n)[1]
  local values = entry and entry[2] or {}
  local record = record_of(n)
    or { first_token(values[8] or 0), 0, values[2], values[4], values[6], values[8], values[10], "" }
  local age = math.max(0, time - record[CAME])
  return { n, record[TOKEN], record[ATTEMPT], values[12] or "", record[FACTS], age, record[ERROR] }, record
end
]=]

local prelude = { keys = keys, common = common }

--- A server without memory accepts no more events; all else continues, so that there is a way out of it.
function prelude.script(body)
  return "#!lua flags=allow-oom\n" .. common .. body
end

--- A script that only reads: Redis rejects its writes.
function prelude.reading(body)
  return "#!lua flags=no-writes\n" .. common .. body
end

return prelude
