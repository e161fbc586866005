--- The script of the Redis store for the activity, and what the key `activity` has.
---
--- `<minute>:received` counts events by the minute when they came, and `<minute>:failed` attempts. No command is added to
--- a completion: the completions are in done_by_end, and this script adds them to `<minute>:handled`, `:latency` (in
--- milliseconds) and `:replayed`, each once: those before the time `until` are counted, and others are counted when their
--- entries are removed or replayed.

local prelude = require "apivideo.inbox.redis.prelude"

--- Counts at most 1000 completions (and those of the same time): if there are more, it returns an empty list, and is to
--- be called again. Then it returns received, handled, latency, replayed and failed of each of the last MINUTES minutes,
--- in one list; and how many milliseconds of the last minute are over.
return prelude.script [=[
local SCAN_MAX = 1000
local CLOCK_STEP = 1100 -- by which the clock can go back, and a little more
local time = now()
local current = math.floor(time / MINUTE)
local oldest = current - MINUTES + 1

-- The completions in a range of times: minute -> { handled, latency, replayed }.
local function completions(from, to)
  local minutes, found = {}, call("ZRANGE", done_by_end, from, to, "BYSCORE", "WITHSCORES")
  for i = 1, #found, 2 do
    local record, ended = record_of(found[i]), tonumber(found[i + 1])
    local minute = math.floor(ended / MINUTE)
    local sums = minutes[minute] or { 0, 0, 0 }
    minutes[minute] = sums
    if record[IS_REPLAY] == 1 then
      sums[3] = sums[3] + 1
    else
      sums[1], sums[2] = sums[1] + 1, sums[2] + math.max(0, ended - record[CAME])
    end
  end
  return minutes
end

local from, to = math.max(counted_until(), oldest * MINUTE), time - CLOCK_STEP
local last = call("ZRANGE", done_by_end, from, to, "BYSCORE", "LIMIT", SCAN_MAX - 1, 1, "WITHSCORES")[2]
to = tonumber(last or to)
if to >= from then
  for minute, sums in pairs(completions(from, to)) do
    call("HINCRBY", activity, minute .. ":handled", sums[1])
    call("HINCRBY", activity, minute .. ":latency", sums[2])
    call("HINCRBY", activity, minute .. ":replayed", sums[3])
  end
  call("HSET", activity, "until", to + 1)
end
if last then return { {}, 0 } end

local NAMES = { ":received", ":handled", ":latency", ":replayed", ":failed" }
local query = { "HMGET", activity }
for minute = oldest, current do
  for _, name in ipairs(NAMES) do query[#query + 1] = minute .. name end
end
local values, recent = call(unpack(query)), completions(math.max(from, to + 1), "+inf")
local list = {}
for minute = oldest, current do
  local place, sums = (minute - oldest) * #NAMES, recent[minute] or { 0, 0, 0 }
  for i = 1, #NAMES do
    local uncounted = i > 1 and i < #NAMES and sums[i - 1] or 0
    list[place + i] = (values[place + i] or 0) + uncounted
  end
end
return { list, time - current * MINUTE }
]=]
