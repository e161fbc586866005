--- An entry of an inbox as a line of JSON, in which it moves from one store to another.
---
--- Key, occurrence and lane are the hashes of the stores, since those have nothing else of a done event. Times are of
--- the day, and not ages, so that a file can be read later.

local attempts = require "apivideo.inbox.attempts"
local base64 = require "apivideo.util.base64"
local core = require "apivideo.core"
local json = require "apivideo.util.json"
local runtime = require "apivideo.runtime"
local utf8 = require "apivideo.util.utf8"

---@class apivideo.inbox.Record an entry for `import` of a store
---@field key string as `store.digest` returns it, like the next two
---@field occurrence? string
---@field lane? string
---@field state "waiting"|"dead"|"done"
---@field raw string
---@field type? string
---@field video_id? string
---@field webhook_id? string
---@field verified boolean
---@field received_at number
---@field age number
---@field ended_for? number seconds since it was done or dead
---@field attempt integer
---@field attempts? string
---@field error? string
---@field origin apivideo.Origin
---@field replay? true

-- The fields that are in the line as they are, with their types.
local FIELDS = { key = "string", occurrence = "string?", lane = "string?", state = "string", type = "string?",
  video_id = "string?", webhook_id = "string?", verified = "boolean", received_at = "number", attempt = "number",
  error = "string?", origin = "string", replay = "boolean?" }

local OTHERS = { stored_at = "number", ended_at = "number?", raw = "string?", raw_base64 = "string?",
  attempts = "table?" }

local STATES = { waiting = true, dead = true, done = true }
local ORIGINS = { webhook = true, reconcile = true, derived = true }

local record = {}

--- The line of an entry, without its end.
---@param entry apivideo.inbox.DetailedEntry
---@return string
function record.encode(entry)
  local line = {}
  for name in pairs(FIELDS) do line[name] = entry[name] end
  if line.state == "claimed" then line.state = "waiting" end
  if entry.error then line.error = utf8.repaired(entry.error) end
  local is_text = utf8.repaired(entry.raw) == entry.raw
  line[is_text and "raw" or "raw_base64"] = is_text and entry.raw or core.base64(entry.raw)
  line.stored_at = runtime.now() - entry.age
  line.ended_at = entry.ended_for and runtime.now() - entry.ended_for
  line.attempts = entry.attempts and attempts.read(entry.attempts)
  return assert(json.encode(line))
end

-- What is wrong with the fields of a line, or nil.
local function problem_of(line)
  for _, fields in ipairs { FIELDS, OTHERS } do
    for name, kind in pairs(fields) do
      local value = line[name]
      local is_missing = value == nil and kind:sub(-1) == "?"
      if not is_missing and type(value) ~= kind:gsub("%?$", "") then
        return ("%s must be a %s"):format(name, (kind:gsub("%?$", "")))
      end
    end
  end
  if not STATES[line.state] then return "state must be waiting, dead or done" end
  if not ORIGINS[line.origin] then return "origin must be webhook, reconcile or derived" end
  for _, name in ipairs { "key", "occurrence", "lane" } do
    if line[name] and not line[name]:find("^%x+$") or #(line[name] or "") > 32 then
      return name .. " must be a hash"
    end
  end
end

--- The record in a line.
---@param text string
---@return apivideo.inbox.Record|nil
---@return string? problem
function record.decode(text)
  local line, message = json.decode_own(text)
  if type(line) ~= "table" then return nil, "it is not JSON: " .. tostring(message or type(line)) end
  local problem = problem_of(line)
  if problem then return nil, problem end
  local raw = line.raw or line.raw_base64 and base64.decode(line.raw_base64)
  if not raw then return nil, "raw or raw_base64 must have the bytes" end
  local found = { raw = raw, age = math.max(0, runtime.now() - line.stored_at) }
  for name in pairs(FIELDS) do found[name] = line[name] end
  found.replay = line.replay or nil
  found.attempt = math.floor(line.attempt)
  if line.state ~= "waiting" then found.ended_for = math.max(0, runtime.now() - (line.ended_at or line.stored_at)) end
  found.attempts = line.attempts and assert(json.encode(json.array(line.attempts)))
  return found
end

return record
