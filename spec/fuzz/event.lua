-- For every text that our parser accepts, lua-cjson decodes the same table; and the invariants of an event hold.
--
-- Intended differences:
--   * a member that is null is omitted by ours, and cjson.null in theirs (in an array, both have it);
--   * whole numbers are exact in ours, and the nearest double in theirs;
--   * a number that Lua cannot represent is its literal in ours, and the nearest double, or infinity, in theirs.

local cjson = require("cjson").new()
local core = require "apivideo.core"
local events = require "apivideo.events"

cjson.decode_invalid_numbers(false)
cjson.decode_max_depth(1000)

local KINDS = { bad_json = true, bad_event = true, too_large = true }

local parse = core.event.compile(events.types)

local function is_number(text)
  return text:find("^%-?%d+%.?%d*[eE]?[+-]?%d*$") ~= nil
end

-- Whether two values other than tables are the same.
local function same(ours, theirs)
  if ours == theirs then return true end
  if math.type(ours) == "integer" and type(theirs) == "number" then return ours + 0.0 == theirs end
  return type(ours) == "string" and type(theirs) == "number" and is_number(ours)
    and tonumber(ours) + 0.0 == theirs
end

local function agree(ours, theirs, where)
  if type(ours) ~= "table" or type(theirs) ~= "table" then
    if not same(ours, theirs) then
      error(("%s: ours %s, cjson's %s"):format(where, tostring(ours), tostring(theirs)))
    end
    return
  end
  for key, value in pairs(theirs) do
    if value == cjson.null and type(key) == "string" then
      if ours[key] ~= nil then error(where .. "." .. key .. " is null") end
    else
      agree(ours[key], value, where .. "." .. key)
    end
  end
  for key in pairs(ours) do
    if theirs[key] == nil then error(where .. "." .. key .. " does not exist in cjson's") end
  end
end

local function check_date(text)
  local seconds, nanoseconds = core.timestamp(text)
  if not seconds then return end
  assert(math.type(seconds) == "integer" and nanoseconds >= 0 and nanoseconds <= 999999999)
end

local function check_event(event, raw)
  assert(type(event.type) == "string" and event.type ~= "")
  local known = events.types[event.type]
  for _, field in ipairs(known and known.required or {}) do
    assert(type(event[field]) == "string", field)
  end
  assert(events:key(event, raw):sub(1, 1 + #tostring(#event.type) + #event.type)
    == #event.type .. ":" .. event.type)
  check_date(event.emittedAt)
end

local function check_error(err, raw)
  assert(KINDS[err.kind], err.kind)
  assert(not err.offset or err.offset >= 0 and err.offset <= #raw)
  assert(err.kind == "bad_event" or err.offset and not err.field)
  assert(not tostring(err):find "%c")
end

local function check(raw)
  local event, err = coroutine.wrap(events.parse)(events, raw) -- on a small stack
  if not event then return check_error(err, raw) end
  check_event(event, raw)
  agree(event, cjson.decode(raw), "event")
end

return check, parse -- the first upvalue of parse is the schema
