--- What the thread of a store runs: the store itself, and its log until the results carry it to the process's log.
---
--- The handler returns the lines of the log, or false; then "returned" and the results of the method; "failed" and the
--- fields of the error that the method returned; or "raised" and the text of the error that it raised.

local core = require "apivideo.core"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"

local LINES_MAX = 100 -- of the log, for one call

local monotonic = core.monotonic
local store
local missing -- why there is no store
local lines = false

for _, level in ipairs { "debug", "info", "warn", "error" } do
  log[level] = function(message, fields)
    lines = lines or {}
    if #lines < LINES_MAX then lines[#lines + 1] = { level, message, fields } end
  end
end

-- The fields of an error.
local function fields_of(err)
  local fields = {}
  for name, value in pairs(err) do fields[name] = value end
  return fields
end

local function results(ok, result, second)
  local logged = lines
  lines = false
  if not ok then return logged, "raised", type(result) == "string" and result or failure.message(result) end
  if result == nil and errors.is(second) then return logged, "failed", fields_of(second) end
  return logged, "returned", result, second
end

local function close()
  if store then store:close() end
  return true
end

local function create(module, options)
  store = require(module).new(options)
  return true
end

-- Creates the store. If it cannot be created, this fails, and so do the calls that were sent before this is known.
local function new(...)
  local ok, problem = pcall(create, ...)
  if ok then return results(true, true) end
  missing = failure.message(problem)
  error(missing, 0)
end

local function set_clock(ahead)
  core.monotonic = function() return monotonic() + ahead end
end

---@param name? string a method of the store; "new" to create it, with the module and its options; nil at the end
---@param ... any its arguments
return function(name, ...)
  if name == "new" then return new(...) end
  if name == "set_clock" then return results(pcall(set_clock, ...)) end
  if name == nil or name == "close" then return results(pcall(close)) end
  if not store then error(missing, 0) end
  return results(pcall(store[name], store, ...))
end
