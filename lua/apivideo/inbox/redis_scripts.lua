--- What the Redis store of an inbox does on the server: each transition is one of these scripts, so it is
--- done whole or not at all.
---
--- An event of id n is entry n-0 of the stream from the moment it is put until it is done or purged; the
--- entry never changes. What is claimed is in the pending list of the stream's one consumer group. What
--- is not, is in one of the sorted sets. All keys are given to each script, in the order of `keys`.

local scripts = {}

local keys = {
  "stream",       -- the events: key, lane, mark (its member of occurrences), came (on the store's clock), facts, raw
  "ready",        -- ids that may be claimed, by id
  "held",         -- ids that wait for a delay or for others of their lane, by id
  "delayed",      -- ids that were put off, by the time when they are due
  "lanes",        -- <lane>:<id> of all in a lane that are neither done nor dead, in lexical order
  "heads",        -- lane -> the id whose turn it is
  "records",      -- id -> what has become of it; from its first claim on
  "seen",         -- keys of all that the store knows
  "occurrences",  -- <occurrence>:<when it came> of all that the store knows, in lexical order
  "attempts",     -- ids that came back after an attempt, by the number of attempts
  "dead",         -- ids, by id
  "buried",       -- the same, by the time when they ended
  "done",         -- ids, by id
  "completed",    -- the same, by the time when they ended
  "meta",         -- the last id, the store's clock, whether it is paused, where recovery goes on
}

-- What all scripts have before them.
local common = "local " .. table.concat(keys, ", ") .. " = unpack(KEYS)" .. [=[

local call, pack, unpack_record = redis.call, cmsgpack.pack, cmsgpack.unpack
local GROUP = "workers"
local TOKEN, ATTEMPT, KEY, LANE, MARK, CAME, FACTS, ERROR = 1, 2, 3, 4, 5, 6, 7, 8 -- of a record

-- A claim ends when it has been idle for this long (20 years, in milliseconds), so that one number serves
-- XAUTOCLAIM for all leases: a claim is made as one that has been idle for as long already, less its lease.
local RECLAIM = 630720000000

-- The store's clock in milliseconds: the server's, plus `offset` from when that goes back until it has caught
-- up. It is kept once a second, so it may go back by as much.
local offset
local function now()
  local time = call("TIME")
  local wall = time[1] * 1000 + math.floor(time[2] / 1000)
  local kept = call("HMGET", meta, "clock", "offset")
  local clock, before = tonumber(kept[1] or 0), tonumber(kept[2] or 0)
  offset = wall >= clock and 0 or math.max(before, clock - wall)
  if wall + offset >= clock + 1000 or offset ~= before then
    call("HSET", meta, "clock", wall + offset, "offset", offset)
  end
  return wall + offset
end

local function record_of(n)
  local packed = call("HGET", records, n)
  return packed and unpack_record(packed)
end

local function keep(n, record)
  call("HSET", records, n, pack(record))
end

-- The record of a claim that holds, or nil.
local function claimed(n, token)
  local record = record_of(n)
  if not record or record[TOKEN] ~= tonumber(token) then return nil end
  local pending = call("XPENDING", stream, GROUP, n, n, 1)[1]
  return pending and pending[3] < RECLAIM - offset and record
end

-- One of a lane, or of an occurrence: its number is what they are ordered by.
local function member(group, number)
  return ("%s:%016.0f"):format(group, number)
end

-- Gives the turn of a lane to its oldest, unless one of it is claimed.
local function appoint(lane)
  local head = call("HGET", heads, lane)
  if head and #call("XPENDING", stream, GROUP, head, head, 1) > 0 then return end
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
  local claims = call("XPENDING", stream, GROUP)[1]
  if claims > 100 or reply[1] ~= cursor then
    local pause = #reply[2] < 100 and math.min(claims, 1000) / 10 or 0
    call("HSET", meta, "cursor", reply[1], "recovered", time + pause)
  end
end

-- What is given of an event: id, token, attempt, raw ("" of one that is done), facts, age, error; and its record.
local function read(n, time)
  local entry = call("XRANGE", stream, n, n)[1]
  local values = entry and entry[2] or {}
  local record = record_of(n) or { 0, 0, values[2], values[4], values[6], values[8], values[10], "" }
  local age = math.max(0, time - record[CAME])
  return { n, record[TOKEN], record[ATTEMPT], values[12] or "", record[FACTS], age, record[ERROR] }, record
end
]=]

-- A server without memory refuses to take more, and all else goes on, so that there is a way out of it.
local function script(body)
  return "#!lua flags=allow-oom\n" .. common .. body
end

--- Of a server: its version, whether it keeps an append-only file, and what it does without memory.
--- It runs on any version.
scripts.about = [=[
local info = redis.call("INFO")
local function value(name) return info:match(name .. ":(%S+)") or "" end
return { value("redis_version"), value("aof_enabled"), value("maxmemory_policy") }
]=]

--- ARGV: the window, and of each item key, occurrence, lane, age, raw, facts. Returns 1 for each that is new. That
--- they are known comes last: if something fails on the way, the sender may come again.
scripts.put = "#!lua\n" .. common .. [=[
local time, window = now(), tonumber(ARGV[1])

local asked, known, batch = { "HMGET", seen }, {}, {}
for i = 2, #ARGV, 6 do asked[#asked + 1] = ARGV[i] end
if #asked == 2 then return {} end
for i, value in ipairs(call(unpack(asked))) do known[asked[i + 2]] = value end

-- Whether one of an occurrence came within the window, in this batch or before.
local function has_come(occurrence, came)
  for _, other in ipairs(batch[occurrence] or {}) do
    if math.abs(came - other) < window then return true end
  end
  local from, to = "(" .. member(occurrence, came - window), "(" .. member(occurrence, came + window)
  return #call("ZRANGE", occurrences, from, to, "BYLEX", "LIMIT", 0, 1) > 0
end

local verdicts, new = {}, {}
for i = 2, #ARGV, 6 do
  local key, occurrence, came = ARGV[i], ARGV[i + 1], time - ARGV[i + 3]
  local is_new = not known[key] and (occurrence == "" or not has_come(occurrence, came))
  if is_new then
    known[key], new[#new + 1] = true, i
    batch[occurrence] = batch[occurrence] or {}
    table.insert(batch[occurrence], came)
  end
  verdicts[#verdicts + 1] = is_new and 1 or 0
end
if #new == 0 then return verdicts end

local n, turns, marks, keys = call("HINCRBY", meta, "id", #new) - #new, { "ZADD", ready }, {}, { "HSET", seen }
for _, i in ipairs(new) do
  local key, occurrence, lane, age, raw, facts = unpack(ARGV, i, i + 5)
  local mark = occurrence ~= "" and member(occurrence, time - age) or ""
  n = n + 1
  call("XADD", stream, n, "key", key, "lane", lane, "mark", mark, "came", time - age, "facts", facts, "raw", raw)
  if lane ~= "" then call("ZADD", lanes, 0, member(lane, n)) end
  if lane == "" or call("HSETNX", heads, lane, n) == 1 then
    turns[#turns + 1], turns[#turns + 2] = n, n
  else
    call("ZADD", held, n, n)
  end
  if mark ~= "" then marks[#marks + 1] = mark end
  keys[#keys + 1], keys[#keys + 2] = key, 1
end
if #turns > 2 then call(unpack(turns)) end
for _, mark in ipairs(marks) do call("ZADD", occurrences, 0, mark) end
call(unpack(keys))
return verdicts
]=]

--- ARGV: consumer, limit, lease. Returns what is read of each.
scripts.claim = script [=[
local consumer, limit, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = now()
if call("HEXISTS", meta, "paused") == 1 then return {} end
recover(consumer, time)

for _, n in ipairs(call("ZRANGE", delayed, "-inf", time, "BYSCORE", "LIMIT", 0, 1000)) do
  call("ZREM", delayed, n)
  call("ZREM", held, n)
  queue(n, record_of(n)[LANE])
end

local oldest = call("ZPOPMIN", ready, limit)
if #oldest == 0 then return {} end

local claim, entries = { "XCLAIM", stream, GROUP, consumer, 0 }, {}
for i = 1, #oldest, 2 do
  local n = oldest[i]
  local entry, record = read(n, time)
  record[TOKEN], record[ATTEMPT] = record[TOKEN] + 1, record[ATTEMPT] + 1
  entry[2], entry[3] = record[TOKEN], record[ATTEMPT]
  keep(n, record)
  if record[ATTEMPT] > 1 then call("ZADD", attempts, record[ATTEMPT], n) end
  claim[#claim + 1] = n
  entries[#entries + 1] = entry
end
for _, argument in ipairs { "TIME", time + lease - RECLAIM, "FORCE", "JUSTID" } do claim[#claim + 1] = argument end
call(unpack(claim))
return entries
]=]

--- ARGV: id, token, consumer, lease. As the three that follow it, returns 1, or 0 when the claim is lost.
scripts.extend = script [=[
local n, token, consumer, lease = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local time = now()
if not claimed(n, token) then return 0 end
call("XCLAIM", stream, GROUP, consumer, 0, n, "TIME", time + lease - RECLAIM, "JUSTID")
return 1
]=]

--- ARGV: id, token.
scripts.complete = script [=[
local n, time = ARGV[1], now()
local record = claimed(n, ARGV[2])
if not record then return 0 end
finish(n, record)
call("XDEL", stream, n)
keep(n, record)
call("ZADD", done, n, n)
call("ZADD", completed, time, n)
return 1
]=]

--- ARGV: id, token, delay, message.
scripts.retry = script [=[
local n, time = ARGV[1], now()
local record = claimed(n, ARGV[2])
if not record then return 0 end
record[ERROR] = ARGV[4]
keep(n, record)
call("XACK", stream, GROUP, n)
call("ZADD", attempts, record[ATTEMPT], n)
call("ZADD", delayed, time + ARGV[3], n)
call("ZADD", held, n, n)
if record[LANE] ~= "" then appoint(record[LANE]) end
return 1
]=]

--- ARGV: id, token, message.
scripts.bury = script [=[
local n, time = ARGV[1], now()
local record = claimed(n, ARGV[2])
if not record then return 0 end
finish(n, record)
record[ERROR] = ARGV[3]
keep(n, record)
call("ZADD", dead, n, n)
call("ZADD", buried, time, n)
return 1
]=]

--- ARGV: consumer, state, limit, after. Returns what is read of each.
scripts.list = script [=[
local consumer, state, limit, after = ARGV[1], ARGV[2], tonumber(ARGV[3]), "(" .. ARGV[4]
local time = now()
recover(consumer, time)

local function by_id(set)
  return call("ZRANGE", set, after, "+inf", "BYSCORE", "LIMIT", 0, limit)
end

local ids = {}
if state == "claimed" then
  for i, pending in ipairs(call("XPENDING", stream, GROUP, after, "+", limit)) do
    ids[i] = pending[1]:match("^%d+")
  end
elseif state == "waiting" then
  ids = by_id(ready)
  for _, n in ipairs(by_id(held)) do ids[#ids + 1] = n end
  table.sort(ids, function(a, b) return tonumber(a) < tonumber(b) end)
else
  ids = by_id(state == "dead" and dead or done)
end

local entries = {}
for i = 1, math.min(#ids, limit) do
  entries[i] = (read(ids[i], time))
end
return entries
]=]

--- ARGV: from, to. Of at most 500 dead ones between these ids; returns how many, and the last.
scripts.redrive = script [=[
local ids = call("ZRANGE", dead, ARGV[1], ARGV[2], "BYSCORE", "LIMIT", 0, 500)
for _, n in ipairs(ids) do
  local record = record_of(n)
  record[ATTEMPT] = 0
  keep(n, record)
  call("ZREM", dead, n)
  call("ZREM", buried, n)
  if record[LANE] ~= "" then call("ZADD", lanes, 0, member(record[LANE], n)) end
  queue(n, record[LANE])
end
return { #ids, ids[#ids] or "" }
]=]

--- ARGV: state, age. Returns how many, at most 1000. Consumers that have not been here for an hour, and
--- hold nothing, are forgotten, too.
scripts.purge = script [=[
local HOUR = 3600000
local by_id, by_end = done, completed
if ARGV[1] == "dead" then by_id, by_end = dead, buried end
local ids = call("ZRANGE", by_end, "-inf", now() - ARGV[2], "BYSCORE", "LIMIT", 0, 1000)
for _, n in ipairs(ids) do
  local record = record_of(n)
  call("HDEL", seen, record[KEY])
  if record[MARK] ~= "" then call("ZREM", occurrences, record[MARK]) end
  call("HDEL", records, n)
  call("XDEL", stream, n)
  call("ZREM", by_id, n)
  call("ZREM", by_end, n)
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

scripts.pause = script 'return call("HSET", meta, "paused", 1)'
scripts.resume = script 'return call("HDEL", meta, "paused")'

--- ARGV: consumer. Returns waiting, claimed, dead, done, the age of the oldest in milliseconds (-1: there
--- is none), the most attempts, whether it is paused.
scripts.stats = script [=[
local time = now()
recover(ARGV[1], time)
local pending = call("XPENDING", stream, GROUP)

local oldest
for _, n in ipairs { call("ZRANGE", ready, 0, 0)[1] or "", call("ZRANGE", held, 0, 0)[1] or "", pending[2] or "" } do
  n = tonumber(n:match("^%d+"))
  oldest = math.min(n or math.huge, oldest or math.huge)
end
local age = oldest < math.huge and read(oldest, time)[6] or -1
local most = call("ZRANGE", attempts, 0, 0, "REV", "WITHSCORES")[2] or 0
return {
  call("ZCARD", ready) + call("ZCARD", held), pending[1], call("ZCARD", dead), call("ZCARD", done),
  age, math.max(tonumber(most), pending[1] > 0 and 1 or 0), call("HEXISTS", meta, "paused"),
}
]=]

scripts.keys = keys

return scripts
