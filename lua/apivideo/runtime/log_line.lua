--- A line of the log, as text or as JSON: without secrets, control characters and bytes that are not UTF-8.

local json = require "apivideo.util.json"
local redact = require "apivideo.util.redact"
local utf8 = require "apivideo.util.utf8"

local VALUE_MAX_BYTES = 200 -- of a field: a sender may choose it

-- Redacted before it is cut: a part of a secret might not be recognised.
local function clean(text, max_bytes)
  text = redact.one_line(redact.text(text))
  return utf8.repaired(max_bytes and text:sub(1, max_bytes) or text)
end

local function value_of(field)
  return type(field) == "number" and ("%.0f"):format(field) or clean(field, VALUE_MAX_BYTES)
end

-- A value that is not a word is quoted, so that it cannot look like further fields.
local function text_of(field)
  local value = value_of(field)
  if value:find "^[A-Za-z0-9_.:/@+-]+$" then return value end
  return '"' .. value:gsub('["\\]', "\\%0") .. '"'
end

local function json_of(field)
  local value = value_of(field)
  return type(field) == "number" and value or assert(json.encode(value))
end

---@alias apivideo.LogFields (string|integer)[] names and values, alternately

local log_line = {}

--- `2026-01-31T12:00:00.000Z warn apivideo: message name=value …`
---@param time? string nil with `level` where the log has both itself
---@param level? string
---@param message string
---@param fields? apivideo.LogFields
---@return string
function log_line.text(time, level, message, fields)
  local parts = { time and ("%s %s apivideo:"):format(time, level) or "apivideo:", clean(message) }
  for i = 1, fields and #fields or 0, 2 do
    parts[#parts + 1] = fields[i] .. "=" .. text_of(fields[i + 1])
  end
  return table.concat(parts, " ")
end

--- `{"time":"…","level":"warn","message":"…","name":"value"}`
---@param time? string
---@param level? string
---@param message string
---@param fields? apivideo.LogFields
---@return string
function log_line.json(time, level, message, fields)
  local parts = { time and ('"time":"%s","level":"%s"'):format(time, level) }
  parts[#parts + 1] = '"message":' .. assert(json.encode(clean(message)))
  for i = 1, fields and #fields or 0, 2 do
    parts[#parts + 1] = ('"%s":'):format(fields[i]) .. json_of(fields[i + 1])
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

return log_line
