--- Runs handlers on the events of an inbox: tasks that claim events, run their handlers and settle each attempt.

local cancellation = require "apivideo.runtime.cancellation"
local attempt_span = require "apivideo.inbox.attempt_span"
local breaker = require "apivideo.inbox.breaker"
local claims = require "apivideo.inbox.claim"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local group = require "apivideo.inbox.group"
local log = require "apivideo.runtime.log"
local log_fields = require "apivideo.events.log_fields"
local pace = require "apivideo.inbox.pace"
local permanent = require "apivideo.events.permanent"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local settlement = require "apivideo.inbox.settlement"
local time_slice = require "apivideo.runtime.time_slice"
local tracing = require "apivideo.runtime.tracing"
local type_limits = require "apivideo.inbox.type_limits"
local upkeep = require "apivideo.inbox.upkeep"
local work_options = require "apivideo.inbox.work_options"

-- A task ends at either limit, and a new task continues: in nginx, the memory of a task is freed only when its timer ends.
local worker = {
  TASK_MAX_S = 60,
  TASK_MAX_STEPS = 100,
}

local MAX_ATTEMPTS = 10      -- default of the option max_attempts
local BACKOFF_S = 5          -- default of the option backoff
local TIMEOUT_LEASES = 10    -- default of the option handler_timeout, in leases
local PROBE_INTERVAL_S = 30  -- default of the option probe_interval
local POLL_INTERVAL_S = 0.25 -- for events that other processes put, and for those that are due again
local POLLER_TIMEOUT_S = 1   -- after which another task polls
local CLAIM_WAIT_MAX_S = 30  -- for claims: an event that is claimed for a call that has timed out waits for its lease
local OUTAGE_POLL_MAX_S = 5  -- the longest poll interval while the store is unavailable

local function is_ending(self)
  return self.cancel and self.cancel:is_cancelled() or runtime.is_ending()
end

-- The errors of handlers as a list that is not empty: an application's own `dispatch` may return one error, or none.
local function list_of(errs)
  if errs == nil or type(errs) == "table" and next(errs) == nil then return { "the handlers failed" } end
  return type(errs) == "table" and errs[1] ~= nil and errs or { errs }
end

-- Runs the handlers of a claim. Returns how many ran; or nil, the errors and their tracebacks.
local function run(self, claim)
  if not claim.event then return nil, { permanent.new(claim.err) } end
  if claim.delivery.attempt > self.max_attempts then -- the process of the last attempt ended without settling it
    return nil, { ("attempt %d was started and did not end"):format(claim.delivery.attempt - 1) }
  end
  local derived = self.handlers._derivation and {} or nil
  local handled, errs, tracebacks = self.handlers:dispatch(claim.event, claim.delivery, derived)
  if not handled then return nil, list_of(errs), tracebacks end
  if derived and derived[1] then claim:_complete_with(derived) end
  return handled
end

-- Handles a claim. If that takes longer than the time limit, another task settles it and replaces this task.
local function handle(self, claim, task)
  local now = runtime.monotonic()
  local attempt = { claim = claim, started = now, ends = now + self.handler_timeout, task = task }
  self.under_way[attempt], task.attempt = true, attempt
  if self.limits then self.limits:begin(claim) end
  if tracing.is_on then attempt_span.enter(self.inbox.events, attempt) end
  local handled, errs, tracebacks = run(self, claim)
  if attempt.is_settling then return settlement.ignore(attempt, errs, tracebacks) end
  settlement.settle(self, attempt, handled, errs, tracebacks)
  task.attempt = nil
end

-- Waits until an event may be ready. One task polls; the others wait until it finds an event.
local function wait_for_event(self, cancelled)
  if self.polling_since and runtime.monotonic() - self.polling_since < POLLER_TIMEOUT_S then
    self.found:wait(POLLER_TIMEOUT_S, cancelled)
    return
  end
  self.polling_since = runtime.monotonic()
  self.inbox._arrival:wait(POLL_INTERVAL_S, cancelled)
  self.polling_since = nil
end

-- Wakes the tasks that wait for an event.
local function wake_waiting(self)
  local latch = self.found
  self.found = runtime.latch()
  latch:open()
end

-- Waits after a failure of the store, longer each time, or until another task finds an event.
local function wait_for_store(self, task, err, cancelled)
  local reason = failure.message(err)
  if reason ~= self.away_reason then -- another one, too: Redis runs again, and rejects the password
    log.error("inbox: the store is unavailable, retrying: " .. reason)
    self.away_since, self.away_reason = self.away_since or runtime.monotonic(), reason
  end
  task.outage_wait = math.min(OUTAGE_POLL_MAX_S, math.max(POLL_INTERVAL_S, task.outage_wait * 2))
  self.found:wait(task.outage_wait, cancelled)
