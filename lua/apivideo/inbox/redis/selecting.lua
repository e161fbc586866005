--- The scripts of the Redis store for operators: they look at the entries that a filter selects.
---
--- ARGV of each: the conditions of the filter as JSON, how many entries at most, after which id, whether the newest are
--- first ("1"). Each script looks at 1000 entries at most, and returns its result and the last id that it looked at:
--- "" if there is no other.

local prelude = require "apivideo.inbox.redis.prelude"

local selecting = {}

-- `ids_of_page`: the ids of the page in order, and the state of each. An id is in one set only, and the sets are in the
-- order of ids, so the page is in the beginnings of the sets.
local IDS = [=[
local where, limit, after, newest = cjson.decode(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4] == "1"
local SCAN_MAX = 1000
local time, clock_offset = read_clock()
local ids, states_of = {}, {}

local function add(n, state)
  ids[#ids + 1], states_of[n] = n, state
end

local function add_set(set, state)
  local found
  if where.id then
    local n = ("%.0f"):format(where.id)
    found = call("ZRANGE", set, n, n, "BYSCORE")
  elseif newest then
    found = call("ZRANGE", set, after == "" and "+inf" or "(" .. after, "-inf", "BYSCORE", "REV", "LIMIT", 0, SCAN_MAX)
  else
    found = call("ZRANGE", set, "(" .. (after == "" and "0" or after), "+inf", "BYSCORE", "LIMIT", 0, SCAN_MAX)
  end
  for _, n in ipairs(found) do add(n, state) end
end

-- The first and the last id of the claims to look at. XPENDING has no reverse order, so the newest are found by reading
-- the ids of all claims: there are as many as handlers run.
local function range_of_claims()
  if where.id then return ("%.0f"):format(where.id), ("%.0f"):format(where.id) end
  if newest then return "-", after == "" and "+" or "(" .. after .. "-0" end
  return after == "" and "-" or "(" .. after .. "-0", "+"
end

-- A claim whose lease has expired counts as waiting, although no process has recovered it yet.
local function add_claims()
  local from, to = range_of_claims()
  local count, found = 0, nil
  repeat
    found = xpending(from, to, SCAN_MAX)
    for _, claim in ipairs(found) do
      from = "(" .. claim[1]
      local state = claim[3] < RECLAIM - clock_offset and "claimed" or "waiting"
      if not where.state or state == where.state then
        count = count + 1
        add(claim[1]:match("^%d+"), state)
      end
    end
  until #found < SCAN_MAX or not newest and count >= SCAN_MAX
end

local state = where.state
if not state or state == "waiting" or state == "claimed" then add_claims() end
if not state or state == "waiting" then
  add_set(ready, "waiting")
  add_set(held, "waiting")
end
if not state or state == "dead" then add_set(dead, "dead") end
if not state or state == "done" then add_set(done, "done") end
table.sort(ids, function(a, b)
  if newest then return tonumber(a) > tonumber(b) end
  return tonumber(a) < tonumber(b)
end)
]=]

-- Whether an entry matches the filter.
local MATCHES = [=[
local function has_type(kind)
  if where.type then return kind == where.type end
  local prefix = where.type_prefix
  return not prefix or kind ~= "" and kind:sub(1, #prefix) == prefix
end

local function has_ended_for(n, milliseconds)
  local ended = call("ZSCORE", states_of[n] == "dead" and dead_by_end or done_by_end, n)
  return ended ~= false and time - ended >= milliseconds
end

local function matches(n, record, raw)
  local received, webhook = record[FACTS]:match("^%d%l* (%d+) (.*)$")
  received = received / 1e6
  return (not where.webhook_id or webhook == where.webhook_id)
    and (not where.video_id or record[VIDEO] == where.video_id)
    and (not where.lane or record[LANE] == where.lane)
    and (not where.error or record[ERROR]:find(where.error, 1, true) ~= nil)
    and (not where.since or received >= where.since)
    and (not where.before or received < where.before)
    and has_type(record[TYPE] or "")
    and (not where.has_raw or raw ~= "")
    and (not where.ended_for or has_ended_for(n, where.ended_for * 1000))
end

-- Calls a function with the id, the reply and the record of each entry of the page that matches. Returns how many
-- there were, and the last id that was looked at, or "".
local function each(fn)
  local found = 0
  for i = 1, math.min(#ids, SCAN_MAX) do
    local n = ids[i]
    local entry, record = read(n, time)
    if matches(n, record, entry[4]) then
      found = found + 1
      fn(n, entry, record)
      if found == limit and #ids > i then return found, n end
    end
  end
  return found, ids[SCAN_MAX] or ""
end
]=]

local SELECT = IDS .. MATCHES

--- Returns for each entry its `read` with its state. With ARGV[5] = "1", also key, occurrence, lane, and for how long it
--- has been done or dead ("" if it is not); without, no attempts. With ARGV[6] = "1", without the bytes.
selecting.list = prelude.reading(SELECT .. [=[
local entries = {}
local _, following = each(function(n, entry, record)
  entry[#entry + 1] = states_of[n]
  if ARGV[6] == "1" then entry[4] = "" end
  if ARGV[5] == "1" then
    local ended = call("ZSCORE", states_of[n] == "dead" and dead_by_end or done_by_end, n)
    local ended_for = ended and time - ended or ""
    for _, value in ipairs { record[KEY], record[MARK]:match("^(.-):") or "", record[LANE], ended_for } do
      entry[#entry + 1] = value
    end
  else
    entry[10] = ""
  end
  entries[#entries + 1] = entry
end)
return { entries, following }
]=])

--- Returns how many there are.
selecting.count = prelude.reading(SELECT .. [=[
return { each(function() end) }
]=])

-- Queues an entry of a set as one that was not attempted yet.
local QUEUE_AGAIN = [=[
local function queue_again(n, record, set, set_by_end)
  record[ATTEMPT] = 0
  store(n, record)
  call("ZREM", set, n)
  call("ZREM", set_by_end, n)
  if record[LANE] ~= "" then call("ZADD", lanes, 0, member(record[LANE], n)) end
  queue(n, record[LANE])
end
now()
]=]

--- Queues the dead letters; returns how many.
selecting.redrive = prelude.script(SELECT .. QUEUE_AGAIN .. [=[
return { each(function(n, _, record) queue_again(n, record, dead, dead_by_end) end) }
]=])

--- Queues the events that are done and have their bytes; returns how many.
selecting.replay = prelude.script(SELECT .. QUEUE_AGAIN .. [=[
return { each(function(n, _, record)
  keep(n, record, time)
  record[IS_REPLAY] = 1
  queue_again(n, record, done, done_by_end)
end) }
]=])

--- Removes the entries, which are dead or done; returns how many.
selecting.purge = prelude.script(SELECT .. [=[
now()
return { each(function(n, _, record)
  local is_dead = states_of[n] == "dead"
  if not is_dead then keep(n, record, time) end
  forget(n, record)
  call("ZREM", is_dead and dead or done, n)
  call("ZREM", is_dead and dead_by_end or done_by_end, n)
end) }
]=])

return selecting
