--- The span of an attempt to handle an event of an inbox: from the claim to its settlement.

local message_span = require "apivideo.events.message_span"
local tracing = require "apivideo.runtime.tracing"

local attempt_span = {}

--- Starts the span of an attempt, which is the current one of this task until the next attempt.
---@param events apivideo.Catalogue
---@param attempt apivideo.inbox.Attempt
function attempt_span.enter(events, attempt)
  local delivery = attempt.claim.delivery
  local span = { kind = "consumer", attributes = { ["apivideo.attempt"] = delivery.attempt } }
  message_span.describe(span, "process", events, delivery)
  attempt.span = tracing.start(span)
  if attempt.span then tracing.enter(attempt.span) end
end

--- Ends the span of an attempt that is settled, maybe by another task.
---@param attempt apivideo.inbox.Attempt
---@param result apivideo.Settlement
function attempt_span.finish(attempt, result)
  local state = attempt.span
  if not state then return end
  local err = result.errors and result.errors[1]
  if err == nil then err = result.err end
  state.span.attributes["apivideo.disposition"] = result.disposition
  tracing.finish(state, err, result.disposition ~= "completed")
end

return attempt_span