end

-- Logs that the store is available again.
local function end_outage(self)
  log.warn(("inbox: the store is available again, after %.1f s"):format(runtime.monotonic() - self.away_since))
  self.away_since, self.away_reason = nil, nil
end

-- Claims at most `count` events.
local function claim_some(self, count)
  if self.limits then return self.limits:claim(self.inbox, count, self.lease) end
  return self.inbox:_claim(count, self.lease)
end

-- The group of the claims of several tasks. The result of each call is a claim, or false if no event is ready.
local function group_of_claims(self, completions)
  return group.new(function(calls)
    local list, err = claim_some(self, #calls)
    if not list then return nil, err end
    for i = 1, #calls do
      if list[i] then list[i]:_complete_in(completions) else list[i] = false end
    end
    return list
  end, CLAIM_WAIT_MAX_S)
end

-- With several tasks, and a store that can complete several claims at once, the tasks share transactions.
local function share_transactions(self)
  local store = self.inbox._store
  if self.running == 1 or not store.complete_all then return end
  self.claims = group_of_claims(self, group.new(function(list)
    return store:complete_all(list, self.inbox._window)
  end))
end

-- Claims an event: the claim, or false if no event is ready; nil and an error.
local function claim_one(self)
  if self.claims then return self.claims:call(true) end
  local list, err = claim_some(self, 1)
  if not list then return nil, err end
  return list[1] or false
end

-- Claims and handles one event, or waits for one.
local function step(self, task)
  local cancelled = self.cancel and self.cancel.latch
  if self.pace and not self.pace:wait(function() return is_ending(self) end, cancelled) then return end
  local claim, err = claim_one(self)
  if not claim and self.pace then self.pace:give_back() end
  if claim == nil then return wait_for_store(self, task, err, cancelled) end
  task.outage_wait = 0
  if self.away_since then end_outage(self) end
  if not claim then return wait_for_event(self, cancelled) end
  wake_waiting(self)
  handle(self, claim, task)
  if not task.is_replaced then task.slice:yield() end
end

---@class apivideo.inbox.Task the state of one task
---@field ends number monotonic time at which a new task continues
---@field steps integer
---@field outage_wait number seconds
---@field slice apivideo.TimeSlice
---@field attempt? apivideo.inbox.Attempt that it handles
---@field is_replaced? boolean

local function new_task()
  return { ends = runtime.monotonic() + worker.TASK_MAX_S, steps = 0, outage_wait = 0, slice = time_slice.new() }
end

-- Counts a step. Starts a new task, and returns true, if the task has reached its limit.
local function hand_over(task, fn, self)
  task.steps = task.steps + 1
  if runtime.monotonic() < task.ends and task.steps < worker.TASK_MAX_STEPS then return false end
  task.ends, task.steps = new_task().ends, 0 -- if nginx has no timer for a new task, this one continues
  return runtime.background(fn, self)
end

-- Handles an error that a step raised: in an application's own `dispatch`, or in the store.
local function end_failed_step(self, task, raised)
  local err, traceback = failure.parts(raised)
  local attempt = task.attempt
  if attempt and not attempt.is_settling then
    settlement.settle(self, attempt, nil, { err == nil and "the handlers raised nil" or err }, { traceback })
    task.attempt = nil
  else
    log.error("inbox: the worker failed: " .. failure.text(err, traceback))
    runtime.sleep(POLL_INTERVAL_S)
  end
end

local loop

-- Continues in place of a task that does not return: settles its attempt as failed, or abandons a settlement that does
-- not finish.
local function replace(self, lost, reason, traceback)
  lost.is_replaced = true
  local attempt, task = lost.attempt, new_task()
  if attempt then
    attempt.task, task.attempt = task, attempt
    if attempt.is_settling then
      local claim = attempt.claim
      log.error(("inbox: the settlement of event %d did not finish: %s"):format(claim.id, reason),
        log_fields(claim.event, claim.delivery, claim.id))
      self.under_way[attempt] = nil
      if self.limits then self.limits:remove(claim) end
      self.inbox._counts:ended(attempt, attempt.disposition or "lost",
        attempt.seconds or runtime.monotonic() - attempt.started)
    else
      settlement.settle(self, attempt, nil, { reason }, { traceback })
    end
    task.attempt = nil
  end
  return loop(self, task)
end

-- Replaces the task of an attempt that is overdue, unless the task has continued since.
local function replace_overdue(self, attempt)
  local task = attempt.task
  if task.attempt ~= attempt or task.is_replaced or attempt.ends > runtime.monotonic() then return end
  return replace(self, task, attempt.is_settling and "the store or the option on_settled of inbox:work did not return"
    or ("the handlers did not return within %g s (option handler_timeout of inbox:work)"):format(self.handler_timeout))
end

local YIELDED = "a handler yielded to a scheduler other than apivideo's, which cannot resume it; wait with "
  .. "apivideo.sleep or calls of the client, or run the other scheduler in a coroutine of its own"

-- One of the tasks that handle events.
function loop(self, task)
  task = task or new_task()
  runtime.guard(function(traceback) runtime.spawn(replace, self, task, YIELDED, traceback) end)
  while not is_ending(self) do
    local ok, raised = protected.xpcall(step, failure.raised, self, task)
    if task.is_replaced then return end
    if not ok then end_failed_step(self, task, raised) end
    if hand_over(task, loop, self) then return end
  end
  self.running = self.running - 1
  if self.running == 0 then self.ended:open(true) end
end

-- The task that does the upkeep, until the work has ended.
local function run_upkeep(self)
  local task = new_task()
  while not self.ended:is_open() do
    if hand_over(task, run_upkeep, self) then return end
    self.ended:wait(upkeep.interval(self))
    local ok, raised = protected.xpcall(upkeep.round, failure.raised, self)
    if not ok then log.error("inbox: the worker failed: " .. failure.text(failure.parts(raised))) end
  end
end

-- Starts a task, as soon as nginx has a timer for it.
local function start(fn, self)
  local is_started = runtime.background(fn, self)
  if not is_started then
    log.error "inbox: nginx has no free timer, retrying every second; raise lua_max_pending_timers"
  end
  while not is_started do
    runtime.sleep(1)
    is_started = runtime.background(fn, self)
  end
end

-- Ends the work at SIGINT and SIGTERM: the first signal cancels it, the second does not wait for the events that are
-- being handled, which are handled again after their leases have expired. Returns a function that restores the signal
-- handlers; or nil and a message.
local function stop_on_signals(self)
  return runtime.on_signal(function()
    if self.cancel:is_cancelled() then
      return self.ended:open(nil,
        errors.new("cancelled", "a second signal ended the work at once", { origin = "inbox" }))
    end
    self.cancel:cancel()
  end)
end

local function new(inbox, handlers, options)
  local total, limits = type_limits.new(options.concurrency)
  local self = {
    inbox = inbox, handlers = handlers, on_settled = options.on_settled,
    cancel = options.cancel or options.signals and cancellation.new() or nil,
    lease = options.lease or claims.LEASE_S,
    max_attempts = options.max_attempts or MAX_ATTEMPTS,
    backoff = options.backoff or BACKOFF_S,
    under_way = {},                   -- set of attempts
    purged_at = runtime.monotonic(),
    running = total,                  -- tasks that handle events
    limits = limits,
    pace = options.rate and pace.new(options.rate) or nil,
    breaker = breaker.new(inbox._store, options.pause_after, options.probe_interval or PROBE_INTERVAL_S),
    found = runtime.latch(),          -- opens when a task finds an event; a new latch then replaces it
    ended = runtime.latch(),
    is_ending = is_ending, replace = replace_overdue, -- for settlement and upkeep
  }
  self.handler_timeout = options.handler_timeout or TIMEOUT_LEASES * self.lease
  return self
end

--- See apivideo.Inbox.work.
function worker.work(inbox, handlers, options)
  options = options or {}
  work_options.check("inbox:work", handlers, options, 4)
  local refusal = runtime.refusal()
  if refusal then error("inbox:work: " .. refusal, 3) end
  local self = new(inbox, handlers, options)
  local unsubscribe, message
  if options.signals then
    unsubscribe, message = stop_on_signals(self)
    if not unsubscribe then error("inbox:work: cannot catch signals: " .. message, 3) end
  end
  share_transactions(self)
  inbox._counts:started(self)
  for _ = 1, self.running do start(loop, self) end
  start(run_upkeep, self)
  local done, err = self.ended:wait()
  inbox._counts:stopped(self)
  if unsubscribe then unsubscribe() end
  return done, err
end

return worker
