--- The span of a delivery: from the arrival of its request to the response. With the option `defer`, the handlers run in
--- a second span.

local headers = require "apivideo.util.headers"
local message_span = require "apivideo.events.message_span"
local traceparent = require "apivideo.runtime.traceparent"
local tracing = require "apivideo.runtime.tracing"

local delivery_span = {}

-- Whether the handlers run in the span of the delivery.
local function operation_of(receiver)
  return (receiver._inbox or receiver._defer) and "receive" or "process"
end

-- The span of the sender: a gateway may have one.
local function parent_of(list)
  local value, count = headers.get(list, "traceparent")
  value = count == 1 and traceparent.parse(value) or nil
  return value and { traceparent = value }
end

--- Calls fn(receiver, method, list, ...), which returns the status of the response, in a span.
---@param fn function
---@param receiver apivideo.Receiver
---@param method string
---@param list table<string, string|string[]> the headers
---@param ... any
---@return integer status
function delivery_span.call(fn, receiver, method, list, ...)
  local span = {
    kind = "server", parent = parent_of(list),
    attributes = { ["http.request.method"] = tracing.http_method(method) },
  }
  message_span.describe(span, operation_of(receiver), receiver._events)
  local state = tracing.start(span)
  if not state then return fn(receiver, method, list, ...) end
  local status = tracing.call(state, fn, receiver, method, list, ...)
  span.attributes["http.response.status_code"] = status
  tracing.finish(state, state.err, status >= 500)
  return status
end

--- Describes the delivery of the current span.
---@param receiver apivideo.Receiver
---@param delivery apivideo.Delivery|nil nil if it is rejected
function delivery_span.describe(receiver, delivery)
  local state = tracing.current()
  if state and delivery then message_span.describe(state.span, operation_of(receiver), receiver._events, delivery) end
end

--- Sets the error of the current span, if the outcome has one.
---@param outcome apivideo.Outcome
function delivery_span.set_error(outcome)
  local state = tracing.current()
  if not state then return end
  state.err = outcome.err or outcome.errors and outcome.errors[1]
  if state.err ~= nil then state.span.attributes["error.type"] = tracing.error_type(state.err) end
end

--- The function that runs deferred handlers in a span, a child of the current one.
---@param run fun(receiver: apivideo.Receiver, delivery: apivideo.Delivery, started: number, list: table): integer
---@return fun(receiver: apivideo.Receiver, delivery: apivideo.Delivery, started: number, list: table)
function delivery_span.deferred(run)
  local parent = tracing.current()
  return function(receiver, delivery, started, list)
    local span = { kind = "consumer", parent = parent and parent.span, attributes = {} }
    message_span.describe(span, "process", receiver._events, delivery)
    local state = tracing.start(span)
    if not state then return run(receiver, delivery, started, list) end
    tracing.call(state, run, receiver, delivery, started, list)
    tracing.finish(state, state.err, state.err ~= nil)
  end
end

return delivery_span
