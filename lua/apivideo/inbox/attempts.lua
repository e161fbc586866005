--- The attempts to handle an entry: the last ten, as one text, which stores keep without reading it. The process that
--- has the claim of an entry writes it, so that the fencing token protects it, too. An attempt whose process ended
--- before it could settle it is not in the text.

local core = require "apivideo.core"
local json = require "apivideo.util.json"
local redact = require "apivideo.util.redact"
local tables = require "apivideo.util.tables"
local utf8 = require "apivideo.util.utf8"

local MAX_COUNT = 10
local TRACEBACK_MAX_BYTES = 4096 -- of one attempt

---@class apivideo.Attempt
---@field at number when it began, in seconds since 1970
---@field seconds number its duration
---@field worker string the name of the machine and the id of the process, such as `web1/4711`
---@field error? string why it failed; nil for an attempt that succeeded
---@field traceback? string of the errors that were raised; 4096 bytes at most, without secrets

local attempts = {}

-- The name of this machine, which the kernel knows.
local function machine_name()
  local file = io.open "/proc/sys/kernel/hostname"
  local name = file and file:read "*l"
  if file then file:close() end
  return name or "localhost"
end

local machine
local names = {} -- the id of the process, its name, and the name as JSON: a fork changes them

-- The name of this process, and the same as JSON.
local function names_of_process()
  local process = core.process_id()
  if names[1] ~= process then
    machine = machine or machine_name()
    local name = ("%s/%.0f"):format(machine, process)
    names = { process, name, json.encode(name) }
  end
  return names[2], names[3]
end

--- The tracebacks of several errors as one text of limited length.
---@param errs any[]
---@param tracebacks? table<integer, string>
---@return string|nil
function attempts.traceback_of(errs, tracebacks)
  local texts = {}
  for i = 1, #errs do
    local traceback = tracebacks and tracebacks[i]
    -- Redacted before it is truncated: a part of a secret might not be recognised.
    if traceback then texts[#texts + 1] = redact.text(traceback):gsub("^%s*stack traceback:\n", "") end
  end
  return texts[1] and utf8.repaired(table.concat(texts, "\n\n"):sub(1, TRACEBACK_MAX_BYTES)) or nil
end

--- The attempts in a text of the store, oldest first.
---@param text string|nil
---@return apivideo.Attempt[]
function attempts.read(text)
  return text and text ~= "" and json.decode_own(text) or {}
end

-- Rounds to milliseconds: more digits would need the slow form of json.encode.
local function rounded(seconds)
  return math.floor(seconds * 1000 + 0.5) / 1000
end

-- The text of a single attempt of this process that succeeded, which most entries have: json.encode takes much longer.
-- The numbers are written without a decimal point, which may be another one in the locale.
local function text_of_success(attempt)
  local _, name = names_of_process()
  return ('[{"at":%.0fe-3,"seconds":%.0fe-6,"worker":%s}]'):format(attempt.at * 1000, attempt.seconds * 1e6, name)
end

--- Adds an attempt to a text.
---@param text string|nil
---@param attempt { at: number, seconds: number, error?: string, traceback?: string } of this process
---@return string
function attempts.add(text, attempt)
  if not text and not attempt.error then return text_of_success(attempt) end
  local list = attempts.read(text)
  list[#list + 1] = tables.merge(attempt, {
    at = rounded(attempt.at), seconds = rounded(attempt.seconds), worker = (names_of_process()),
    error = attempt.error and utf8.repaired(attempt.error),
  })
  while #list > MAX_COUNT do table.remove(list, 1) end
  return assert(json.encode(list))
end

return attempts
