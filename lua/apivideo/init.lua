--- api.video's webhooks for Lua: manage webhooks, receive and handle their events.

local checks = require "apivideo.util.checks"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local events = require "apivideo.events"
local host = require "apivideo.runtime.host"
local json = require "apivideo.util.json"
local members = require "apivideo.util.members"
local packages = require "apivideo.util.packages"
local permanent = require "apivideo.events.permanent"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"

local CONSTRUCT_EVENT = "apivideo.receiver.construct_event" -- loaded at its first use, see below

---@class apivideo
---@field client apivideo.ClientModule
---@field handlers apivideo.handlers
---@field inbox apivideo.inbox
---@field metrics apivideo.metrics
---@field receiver apivideo.receiver
---@field reconcile apivideo.reconcile
---@field server apivideo.ServerModule the standalone HTTP server, in the rock apivideo-server
---@field emulator apivideo.EmulatorModule a local api.video, in the rock apivideo-server
---@field page apivideo.PageModule the web page of a receiver and its inbox, in the rock apivideo-server
local apivideo = {
  _VERSION = "apivideo " .. require "apivideo.version",

  --- Configures the log of this process.
  log = require("apivideo.runtime.log").configure,

  --- Verifies the signature of a delivery and parses its event, without a receiver.
  ---@param raw string the bytes of the body as they arrived
  ---@param headers table<string, string|string[]> of the request: names in any case, a list for a repeated header
  ---@param secrets apivideo.SecretsForm as the receiver's option `secrets`
  ---@param ... nil a fourth argument raises an error
  ---@return apivideo.Event? event nil if the delivery is rejected
  ---@return apivideo.Delivery|apivideo.Error delivery or why it is rejected: `bad_signature`; `bad_json`, `bad_event` or `too_large` of signed bytes; or why the secret is unavailable: those of every call except `not_found`, and `store_unavailable`
  ---@return integer? status for the response to a rejection: 401, 400 or 503
  construct_event = function(raw, headers, secrets, ...)
    -- No tail call, for the levels of its errors.
    local event, delivery, status = require(CONSTRUCT_EVENT)(raw, headers, secrets, ...)
    return event, delivery, status
  end,

  --- For a handler (`return apivideo.permanent(err)`) whose failure is permanent: with an inbox, the event becomes a
  --- dead letter at once.
  ---@param err any why
  ---@return nil
  ---@return apivideo.Permanent
  permanent = function(err) return nil, permanent.new(err) end,

  --- JSON's `null` in the results of calls. A missing member is nil.
  null = json.null,

  --- Marks a table as a list, so that it is sent as `[]` when it is empty.
  ---@type fun(items: table): table
  array = json.array,

  --- Whether a value is an error object of this library, such as the second result of a call that failed.
  ---@type fun(value: any): boolean
  is_error = errors.is,

  --- Creates a cancellation, for the option `cancel` of calls.
  cancellation = require("apivideo.runtime.cancellation").new,

  --- The catalogue of event types.
  ---@type apivideo.Catalogue
  events = events,

  --- Parses the body of a delivery.
  ---@param raw string the bytes as they arrived
  ---@return apivideo.Event|nil event
  ---@return apivideo.Error? err `bad_json` `bad_event` `too_large`
  parse = function(raw)
    if type(raw) ~= "string" then
      checks.dot("parse", raw, 2)
      error("parse: the bytes as they arrived (a string) expected, got " .. type(raw), 2)
    end
    local event, err = events:parse(raw)
    return event, err
  end,

  --- Signs a body as api.video does.
  ---@type fun(raw: string, secret: string): string
  sign = core.signature.sign,

  --- Whether a signature (64 hex digits) of a body is valid, with one secret or with any of several.
  ---@type fun(raw: string, hex: any, secret: string|string[]): boolean, string?
  verify = core.signature.verify,

  --- Seconds since 1970 and nanoseconds of an `emittedAt`; nil for an invalid date.
  ---@type fun(text: any): integer|nil, integer?
  timestamp = core.timestamp,

  --- Sets the functions that receive the spans of deliveries, attempts and calls.
  tracing = require("apivideo.runtime.tracing").configure,

  parallel = require "apivideo.runtime.parallel",
  spawn = runtime.spawn,
  sleep = runtime.sleep,
  run = runtime.run,
}

-- The members that are loaded at their first use, with their modules: few programs need all of them. To compile them
-- takes longer than all else that `require` does here.
local MODULES = {
  client = "apivideo.client", handlers = "apivideo.events.handlers", inbox = "apivideo.inbox",
  metrics = "apivideo.runtime.metrics", receiver = "apivideo.receiver", reconcile = "apivideo.reconcile",
}

-- The same of the rock apivideo-server, which may be missing.
local SERVER_MODULES = { server = "apivideo.server", emulator = "apivideo.emulator", page = "apivideo.page" }

local LOADED_LATER = tables.merge(MODULES, SERVER_MODULES)

-- In nginx, usually before it forks: the workers share the memory, and no request waits.
if host.ngx then
  require(CONSTRUCT_EVENT)
  for _, module in pairs(MODULES) do require(module) end
end

-- Why a module cannot be loaded, and the remedy.
local function explain(name, problem)
  if problem:find("module 'apivideo%.[%w_.]+' not found") then
    return ("apivideo.%s is not installed; %s"):format(name, packages.remedy "apivideo.server")
  elseif problem:find("libmicrohttpd", 1, true) then
    return ("apivideo.%s needs the library libmicrohttpd, which cannot be loaded; %s (%s)"):format(name,
      packages.remedy "libmicrohttpd", problem:match "[^\n]*")
  end
  return problem
end

-- Lua 5.1 and LuaJIT mark a module whose loading failed, and would report nothing but that mark from then on. The mark
-- has no fixed type. All modules of these rooms are tables.
local function forget_failures()
  for name, module in pairs(package.loaded) do
    if type(module) ~= "table" and SERVER_MODULES[name:match "^apivideo%.(%w+)"] then package.loaded[name] = nil end
  end
end

-- The module is not stored in the table, so that `pairs` always visits the same names.
return setmetatable(apivideo, {
  __index = function(_, name)
    if MODULES[name] then return (require(MODULES[name])) end
    if not SERVER_MODULES[name] then
      local problem = members.problem("apivideo", apivideo, name, LOADED_LATER)
      if problem then error(problem, 2) end
      return nil
    end
    local ok, module = pcall(require, SERVER_MODULES[name])
    if ok then return module end
    forget_failures()
    error(explain(name, tostring(module)), 2)
  end,
})
