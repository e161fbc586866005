--- The span of an attempt to handle an event of an inbox: from the claim until its settlement is reported.

local message_span = require "apivideo.events.message_span"
local tracing = require "apivideo.runtime.tracing"

local attempt_span = {}

--- Starts the span of an attempt, which is the current one of this task until `finish`.
---@param events apivideo.Catalogue
---@param attempt apivideo.inbox.Attempt
function attempt_span.enter(events, attempt)
  local delivery = attempt.claim.delivery
  local span = { kind = "consumer", attributes = { ["apivideo.attempt"] = delivery.attempt } }
  message_span.describe(span, "process", events, delivery)
  attempt.span = tracing.start(span)
  if attempt.span then tracing.enter(attempt.span) end
end

--- Reports how an attempt was settled, maybe by another task, and ends its span after that: the calls of the report
--- belong to it.
---@param attempt apivideo.inbox.Attempt
---@param result apivideo.Settlement
---@param report fun(worker: table, result: apivideo.Settlement)
---@param worker table
function attempt_span.finish(attempt, result, report, worker)
  local state = attempt.span
  if state then tracing.enter(state) end
  report(worker, result)
  if not state then return end
  tracing.enter(nil) -- the task waits for the next event
  local err = result.errors and result.errors[1]
  if err == nil then err = result.err end
  state.span.attributes["apivideo.disposition"] = result.disposition
  tracing.finish(state, err, result.disposition ~= "completed")
end

return attempt_span
