--- Deduplication keys. Two deliveries with the same key are the same event.
---
--- A key is the event's type and the values of its identifying fields, each with its length before it, so that "ab" and
--- "c" differ from "a" and "bc".

local sign = require("apivideo.core").signature.sign

local key = {}

-- Length prefixes. PUC Lua takes longer to format a number than for the rest of a key.
local prefixes = setmetatable({}, { __index = function(_, length) return length .. ":" end })
for length = 0, 100 do prefixes[length] = length .. ":" end

-- Appends a value to a key.
local function append(text, value)
  return text .. prefixes[#value] .. value
end

-- A string field of an event; raises at the caller of events:key. `level` is as seen from the caller of this function.
local function string_field(event, field, level)
  local value = event[field]
  if type(value) ~= "string" then
    error(("events:key: event.%s must be a string, got %s"):format(field, type(value)), level + 1)
  end
  return value
end

-- The key of an event as if it were of type `name`, without `emittedAt`.
local function undated(name, identity, event)
  local text = append("", name)
  for i = 1, #identity do text = append(text, string_field(event, identity[i], 4)) end
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
  local name = string_field(event, "type", 3)
  local schema = types[name]
  if not schema then
    if type(raw) ~= "string" then
      error(("events:key: raw (string) expected, got %s: \"%s\" is not in the catalogue"):format(type(raw), name), 3)
    end
    return append(append("", name), sign(raw, name))
  end
  local text = undated(name, schema.identity, event)
  if not schema.emitted_at then return text end
  local dated = append(text, string_field(event, "emittedAt", 3))
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
