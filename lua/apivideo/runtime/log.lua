--- The log of this process: nginx's error log in nginx, otherwise stderr, or a function of the application.

local checks = require "apivideo.util.checks"
local core = require "apivideo.core"
local date = require "apivideo.util.date"
local failure = require "apivideo.util.failure"
local host = require "apivideo.runtime.host"
local log_line = require "apivideo.runtime.log_line"
local spelling = require "apivideo.util.spelling"

local ngx = host.ngx

local LEVELS, FORMATS = { "debug", "info", "warn", "error" }, { "text", "json" }
local NGINX_LEVELS = ngx and { debug = ngx.DEBUG, info = ngx.INFO, warn = ngx.WARN, error = ngx.ERR }

-- nginx's function that writes a line as it is: ngx.log puts its caller's position before the line, which says nothing
-- here. It may be missing, so nil.
local function find_raw_log()
  local ok, errlog = pcall(require, "ngx.errlog")
  return ok and errlog.raw_log or nil
end

local raw_log = ngx and find_raw_log()

local known = { level = "string?", write = "function?", format = "string?" }

---@class apivideo.LogOptions
---@field level? "debug"|"info"|"warn"|"error" the lowest level of the lines, default "warn"
---@field write? fun(line: string) gets each line, without a line break, instead of stderr or nginx's error log. It must not wait
---@field format? "text"|"json" default "text"

local log = {
  --- Which levels are logged. The table stays the same, so that a hot path can check it before it builds a line.
  ---@type table<string, boolean>
  enabled = {},
}

local format, write

-- Raises unless a value is nil or in the list. At the caller of log.configure.
local function check_choice(name, value, list)
  for _, choice in ipairs(list) do
    if value == nil or value == choice then return end
  end
  local near = spelling.nearest(value, list)
  error(('log: option "%s" must be "%s" or "%s", got "%s"%s'):format(name, table.concat(list, '", "', 1, #list - 1),
    list[#list], value, near and '; did you mean "' .. near .. '"?' or ""), 3)
end

--- Sets all options of the log; those that are left out have their defaults. In nginx, each worker has its own settings,
--- which begin with those of init_by_lua.
---@param options apivideo.LogOptions
function log.configure(options)
  checks.options("log", options, known)
  check_choice("level", options.level, LEVELS)
  check_choice("format", options.format, FORMATS)
  local is_enabled = false
  for _, level in ipairs(LEVELS) do
    is_enabled = is_enabled or level == (options.level or "warn")
    log.enabled[level] = is_enabled
  end
  format, write = log_line[options.format or "text"], options.write
end

-- To nginx's error log, which has the time and the level itself; otherwise to stderr, in one write, since several
-- processes may share it.
local function write_by_default(level, message, fields)
  if raw_log then
    raw_log(NGINX_LEVELS[level], format(nil, nil, message, fields))
  elseif ngx then
    ngx.log(NGINX_LEVELS[level], format(nil, nil, message, fields)) -- not as a tail call: nginx shows the caller's line
  else
    io.stderr:write(format(date(core.now()), level, message, fields) .. "\n")
  end
end

local writer -- the coroutine in the option `write`; false for the main thread, which Lua 5.1 does not return

-- Whether this is called by the option `write`. (One that yields may never return; then its coroutine is suspended.)
local function is_in_write()
  if writer == nil then return false end
  local status = writer and coroutine.status(writer) or "running"
  return status == "running" or status == "normal"
end

--- Calls the option `write`. Public for `forbid_exit`.
---@param line string
---@return boolean ok
---@return any problem
function log.call_write(line)
  local before = writer
  writer = coroutine.running() or false
  local ok, problem = pcall(write, line)
  writer = before
  return ok, problem
end

local function put(level, message, fields)
  if not write or is_in_write() then return write_by_default(level, message, fields) end
  local ok, problem = log.call_write(format(date(core.now()), level, message, fields))
  if ok then return end
  write_by_default(level, message, fields)
  write_by_default("error", 'log: option "write" failed: ' .. failure.message(problem))
end

-- A line that cannot be written, because stderr is closed or memory is exhausted, must not break anything.
local function log_at(level, message, fields)
  if log.enabled[level] then pcall(put, level, message, fields) end
end

--- Logs a detail.
---@param message string
---@param fields? apivideo.LogFields
function log.debug(message, fields) log_at("debug", message, fields) end

--- Logs a success.
---@param message string
---@param fields? apivideo.LogFields
function log.info(message, fields) log_at("info", message, fields) end

--- Logs what is retried, what a peer did wrong, or what may be intended.
---@param message string
---@param fields? apivideo.LogFields
function log.warn(message, fields) log_at("warn", message, fields) end

--- Logs a failure that an operator must end, or with which an event may be lost.
---@param message string
---@param fields? apivideo.LogFields
function log.error(message, fields) log_at("error", message, fields) end

log.configure {}

return log
