--- Deduplication keys. Two deliveries with the same key are the same event.
---
--- A key is the event's type and the values of its identifying fields, each with its length before it, so that "ab" and
--- "c" differ from "a" and "bc".

local sign = require("apivideo.core").signature.sign

local key = {}

-- Length prefixes. PUC Lua takes longer to format a number than for the rest of a key.
local prefixes = setmetatable({}, { __index = function(_, length) return length .. ":" end })
for length = 0, 100 do prefixes[length] = length .. ":" end

local EMITTED_AT = { "emittedAt" }

-- Appends a value to a key.
local function append(text, value)
  return text .. prefixes[#value] .. value
end

-- Raises at the caller of events:key. `level` is as seen from the caller of this function.
local function raise(field, value, level)
  error(("events:key: event.%s must be a string, got %s"):format(field, type(value)), level + 1)
end

-- Appends fields of an event to a key. `level` is as for raise. Each delivery needs this, so it calls no function of
-- Lua for a field.
local function append_fields(text, event, fields, level)
  for i = 1, #fields do
    local value = event[fields[i]]
    if type(value) ~= "string" then raise(fields[i], value, level + 1) end
    text = text .. prefixes[#value] .. value
  end
  return text
end

-- The key of an event as if it were of type `name`, without `emittedAt`.
local function undated(name, identity, event)
  local text = append_fields(append("", name), event, identity, 4)
  return text
end

--- The keys of an event. Raises misuse at level 3.
---@param types table<string, apivideo.EventType>
---@param event apivideo.Event
---@param raw? string
---@return string key
---@return string? occurrence
---@return string? opposite
function key.of(types, event, raw)
  if type(event) ~= "table" then
    error("events:key: event must be a table, got " .. type(event), 3)
  end
  local name = event.type
  local schema = types[name] -- so `name` is a string: a call of type() takes longer in PUC Lua
  if not schema then
    if type(name) ~= "string" then raise("type", name, 3) end
    if type(raw) ~= "string" then
      error(("events:key: raw (string) expected, got %s: \"%s\" is not in the catalogue"):format(type(raw), name), 3)
    end
    return append(append("", name), sign(raw, name))
  end
  local text = undated(name, schema.identity, event)
  if not schema.emitted_at then return text end
  local dated = append_fields(text, event, EMITTED_AT, 3)
  if not schema.opposite then return dated, text end
  return dated, text, undated(schema.opposite, schema.identity, event)
end

--- The first value of a key, which is the type of the event; or of the rest of a key.
---@param text string
---@return string
function key.first_value(text)
  local length, from = text:match "^(%d+):()"
  return length and text:sub(from, from + tonumber(length) - 1) or text
end

return key
