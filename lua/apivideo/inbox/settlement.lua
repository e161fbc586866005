--- Settling attempts of a worker: an event is completed, retried or dead-lettered, and the log says so.

local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local permanent = require "apivideo.events.permanent"
local protected = require "apivideo.util.pcall"
local retry = require "apivideo.transport.retry"
local runtime = require "apivideo.runtime"

local MAX_BACKOFF_S = 600
local STORE_RETRY_INTERVAL_S = 0.25
local STORED_MAX_BYTES = 1000 -- of the errors of an attempt, as a claim keeps them

---@class apivideo.Settlement the outcome of one attempt, for the log
---@field disposition "completed"|"retried"|"dead_lettered"|"lost"
---@field delivery apivideo.Delivery
---@field event? apivideo.Event
---@field seconds number how long the handlers took
---@field handled? integer how many handlers ran
---@field errors? any[] of handlers that failed
---@field tracebacks? table<integer, string> of those errors that were raised, by their place in `errors`
---@field delay? number seconds until the next attempt
---@field err? apivideo.Error why it is lost: the lease expired, or the store is unavailable. It will be handled again

local settlement = {}

-- Exponential backoff with 50 % jitter.
local function delay_of(worker, attempt)
  local most = math.min(MAX_BACKOFF_S, worker.backoff * 2 ^ (attempt - 1))
  return most / 2 + retry.random() * most / 2
end

local function text_of(errs, tracebacks, max_bytes)
  local texts = {}
  for i, err in ipairs(errs) do texts[i] = failure.text(err, tracebacks and tracebacks[i], max_bytes) end
  return table.concat(texts, "; ")
end

local function stored_text(outcome)
  local each = math.floor(STORED_MAX_BYTES / #outcome.errors)
  return text_of(outcome.errors, outcome.tracebacks, each)
end

local function all_permanent(errs)
  for _, err in ipairs(errs) do
    if not permanent.is(err) then return false end
  end
  return true
end

local function name_of(delivery, event)
  return ("%s (attempt %d)"):format(tostring(event and event.type or "an event"), delivery.attempt)
end

-- The default log: a line for each outcome that needs attention.
local function report(outcome)
  local disposition, what = outcome.disposition, name_of(outcome.delivery, outcome.event)
  if outcome.errors then
    local text = text_of(outcome.errors, outcome.tracebacks)
    if disposition == "retried" then
      log.warn(("%s failed, again in %.0f s: %s"):format(what, outcome.delay, text))
    elseif disposition == "dead_lettered" then
      log.error(("%s failed and was given up; see inbox:list(\"dead\"): %s"):format(what, text))
    else
      log.error(("%s failed: %s"):format(what, text))
    end
  elseif outcome.handled == 0 then
    log.warn(("completed without a handler: %s; add one with handlers:on or handlers:otherwise"):format(what))
  end
  if outcome.err then
    log.error(("%s will be handled again: %s"):format(what, failure.text(outcome.err)))
  end
end

local function tell(worker, outcome)
  local ok, raised = protected.xpcall(worker.log or report, failure.raised, outcome)
  if not ok then log.error("inbox:work: option \"log\" failed: " .. failure.text(failure.parts(raised))) end
end

runtime.forbid_exit(tell, "the option \"log\" of inbox:work")

-- Calls a function of the claim, and retries it while the store is unavailable and the lease may hold.
local function call_claim(worker, claim, name, ...)
  local ends = runtime.monotonic() + worker.lease
  while true do
    local ok, err = claim[name](claim, ...)
    if ok or err.kind ~= "store_unavailable" or worker:is_over() or runtime.monotonic() > ends then return ok, err end
    runtime.sleep(STORE_RETRY_INTERVAL_S)
  end
end

-- Settles a claim in the store. Its disposition; whether the store has it, and why not.
local function store_outcome(worker, claim, outcome)
  local attempt, errs = claim.attempt, outcome.errors
  if outcome.handled then
    return "completed", call_claim(worker, claim, "complete")
  elseif attempt >= worker.attempts or all_permanent(errs) then
    return "dead_lettered", call_claim(worker, claim, "dead_letter", stored_text(outcome))
  end
  outcome.delay = delay_of(worker, attempt)
  return "retried", call_claim(worker, claim, "retry", outcome.delay, stored_text(outcome))
end

---@class apivideo.inbox.Attempt a claim whose event is being handled
---@field claim apivideo.Claim
---@field started number
---@field ends number when it counts as failed; while it is being settled, when that counts as failed
---@field is_settling? boolean
---@field turn table of the task that handles it

--- Settles an attempt, once. Raises nothing, whatever the store and the log do: the claim of an attempt that
--- cannot be settled is no longer renewed, so its lease expires and the event is handled again.
---@param worker table
---@param attempt apivideo.inbox.Attempt
---@param handled? integer how many handlers ran; nil when one failed
---@param errs? any[] their errors
---@param tracebacks? table<integer, string>
function settlement.settle(worker, attempt, handled, errs, tracebacks)
  local claim, now = attempt.claim, runtime.monotonic()
  attempt.is_settling = true
  claim.delivery.attempt = claim.attempt -- for the log, should a handler have changed it
  attempt.ends = now + 2 * worker.lease + worker.handler_timeout
  local outcome = {
    event = claim.event, delivery = claim.delivery, handled = handled, errors = errs, tracebacks = tracebacks,
    seconds = now - attempt.started,
  }
  local called, disposition, ok, err = protected.call(store_outcome, worker, claim, outcome)
  if not called then ok, err = nil, errors.new("store_unavailable", "the store failed: " .. failure.message(disposition)) end
  outcome.disposition, outcome.err = ok and disposition or "lost", err
  attempt.is_settled = true
  tell(worker, outcome)
  worker.under_way[attempt] = nil
end

--- Logs the result of handlers that returned after their attempt was settled as failed.
---@param attempt apivideo.inbox.Attempt
---@param errs? any[]
---@param tracebacks? table<integer, string>
function settlement.ignore(attempt, errs, tracebacks)
  local claim = attempt.claim
  claim.delivery.attempt = claim.attempt
  log.warn(("the handlers of %s returned after %.0f s, when the attempt had failed already; the result is ignored: %s")
    :format(name_of(claim.delivery, claim.event), runtime.monotonic() - attempt.started,
      errs and text_of(errs, tracebacks) or "they succeeded"))
end

return settlement
