--- Settles the attempts of a worker: an event is completed, retried or dead-lettered, and logged.

local attempt_span = require "apivideo.inbox.attempt_span"
local backoff = require "apivideo.util.backoff"
local derived = require "apivideo.events.derived"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local log_fields = require "apivideo.events.log_fields"
local permanent = require "apivideo.events.permanent"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local MAX_BACKOFF_S = 600
local STORE_RETRY_INTERVAL_S = 0.25
local STORED_MAX_BYTES = 1000 -- of the errors of an attempt; a claim stores no more

---@class apivideo.Settlement the outcome of one attempt
---@field disposition "completed"|"retried"|"dead_lettered"|"lost"
---@field id integer the entry's
---@field delivery apivideo.Delivery
---@field event? apivideo.Event
---@field seconds number duration of the handlers
---@field handled? integer how many handlers ran
---@field errors? any[] of handlers that failed
---@field tracebacks? table<integer, string> of those errors that were raised, by their index in `errors`
---@field delay? number seconds until the next attempt
---@field is_gone? boolean whether the store no longer has the event of a lost claim: it was purged, or lost
---@field err? apivideo.Error why it is lost: the lease expired, or the store is unavailable. The event will be handled again, unless the store has lost it

local settlement = {}

-- Exponential backoff with 50 % jitter.
local function delay_of(worker, attempt)
  return backoff.half_jitter(attempt, worker.backoff, MAX_BACKOFF_S)
end

local function text_of(errs, tracebacks, max_bytes)
  local texts = {}
  for i, err in ipairs(errs) do texts[i] = failure.text(err, tracebacks and tracebacks[i], max_bytes) end
  return table.concat(texts, "; ")
end

