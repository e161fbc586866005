--- Spans of deliveries, attempts and calls, which the hooks of `apivideo.tracing` receive. Without hooks, no span is
--- created. Names are those of OpenTelemetry: https://opentelemetry.io/docs/specs/semconv/

local checks = require "apivideo.util.checks"
local current_span = require "apivideo.runtime.current_span"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local traceparent = require "apivideo.runtime.traceparent"

local newproxy = rawget(_G, "newproxy") -- only in Lua 5.1 and LuaJIT, whose tables have no __gc

---@class apivideo.Span one operation, for the hooks of `apivideo.tracing`
---@field name string
---@field kind "server"|"consumer"|"client"
---@field attributes table<string, string|number|boolean> without secrets
---@field parent? apivideo.Span|{ traceparent: string } the span that it belongs to, or `{ traceparent = … }` of another process
---@field started_at number seconds since 1970
---@field ended_at? number
---@field traceparent? string `on_start` may set it: calls in the span, or of it, send it
---@field status? "error"
---@field err? any why it failed, or was rejected

---@class apivideo.TracingOptions
---@field on_start? fun(span: apivideo.Span) called at the start of each span
---@field on_end? fun(span: apivideo.Span) called once at its end

---@class apivideo.runtime.Span the state of a span
---@field span apivideo.Span
---@field hooks apivideo.TracingOptions that were set at its start
---@field began number monotonic time
---@field traceparent? string that calls send: its own, or otherwise that of its parent
---@field err? any why it failed, or was rejected
---@field is_ended? boolean
---@field is_suppressed? boolean not a span, but a hook: what it calls is not traced
---@field request? table of nginx, see `current_span`
---@field guard? any calls `abandon` when the state is collected

local hooks          -- nil: tracing is off
local abandoned = {} -- spans whose task was ended before them

local METHODS = {
  CONNECT = true, DELETE = true, GET = true, HEAD = true, OPTIONS = true, PATCH = true, POST = true, PUT = true,
  TRACE = true,
}

local tracing = {
  is_on = false, -- read it before any other function is called, which then costs nothing while tracing is off
}

local KINDS = { on_start = "function?", on_end = "function?" }

--- Sets the functions that receive the spans of this process; they replace those that were set before. `tracing(nil)`
--- turns tracing off.
---@param options? apivideo.TracingOptions
function tracing.configure(options)
  checks.options("tracing", options or {}, KINDS)
  hooks = options and (options.on_start or options.on_end)
    and { on_start = options.on_start, on_end = options.on_end } or nil
  tracing.is_on = hooks ~= nil
end

-- Calls a hook. Its error is logged: it must not become that of the operation.
local function call_hook(hook, span)
  if not hook then return end
  local before, suppressed = current_span.get(), { is_suppressed = true }
  current_span.set(suppressed)
  local ok, raised = protected.xpcall(hook, failure.raised, span)
  current_span.set(before)
  if not ok then log.error("tracing: a hook failed: " .. failure.text(failure.parts(raised))) end
  return suppressed -- so that the collector keeps it until here: LuaJIT may drop a variable that is not used any more
end

runtime.forbid_exit(call_hook, "a hook of apivideo.tracing")

-- A finalizer: nginx runs no other Lua code when it ends a task. No hook is called in it, since it may run anywhere.
local function abandon(state)
  if not state.is_ended then abandoned[#abandoned + 1] = state end
end

local finalized = { __gc = abandon }

local function set_finalizer(state)
  if not newproxy then return setmetatable(state, finalized) end
  state.guard = newproxy(true)
  getmetatable(state.guard).__gc = function() abandon(state) end
  return state
end

-- Ends a span: the fields of its end, and the hook.
local function finish(state, err, is_failed)
  state.is_ended = true
  local span = state.span
  span.ended_at = span.started_at + runtime.monotonic() - state.began
  span.err, span.status = err, is_failed and "error" or nil
  if is_failed then span.attributes["error.type"] = span.attributes["error.type"] or tracing.error_type(err) end
  call_hook(state.hooks.on_end, span)
end

-- (Without recursion: there may be many, since the collector finds all ended requests of nginx at once.)
local function end_abandoned()
  while abandoned[1] do
    local state = table.remove(abandoned)
    state.span.attributes["error.type"] = "abandoned"
    finish(state, "the task of the span was ended before it", true)
  end
end

-- Removes an invalid value that on_start set.
local function check_traceparent(span)
  if span.traceparent == nil or traceparent.is_valid(span.traceparent) then return end
  log.error(("tracing: on_start set an invalid traceparent, %s, which is ignored; it must be like %s"):format(
    failure.message(span.traceparent), traceparent.EXAMPLE))
  span.traceparent = nil
end

-- The value that calls in a span send: the nearest one. (The application may have changed the span since its start.)
local function traceparent_of(span)
  while span do
    if traceparent.is_valid(span.traceparent) then return span.traceparent end
    span = span.parent
  end
end

--- The state of the current span, or nil.
---@return apivideo.runtime.Span?
function tracing.current()
  local state = current_span.get()
  return state and not state.is_suppressed and state or nil
end

--- Starts a span.
---@param span apivideo.Span
---@return apivideo.runtime.Span? state nil if tracing is off, or in a hook
function tracing.start(span)
  local current = current_span.get()
  if not hooks or current and current.is_suppressed then return nil end
  end_abandoned()
  span.started_at = runtime.now()
  local state = set_finalizer { span = span, hooks = hooks, began = runtime.monotonic() }
  local attributes, parent, started_at = span.attributes, span.parent, span.started_at
  call_hook(hooks.on_start, span)
  span.attributes, span.parent, span.started_at = attributes, parent, started_at -- used until the end of the span
  check_traceparent(span)
  state.traceparent = traceparent_of(span)
  return state
end

--- The value of the attribute `error.type`.
---@param err any
---@return string
function tracing.error_type(err)
  if not errors.is(err) then return "_OTHER" end
  return err.status and ("%d"):format(err.status) or err.kind
end

--- The value of the attribute `http.request.method`: a peer must not create any number of them.
---@param method string
---@return string
function tracing.http_method(method)
  return METHODS[method] and method or "_OTHER"
end

--- Ends a span. Called once for each, unless its task is ended before.
---@param state apivideo.runtime.Span
---@param err any nil without an error
---@param is_failed? boolean whether the operation failed
function tracing.finish(state, err, is_failed)
  finish(state, err, is_failed)
  end_abandoned()
end

--- Makes a span the current one of this task. Returns the one before.
---@param state table|nil
---@return table|nil before
function tracing.enter(state)
  local before = current_span.get()
  current_span.set(state)
  return before
end

local function results_of(state, before, ok, ...)
  current_span.set(before)
  if ok then return ... end
  local err = failure.parts((...))
  tracing.finish(state, err == nil and "an error that is nil" or err, true)
  failure.raise((...))
end

--- Calls fn(...) in a span, which stays open. If that raises an error, the span is ended.
---@param state apivideo.runtime.Span
---@param fn function
---@param ... any
---@return any ... the results
function tracing.call(state, fn, ...)
  return results_of(state, tracing.enter(state), protected.xpcall(fn, failure.raised, ...))
end

return tracing
