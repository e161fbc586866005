--- The part of the scripts of the Redis store that puts items. It is the body of a function: `time`, `window` and FIRST,
--- the index of the first item in ARGV, are defined before it.
---
--- Of each item, ARGV has key, occurrence, opposite, lane, age, bounds ("" or "min max": of the age of its opposite), raw,
--- facts, error (if it is not "", the item becomes a dead letter), type, video, detail. It returns for each item 1: it
--- is new, 0: its key is known, or its opposite is not in the bounds, or 2: it repeats its occurrence. The keys are written
--- last: if a command fails before, the next attempt is new.

return [=[
local FIELDS = 12
local query, known = { "HMGET", seen }, {}
for i = FIRST, #ARGV, FIELDS do query[#query + 1] = ARGV[i] end
if #query == 2 then return {} end
for i, value in ipairs(call(unpack(query))) do known[query[i + 2]] = value end

local new, batch = {}, {} -- { time, id, index in ARGV } of each; occurrence -> its entries
local last = tonumber(call("HGET", meta, "id") or 0)

local function is_earlier(one, other)
  if one[1] ~= other[1] then return one[1] < other[1] end
  return one[2] < other[2]
end

-- The first member of `occurrences` in a range, as { time, id }.
local function first_of(...)
  local found = call("ZRANGE", occurrences, ...)[1]
  if not found then return nil end
  local came, n = found:match(":(%d+):(%d+)$")
  return { tonumber(came), tonumber(n) }
end

-- The last entry of an occurrence until the time `came`, and the first one after it, within a range.
local function neighbors(occurrence, came, range)
  if occurrence == "" then return nil, nil end
  local low, here, high = member(occurrence, came - range), member(occurrence, came), member(occurrence, came + range)
  local before = first_of("(" .. here .. ";", "(" .. low .. ";", "BYLEX", "REV", "LIMIT", 0, 1)
  local after = first_of("(" .. here .. ";", "(" .. high, "BYLEX", "LIMIT", 0, 1)
  for _, other in ipairs(batch[occurrence] or {}) do
    local distance = other[1] - came
    if distance <= 0 and -distance < range and not (before and is_earlier(other, before)) then before = other end
    if distance > 0 and distance < range and not (after and is_earlier(after, other)) then after = other end
  end
  return before, after
end

-- Whether an entry of the occurrence came within the window, and no entry of the opposite occurrence between the two.
local function is_retry(occurrence, opposite, came)
  local before, after = neighbors(occurrence, came, window)
  if not before and not after then return false end
  local opposite_before, opposite_after = neighbors(opposite, came, window)
  return before and not (opposite_before and is_earlier(before, opposite_before))
    or after and not (opposite_after and is_earlier(opposite_after, after))
end

-- Whether an item with bounds is to be put: the last entry of its opposite came early enough, and no entry of its
-- occurrence came after that one.
local function is_wanted(occurrence, opposite, came, bounds)
  if bounds == "" then return true end
  local least, most = bounds:match("^(%d+) (%d+)$")
  local range = most + time - came + 1 -- until now, at least
  local last_opposite, later_opposite = neighbors(opposite, came, range)
  if not last_opposite or later_opposite then return false end
  local age = came - last_opposite[1]
  if age < tonumber(least) or age > tonumber(most) then return false end
  local before, after = neighbors(occurrence, came, range)
  return not after and not (before and is_earlier(last_opposite, before))
end

-- Sets a known event's time to an earlier one: one of its deliveries was in a spool since then.
local function came_before(n, occurrence, came)
  local _, record = read(n, time)
  local earlier = record[CAME] - came
  if earlier <= 0 then return end
  record[CAME] = came
  local ended = tonumber(call("ZSCORE", done_by_end, n) or nil)
  local is_counted = ended and ended < counted_until()
  if is_counted and record[IS_REPLAY] ~= 1 then count(":latency", ended, earlier, time) end
  if record[MARK] ~= "" then
    call("ZREM", occurrences, record[MARK])
    record[MARK] = member(member(occurrence, came), n)
    call("ZADD", occurrences, 0, record[MARK])
  end
  store(n, record)
end

local results, received = {}, {}
for i = FIRST, #ARGV, FIELDS do
  local key, occurrence, opposite, _, age, bounds = unpack(ARGV, i, i + 5)
  local came, result = time - age, 1
  if known[key] then
    result = 0
    if type(known[key]) == "table" then
      known[key][1] = math.min(known[key][1], came)
    elseif tonumber(age) > 0 then
      came_before(known[key], occurrence, came)
    end
  elseif not is_wanted(occurrence, opposite, came, bounds) then
    result = 0
  elseif is_retry(occurrence, opposite, came) then
    result = 2
  else
    local entry = { came, last + #new + 1, i }
    known[key], new[#new + 1] = entry, entry
    local minute = math.floor(came / MINUTE)
    received[minute] = (received[minute] or 0) + 1
    batch[occurrence] = batch[occurrence] or {}
    table.insert(batch[occurrence], entry)
  end
  results[#results + 1] = result
end
if #new == 0 then return results end

local queued, marks, keys = { "ZADD", ready }, {}, { "HSET", seen }
call("HINCRBY", meta, "id", #new)
for _, entry in ipairs(new) do
  local came, n, i = unpack(entry)
  local key, occurrence, _, lane, _, _, raw, facts, problem, kind, video, detail = unpack(ARGV, i, i + FIELDS - 1)
  local mark = occurrence ~= "" and member(member(occurrence, came), n) or ""
  call("XADD", stream, n, "key", key, "lane", lane, "mark", mark, "came", came, "facts", facts, "raw", raw,
    "type", kind, "video", video, "detail", detail)
  if problem ~= "" then
    store(n, { 0, 0, key, lane, mark, came, facts, problem, kind, video, "", 0, detail })
    call("ZADD", dead, n, n)
    call("ZADD", dead_by_end, time, n)
  else
    if lane ~= "" then call("ZADD", lanes, 0, member(lane, n)) end
    if lane == "" or call("HSETNX", heads, lane, n) == 1 then
      queued[#queued + 1], queued[#queued + 2] = n, n
    else
      call("ZADD", held, n, n)
    end
  end
  if mark ~= "" then marks[#marks + 1] = mark end
  keys[#keys + 1], keys[#keys + 2] = key, n
end
if #queued > 2 then call(unpack(queued)) end
for _, mark in ipairs(marks) do call("ZADD", occurrences, 0, mark) end
call(unpack(keys))
for minute, number in pairs(received) do count(":received", minute * MINUTE, number, time) end
return results
]=]