local function stored_text(result)
  local max_bytes = math.floor(STORED_MAX_BYTES / #result.errors)
  return text_of(result.errors, result.tracebacks, max_bytes)
end

local function all_permanent(errs)
  for _, err in ipairs(errs) do
    if not permanent.is(err) then return false end
  end
  return true
end

-- The name of an entry in the log, with its id, by which an operator can redrive it.
local function name_of(id, delivery, event)
  return ("entry %.0f, %s (attempt %d)"):format(id, failure.message(event and event.type or "an event"),
    delivery.attempt)
end

-- Whether an attempt failed because api.video rejects the key: no retry ends that.
local function is_rejected(errs)
  for _, err in ipairs(errs) do
    if errors.is(err) and (err.kind == "unauthorized" or err.kind == "forbidden") then return true end
  end
  return false
end

-- Logs failed handlers.
local function log_errors(result, name, fields)
  local disposition, text = result.disposition, text_of(result.errors, result.tracebacks)
  if disposition == "retried" then
    local write = is_rejected(result.errors) and log.error or log.warn
    write(("%s failed, next attempt in %.0f s: %s"):format(name, result.delay, text), fields)
  elseif disposition == "dead_lettered" then
    log.error(("%s failed and is a dead letter; inbox:redrive { id = %.0f } queues it again: %s")
      :format(name, result.id, text), fields)
  else
    log.error(("%s failed: %s"):format(name, text), fields)
  end
end

-- Logs a result that needs attention; at the level "info", every result.
local function log_result(result)
  local is_unhandled = result.handled == 0 and not derived.is(result.event.type)
  if not (result.errors or is_unhandled or result.err or log.enabled.info) then return end
  local name = name_of(result.id, result.delivery, result.event)
  local fields = log_fields(result.event, result.delivery, result.id)
  if result.errors then
    log_errors(result, name, fields)
  elseif is_unhandled then
    log.warn(("completed without a handler: %s; add one with handlers:on or handlers:otherwise"):format(name), fields)
  elseif result.disposition == "completed" then
    log.info(("completed in %.3f s"):format(result.seconds), fields)
  end
  if result.err then
    log.error(("%s %s: %s"):format(name, result.is_gone and "is gone from the store (purged, or lost with its data) and"
      .. " will not be handled again" or "will be handled again", failure.text(result.err)), fields)
  end
end

-- Calls a function with a result. If it fails, the result stays as it is.
local function call_with(result, name, fn)
  local ok, raised = protected.xpcall(fn, failure.raised, result)
  if not ok then log.error(("inbox:work: %s failed: %s"):format(name, failure.text(failure.parts(raised)))) end
end

runtime.forbid_exit(call_with, "the option \"on_settled\" of inbox:work")

-- Logs a result, then passes it to the option `on_settled`.
local function report(worker, result)
  call_with(result, "the log of a result", log_result)
  if worker.on_settled then call_with(result, "option \"on_settled\"", worker.on_settled) end
end

-- Calls a method of the claim, and retries it while the store is unavailable and the lease may not have expired. A call
-- that failed may have had its effect: for the next one, the claim is lost then.
local function call_claim(worker, claim, name, ...)
  local ends, is_repeated = runtime.monotonic() + worker.lease, false
  while true do
    local ok, err = claim[name](claim, ...)
    if is_repeated and not ok and err.kind == "claim_lost" and claim:_is_settled() then return true end
    is_repeated = true
    if ok or err.kind ~= "store_unavailable" or worker:is_ending() or runtime.monotonic() > ends then return ok, err end
    runtime.sleep(STORE_RETRY_INTERVAL_S)
  end
end

-- Settles a claim in the store. Returns the intended disposition; whether the store has it, and the error if not.
local function settle_claim(worker, claim, result)
  local attempt, errs = claim.attempt, result.errors
  if errs then claim:_add_tracebacks(errs, result.tracebacks) end
  if result.handled then
    return "completed", call_claim(worker, claim, "complete")
  elseif attempt >= worker.max_attempts or all_permanent(errs) then
    return "dead_lettered", call_claim(worker, claim, "dead_letter", stored_text(result))
  end
  result.delay = delay_of(worker, attempt)
  return "retried", call_claim(worker, claim, "retry", result.delay, stored_text(result))
end

-- Whether the event of a lost claim is gone. A store that raises has failed.
local function is_gone(claim)
  local ok, gone = protected.call(claim._is_gone, claim)
  return ok and gone
end

-- Tells the circuit breaker the result.
local function note(worker, claim, result)
  if worker.limits then worker.limits:remove(claim) end
  local errs = result.errors
  if not claim.type or errs and all_permanent(errs) then return end
  local ok, raised = protected.xpcall(worker.breaker.note, failure.raised, worker.breaker, claim.type, claim.probe,
    errs and stored_text(result) or nil)
  if not ok then log.error("inbox: the worker failed: " .. failure.text(failure.parts(raised))) end
end

---@class apivideo.inbox.Attempt a claim whose event is being handled
---@field claim apivideo.Claim
---@field started number
---@field ends number when it counts as failed; while it is being settled, when that counts as failed
---@field is_settling? boolean
---@field is_settled? boolean
---@field disposition? string once it is settled
---@field seconds? number duration of the handlers, once it is settled
---@field is_counted? boolean in the metrics
---@field task apivideo.inbox.Task that handles it
---@field span? apivideo.runtime.Span if tracing is on

--- Settles an attempt, once. Raises nothing, whatever the store and on_settled do: the claim of an attempt that cannot be
--- settled is no longer renewed, so its lease expires and the event is handled again.
---@param worker table
---@param attempt apivideo.inbox.Attempt
---@param handled? integer how many handlers ran; nil if one failed
---@param errs? any[] their errors
---@param tracebacks? table<integer, string>
function settlement.settle(worker, attempt, handled, errs, tracebacks)
  local claim, now = attempt.claim, runtime.monotonic()
  attempt.is_settling = true
  claim.delivery.attempt = claim.attempt -- for the log: a handler may have changed it
  attempt.ends = now + 2 * worker.lease + worker.handler_timeout
  local result = {
    id = claim.id, event = claim.event, delivery = claim.delivery, handled = handled, errors = errs,
    tracebacks = tracebacks, seconds = now - attempt.started,
  }
  local called, intended, ok, err = protected.call(settle_claim, worker, claim, result)
  if not called then
    ok, err = nil, errors.new("store_unavailable", "the store failed: " .. failure.message(intended))
  end
  result.disposition, result.err = ok and intended or "lost", err
  result.is_gone = err and err.kind == "claim_lost" and is_gone(claim) or nil
  attempt.is_settled, attempt.disposition, attempt.seconds = true, result.disposition, result.seconds
  note(worker, claim, result)
  attempt_span.finish(attempt, result, report, worker)
  worker.under_way[attempt] = nil
  worker.inbox._counts:ended(attempt, result.disposition, result.seconds)
end

--- Logs the result of handlers that returned after their attempt was settled as failed.
---@param attempt apivideo.inbox.Attempt
---@param errs? any[]
---@param tracebacks? table<integer, string>
function settlement.ignore(attempt, errs, tracebacks)
  local claim = attempt.claim
  claim.delivery.attempt = claim.attempt
  log.warn(("the handlers of %s returned after %.0f s, when the attempt had failed already; the result is ignored: %s")
    :format(name_of(claim.id, claim.delivery, claim.event), runtime.monotonic() - attempt.started,
      errs and text_of(errs, tracebacks) or "they succeeded"), log_fields(claim.event, claim.delivery, claim.id))
end

return settlement
