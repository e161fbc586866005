--- The text of an error that a function of the application raised or returned, for a log or a dead letter: one line of
--- limited length, without secrets, with the call stack.

local redact = require "apivideo.util.redact"

local TEXT_MAX_BYTES = 1000
local STACK_MAX_BYTES = 400
local STACK_MAX_FRAMES = 8
local FIELDS_MAX = 20       -- of an error table
local FIELD_MAX_BYTES = 200

local failure = {}

---@class apivideo.Raised an error with its call stack
---@field err any
---@field traceback string
local Raised = {}
Raised.__index = Raised
Raised.__name = "apivideo.Raised"

---@param err any
---@param traceback string
---@return apivideo.Raised
function failure.with_traceback(err, traceback)
  return setmetatable({ err = err, traceback = traceback }, Raised)
end

--- A message handler for `protected.xpcall`. (Lua does not call it when memory is exhausted, and may fail to call it
--- when the stack is: then the error arrives unchanged.)
---@param err any
---@param co? thread the coroutine that failed; default: the running one
---@return apivideo.Raised
function failure.raised(err, co)
  return failure.with_traceback(err, co and debug.traceback(co, "") or debug.traceback("", 2))
end

--- The parts of the error that `protected.xpcall` returned.
---@param value any
---@return any err
---@return string? traceback
function failure.parts(value)
  if getmetatable(value) == Raised then return value.err, value.traceback end
  -- The message of Lua when `failure.raised` fails, because there is no stack left for it.
  if value == "error in error handling" then return "stack overflow (error in error handling)" end
  return value
end

-- Whether a pcall or xpcall of Lua is on the stack.
local function is_caught()
  local level = 3
  while true do
    local info = debug.getinfo(level, "f")
    if not info then return false end
    if info.func == pcall or info.func == xpcall then return true end
    level = level + 1
  end
end

-- tostring() for any value. Lua 5.1 and LuaJIT do not check what __tostring returns.
local function string_of(value)
  local ok, text = pcall(tostring, value)
  if ok and type(text) == "string" then return text end
  return ("an error object whose __tostring failed (%s)"):format(ok and "it returned a " .. type(text)
    or type(text) == "string" and text or "it raised a " .. type(text))
end

-- Whether tostring() gives more than an address. (debug.getmetatable, because of __metatable.)
local function has_text(value)
  local metatable = debug.getmetatable(value)
  return type(value) ~= "table" or metatable ~= nil and rawget(metatable, "__tostring") ~= nil
end

local function field_text(key, value)
  if type(key) == "string" and redact.is_secret(key) then return "***" end
  if not has_text(value) then return "{…}" end
  -- Redacted before it is truncated: a part of a secret might not be recognised.
  local text = redact.text(string_of(value)):sub(1, FIELD_MAX_BYTES)
  return type(value) == "string" and '"' .. text .. '"' or text
end

-- The fields of a table, sorted by name; only some of them if there are very many.
local function fields_of(err)
  local fields = {}
  for key, value in next, err do
    fields[#fields + 1] = string_of(key):sub(1, FIELD_MAX_BYTES) .. " = " .. field_text(key, value)
    if #fields == FIELDS_MAX then break end
  end
  table.sort(fields)
  return #fields == 0 and "{}" or "{ " .. table.concat(fields, ", ") .. " }"
end

-- The frames of the application in a traceback, innermost first, up to the call by this library.
local function frames_of(traceback)
  local frames = {}
  for line in traceback:gmatch "\n%s*([^\n]+)" do
    if line:find("pcall'$") or line:find("apivideo/util/pcall.lua", 1, true) then break end
    if not line:find("^%[C%]") and not line:find("^stack traceback") and not line:find("^%(%.*tail call") then
      frames[#frames + 1] = line:gsub(": in ", " in ", 1)
    end
    if #frames > STACK_MAX_FRAMES then
      frames[#frames] = "…"
      break
    end
  end
  return frames
end

local function stack_of(traceback, max_bytes)
  local frames = traceback and frames_of(traceback) or {}
  if #frames == 0 then return "" end
  return redact.text("; stack: " .. redact.one_line(table.concat(frames, " < "))):sub(1, max_bytes)
end

--- An error as text: the fields of a table without `__tostring`.
---@param err any
---@return string text may contain several lines
function failure.message(err)
  return redact.text(has_text(err) and string_of(err) or fields_of(err))
end

--- Raises the error that `protected.xpcall` returned: unchanged if a pcall catches it. Otherwise the host prints it,
--- and the `lua` of Lua 5.1 and nginx print strings only: then it is raised as text with its traceback.
---@param value any
function failure.raise(value)
  local err, traceback = failure.parts(value)
  if is_caught() then error(err, 0) end
  error(failure.message(err) .. (traceback or ""), 0)
end

--- An error and its call stack in one line.
---@param err any
---@param traceback? string
---@param max_bytes? integer default 1000; the message is truncated before the stack
---@return string
function failure.text(err, traceback, max_bytes)
  max_bytes = max_bytes or TEXT_MAX_BYTES
  local stack = stack_of(traceback, math.min(STACK_MAX_BYTES, math.floor(max_bytes / 2)))
  return redact.one_line(failure.message(err)):sub(1, max_bytes - #stack) .. stack
end

return failure
