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
---@field detail? string
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
  video_id = "string?", detail = "string?", webhook_id = "string?", verified = "boolean",
  received_at = "number", attempt = "number", error = "string?", origin = "string", replay = "boolean?" }

local OTHERS = { stored_at = "number", ended_at = "number?", raw = "string?", raw_base64 = "string?",
  attempts = "table?" }

local STATES = { waiting = true, dead = true, done = true }
local ORIGINS = { webhook = true, reconcile = true, derived = true }

-- The largest numbers: times in microseconds, and attempts, are exact in each store. (JSON may have 1e400, which is
-- infinite, and which cannot be exported again.)
local TIME_MAX, ATTEMPT_MAX = 9e9, 2 ^ 31
local MAXIMA = { received_at = TIME_MAX, stored_at = TIME_MAX, ended_at = TIME_MAX, attempt = ATTEMPT_MAX }

-- The fields of an attempt, with their types.
local ATTEMPT = { at = "number", seconds = "number", worker = "string", error = "string?", traceback = "string?" }

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

-- What is wrong with the types of fields, or nil.
local function type_problem(value, fields)
  for name, kind in pairs(fields) do
    local field, expected = value[name], kind:gsub("%?$", "")
    local is_missing = field == nil and kind ~= expected
    if not is_missing and type(field) ~= expected then return ("%s must be a %s"):format(name, expected) end
  end
end

-- What is wrong with the numbers of a line, or nil.
local function number_problem(line)
  for name, max in pairs(MAXIMA) do
    local value = line[name]
    if value and not (value >= 0 and value <= max) then return ("%s must be from 0 to %.0f"):format(name, max) end
  end
end

-- What is wrong with the attempts of a line, or nil.
local function attempts_problem(list)
  for _, attempt in ipairs(list) do
    local problem = type(attempt) ~= "table" and "each must be an object" or type_problem(attempt, ATTEMPT)
    if not problem and not (math.abs(attempt.at) <= TIME_MAX and math.abs(attempt.seconds) <= TIME_MAX) then
      problem = ("times must be at most %.0f"):format(TIME_MAX)
    end
    if problem then return "attempts: " .. problem end
  end
end

-- What is wrong with the fields of a line, or nil.
local function problem_of(line)
  local problem = type_problem(line, FIELDS) or type_problem(line, OTHERS) or number_problem(line)
    or attempts_problem(line.attempts or {})
  if problem then return problem end
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
  if line.attempts then
    local list = json.array {} -- without what is not in the list
    for i, attempt in ipairs(line.attempts) do list[i] = attempt end
    found.attempts = assert(json.encode(list))
  end
  return found
end

return record
