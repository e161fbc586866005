--- The lines of a receiver in the log.

local excerpt = require "apivideo.util.excerpt"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local redact = require "apivideo.util.redact"

local BODY_SHOWN_MAX_BYTES = 1000 -- nginx cuts a line of its log at 2048

---@class apivideo.Outcome the outcome of one request
---@field status integer of the response
---@field seconds number duration, handlers included
---@field err? apivideo.Error why it was rejected; or why its signed body, which is in `delivery.raw`, cannot be parsed
---@field event? apivideo.Event
---@field delivery? apivideo.Delivery unless it was rejected before its signature was known to be valid
---@field is_new? boolean with an inbox: whether it was stored; false for a duplicate, also with `dedupe`
---@field handled? integer how many handlers ran
---@field errors? any[] of handlers that failed
---@field tracebacks? table<integer, string> of those errors that were raised, by their index in `errors`

-- The beginning of a signed body, as text without secrets. It is redacted before it is cut, since half of a secret
-- might not be recognised.
local function shown_body(raw)
  return redact.one_line(redact.text(raw)):sub(1, BODY_SHOWN_MAX_BYTES)
end

-- Logs a signed body that cannot be parsed, or whose event is rejected: api.video does not keep it.
local function report_signed(outcome)
  local text = failure.message(outcome.err)
  if outcome.status < 300 then
    log.error("a signed body that cannot be parsed is a dead letter: " .. text
      .. "; inbox:list(\"dead\") has its bytes; after an upgrade, inbox:redrive() handles it")
  else
    log.error(("rejected with %d although its signature is valid: "):format(outcome.status) .. text
      .. "; the body: " .. shown_body(outcome.delivery.raw))
  end
end

--- Writes a line for a rejection, a failure and an event without a handler; none for a success.
---@param outcome apivideo.Outcome
return function(outcome)
  -- tostring: a handler may have changed the event.
  local name = excerpt(tostring(outcome.event and outcome.event.type or "an event that cannot be parsed"))
  if outcome.err and outcome.delivery then
    report_signed(outcome)
  elseif outcome.err then
    -- A body that nginx has deleted is not the sender's fault, but one of the configuration.
    local write = outcome.err.kind == "body_unavailable" and log.error or log.warn
    write(("rejected with %d: %s"):format(outcome.status, tostring(outcome.err)))
  elseif outcome.handled == 0 then
    log.warn(("acknowledged without a handler: %s; add one with handlers:on or handlers:otherwise")
      :format(name))
  end
  for i, err in ipairs(outcome.errors or {}) do
    local text = failure.text(err, outcome.tracebacks and outcome.tracebacks[i])
    log.error(("a handler of %s failed: %s"):format(name, text))
  end
end
