--- The lines of a receiver in the log.

local excerpt = require "apivideo.util.excerpt"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local log_fields = require "apivideo.events.log_fields"
local redact = require "apivideo.util.redact"
local signature = require("apivideo.core").signature

local BODY_SHOWN_MAX_BYTES = 1000 -- nginx cuts a line of its log at 2048
local HASH_DIGITS = 16
local INTERVAL_S = require("apivideo.receiver.outage").INTERVAL_S

---@class apivideo.Outcome the outcome of one request
---@field status integer of the response
---@field seconds number duration, handlers included
---@field err? apivideo.Error why it was rejected; or why its signed body, which is in `delivery.raw`, cannot be parsed
---@field event? apivideo.Event
---@field headers table<string, string|string[]> of the request
---@field raw? string the body as it arrived, which is not verified if it was rejected; nil if it was not read
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

-- Appends what identifies a body without an event, so that its deliveries and its dead letter can be recognised.
local function append_body(fields, raw)
  local last = #fields
  fields[last + 1], fields[last + 2] = "body_bytes", #raw
  fields[last + 3], fields[last + 4] = "body_hash", signature.sign(raw, "unparsed"):sub(1, HASH_DIGITS)
end

-- Logs a signed body that cannot be parsed, or whose event is rejected: api.video does not keep it.
local function report_signed(outcome, fields)
  local text = failure.message(outcome.err)
  if not outcome.event then append_body(fields, outcome.delivery.raw) end
  if outcome.status >= 300 then
    log.error(("rejected with %d although its signature is valid: "):format(outcome.status) .. text
      .. "; the body: " .. shown_body(outcome.delivery.raw), fields)
  elseif outcome.is_new then
    log.error("a signed body that cannot be parsed is a dead letter: " .. text
      .. "; inbox:list { state = \"dead\" } has its bytes; after an upgrade, inbox:redrive() handles it", fields)
  else
    log.info("a duplicate of a signed body that cannot be parsed", fields)
  end
end

-- Logs a delivery that was not rejected.
local function report_accepted(outcome, name, fields)
  if outcome.is_new ~= nil then
    log.info(outcome.is_new and "stored" or "a duplicate", fields)
  elseif outcome.handled == 0 then
    log.warn(("acknowledged without a handler: %s; add one with handlers:on or handlers:otherwise"):format(name),
      fields)
  elseif outcome.handled then
    log.info(("handled in %.3f s"):format(outcome.seconds), fields)
  end
end

-- Logs a rejection. One with 503 is not the sender's fault, and api.video retries for ten seconds only; but with
-- `dedupe`, another delivery of the event is being handled.
local function report_rejected(outcome, outage, fields)
  local err, status = outcome.err, outcome.status
  local text = ("rejected with %d: %s"):format(status, tostring(err))
  if status < 500 or err.kind == "in_progress" then return log.warn(text, fields) end
  if err.kind == "body_unavailable" then return log.error(text, fields) end -- of this request alone
  local left_out = outage:note(err)
  if not left_out then return log.info(text, fields) end
  text = left_out == 0 and ("%s; the same cause has one line in %d s"):format(text, INTERVAL_S)
    or ("%s (and %.0f more since the last such line)"):format(text, left_out)
  log.error(text, fields)
end

local outcome_log = {}

--- Writes a line for a rejection, a failure and an event without a handler; at the level "info", also for a success.
---@param outcome apivideo.Outcome
---@param outage apivideo.receiver.Outage of the receiver
function outcome_log.write(outcome, outage)
  local err, event, delivery = outcome.err, outcome.event, outcome.delivery
  local fields = log_fields(event, delivery)
  if err then -- so that a program need not read the message
    local last = #fields
    fields[last + 1], fields[last + 2], fields[last + 3], fields[last + 4] = "status", outcome.status, "kind", err.kind
  end
  -- A handler may have changed the event.
  local name = event and excerpt(failure.message(event.type)) or "an event that cannot be parsed"
  if err and delivery then
    report_signed(outcome, fields)
  elseif err then
    report_rejected(outcome, outage, fields)
  else
    report_accepted(outcome, name, fields)
  end
  for i, problem in ipairs(outcome.errors or {}) do
    local text = failure.text(problem, outcome.tracebacks and outcome.tracebacks[i])
    log.error(("a handler of %s failed: %s"):format(name, text), fields)
  end
end

--- Writes a line for a delivery whose handlers will run after the response.
---@param delivery apivideo.Delivery
function outcome_log.deferred(delivery)
  log.info("received, its handlers run after the response", log_fields(delivery.event, delivery))
end

return outcome_log
