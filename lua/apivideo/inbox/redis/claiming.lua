--- The scripts of the Redis store that claim entries, and pause types.
---
--- The field "paused_types" of `meta` is a packed table: type or pattern -> { probe_at, interval, reason }, with 0 for an
--- operator's pause. A ready entry that a claim must leave out because of its type is parked: its id is in `held`, in
--- `delayed` for ever, so that it does not become ready when its lane advances, and in `parked`, by type. The field
--- "parked" of `meta` tells whether there are any.

local prelude = require "apivideo.inbox.redis.prelude"
local settling = require "apivideo.inbox.redis.settling"
local stores = require "apivideo.inbox.store"

local claiming = {}

local PAUSES = [=[
-- Whether a type or pattern matches a type, or all types of a pattern. See inbox/pattern.lua.
local function covers(name, other)
  local prefix = name == "*" and "" or name:match("^(.*%.)%*$")
  return name == other or prefix ~= nil and other:sub(1, #prefix) == prefix
end

local function save_pauses(paused)
  if next(paused) then
    call("HSET", meta, "paused_types", pack(paused))
  else
    call("HDEL", meta, "paused_types")
  end
end

local packed = call("HGET", meta, "paused_types")
local paused = packed and unpack_record(packed) or {}
]=]

-- As inbox/allowance.lua: take(type) returns whether the claim may have an entry of a type, and the interval of a probe.
local ALLOWANCE = [=[
local limits, taken, probed = cjson.decode(ARGV[4] == "" and "[]" or ARGV[4]), {}, {}

local function pause_of(kind)
  local probe
  for name, pause in pairs(paused) do
    if covers(name, kind) then
      if pause[2] == 0 or pause[1] > time or probed[name] then return true end
      probe = name
    end
  end
  return false, probe
end

local function take(kind)
  if kind == "" then return true end
  local is_paused, probe = pause_of(kind)
  local limit
  for i, each in ipairs(limits) do
    if covers(each.type, kind) then
      limit = i
      break
    end
  end
  local count = limit and taken[limit] or 0
  if is_paused or limit and count >= limits[limit].count then return false end
  if limit then taken[limit] = count + 1 end
  if not probe then return true end
  probed[probe] = true
  return true, paused[probe][2]
end
]=]

-- The sender can invent types, so the characters that end a type in `parked` are escaped.
local PARKING = [=[
local function escaped(kind)
  return (kind:gsub("[%%:;]", function(char) return ("%%%02X"):format(char:byte()) end))
end

local function park(n, kind)
  call("ZREM", ready, n)
  call("ZADD", held, n, n)
  call("ZADD", delayed, "+inf", n)
  call("ZADD", parked, 0, member(escaped(kind), n))
  call("HSET", meta, "parked", 1)
end

local function unpark(n, kind)
  call("ZREM", parked, member(escaped(kind), n))
  call("ZREM", delayed, n)
  call("ZREM", held, n)
end

-- The oldest parked events of each type, at most `limit` of each: { id, type } in the order of ids.
local function parked_heads()
  local found, from = {}, "-"
  while true do
    local first = call("ZRANGE", parked, from, "+", "BYLEX", "LIMIT", 0, 1)[1]
    if not first then break end
    local kind = first:match("^(.*):%d+$")
    local name = kind:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
    for _, each in ipairs(call("ZRANGE", parked, "[" .. kind .. ":", "(" .. kind .. ";", "BYLEX", "LIMIT", 0, limit)) do
      found[#found + 1] = { each:match(":0*(%d+)$"), name }
    end
    from = "(" .. kind .. ";"
  end
  if #found == 0 then call("HDEL", meta, "parked") end
  table.sort(found, function(one, other) return tonumber(one[1]) < tonumber(other[1]) end)
  return found
end
]=]

-- Selects the events of a claim while types are paused or limited, or events are parked: `selected` has pairs of id and
-- score as ZPOPMIN returns them, `probes` the intervals of probes by id. PARK_MAX is defined before it.
local SELECT = [=[
local selected, probes, more = {}, {}, 0

local function add(n, probe)
  selected[#selected + 1], selected[#selected + 2], probes[n] = n, n, probe
end

local found, place = has_parked and parked_heads() or {}, 1

-- Selects among the parked events with ids below a number. One that is no longer the current one of its lane, since an
-- older one was redriven, waits for its turn.
local function take_parked(below)
  while #selected < 2 * limit and found[place] and tonumber(found[place][1]) < below do
    local n, kind = unpack(found[place])
    place = place + 1
    local _, record = read(n, time)
    local lane = record[LANE]
    if lane ~= "" and call("HGET", heads, lane) ~= n then
      unpark(n, kind)
      call("ZADD", held, n, n)
    else
      local is_allowed, probe = take(kind)
      if is_allowed then
        unpark(n, kind)
        add(n, probe)
      end
    end
  end
end

local parked_count, after, size, ids = 0, 0, math.max(8, limit), nil
repeat
  ids = call("ZRANGE", ready, "(" .. after, "+inf", "BYSCORE", "LIMIT", 0, size)
  for _, n in ipairs(ids) do
    take_parked(tonumber(n))
    if #selected >= 2 * limit then break end
    local _, record = read(n, time)
    local is_allowed, probe = take(record[TYPE] or "")
    if is_allowed then
      call("ZREM", ready, n)
      add(n, probe)
    else
      park(n, record[TYPE])
      parked_count = parked_count + 1
    end
    after = n
  end
  local is_end = #ids < size or #selected >= 2 * limit
  size = PARK_MAX
until is_end or parked_count >= PARK_MAX
take_parked(math.huge)
if parked_count >= PARK_MAX and #selected < 2 * limit then more = 1 end

for name in pairs(probed) do paused[name][1] = time + lease end
if next(probed) then save_pauses(paused) end
]=]

-- In a function of its own, so that other claims do not create its functions.
local SELECT_BY_TYPE = "local PARK_MAX = " .. stores.PARK_MAX
  .. "\nlocal function select_by_type(limit, lease, time, has_parked)\n" .. PAUSES .. ALLOWANCE .. PARKING .. SELECT
  .. "return selected, probes, more\nend\n"

--- ARGV: consumer, limit, lease, the limits by type as JSON ("": none). Returns `read` of each event, with the interval
--- of a probe in place of a field that claims do not have; and 1 if there may be others that it has not seen. It claims
--- nothing if the user may not run a command that ends a claim: the event would be handled, and handled again.
claiming.claim = prelude.script(SELECT_BY_TYPE .. [=[
local consumer, limit, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = now()
local state = call("HMGET", meta, "paused", "paused_types", "parked")
if state[1] then return { {}, 0 } end
recover(consumer, time)

for _, n in ipairs(call("ZRANGE", delayed, "-inf", time, "BYSCORE", "LIMIT", 0, 1000)) do
  call("ZREM", delayed, n)
  call("ZREM", held, n)
  queue(n, record_of(n)[LANE])
end

local oldest, more, probes = nil, 0, {}
if state[2] or state[3] or ARGV[4] ~= "" then
  oldest, probes, more = select_by_type(limit, lease, time, state[3])
else
  oldest = call("ZPOPMIN", ready, limit)
end
if #oldest == 0 then return { {}, more } end

local claim, entries = { "XCLAIM", stream, GROUP, consumer, 0 }, {}
for i = 1, #oldest, 2 do
  local n = oldest[i]
  local entry, record = read(n, time)
  record[TOKEN], record[ATTEMPT] = record[TOKEN] + 1, record[ATTEMPT] + 1
  entry[2], entry[3] = record[TOKEN], record[ATTEMPT]
  store(n, record)
  if record[ATTEMPT] > 1 then call("ZADD", attempts, record[ATTEMPT], n) end
  claim[#claim + 1] = n
  entry[13] = probes[n]
  entries[#entries + 1] = entry
end
for _, argument in ipairs { "TIME", time + lease - RECLAIM, "FORCE", "JUSTID" } do claim[#claim + 1] = argument end
call(unpack(claim))
return { entries, more }
]=], { settling.complete_and_put, settling.retry, settling.dead_letter })

--- ARGV: id, token, consumer, lease, the type of its probe ("" if it is not one). Returns 1, or 0 if the claim is lost.
claiming.extend = prelude.script([=[
local n, token, consumer, lease, probe = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local time = now()
if not claimed(n, token) then return 0 end
call("XCLAIM", stream, GROUP, consumer, 0, n, "TIME", time + lease - RECLAIM, "JUSTID")
if probe == "" then return 1 end
]=] .. PAUSES .. [=[
local pause = paused[probe]
if pause and pause[2] > 0 and pause[1] < time + lease then
  pause[1] = time + lease
  save_pauses(paused)
end
return 1
]=])

--- ARGV: type or pattern ("": everything), milliseconds until a probe (0: an operator's pause), reason, whether a probe
--- has failed ("1"). Like `resume`, it returns 1, or 0 if nothing changed.
claiming.pause = prelude.script(PAUSES .. [=[
local name, interval, reason = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if name == "" then
  call("HSET", meta, "paused", 1)
  return 1
end
local known = paused[name]
if interval > 0 and known and known[2] == 0 or ARGV[4] == "1" and not known then return 0 end
paused[name] = { now() + interval, interval, reason }
save_pauses(paused)
return 1
]=])

--- ARGV: type or pattern, whether to end only a pause with probes of this type ("1").
claiming.resume = prelude.script(PAUSES .. [=[
local name, is_probe, found = ARGV[1], ARGV[2] == "1", {}
if name == "" then
  call("HDEL", meta, "paused")
  return 1
end
for each, pause in pairs(paused) do
  if is_probe and each == name and pause[2] > 0 or not is_probe and covers(name, each) then found[#found + 1] = each end
end
for _, each in ipairs(found) do paused[each] = nil end
save_pauses(paused)
return #found > 0 and 1 or 0
]=])

return claiming
