--- Handlers at work on an inbox: tasks that claim events, run their handlers and settle each attempt.

local cancellation = require "apivideo.runtime.cancellation"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local group = require "apivideo.inbox.group"
local log = require "apivideo.runtime.log"
local options = require "apivideo.util.options"
local permanent = require "apivideo.events.permanent"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local settlement = require "apivideo.inbox.settlement"
local slices = require "apivideo.runtime.time_slice"
local upkeep = require "apivideo.inbox.upkeep"

local worker = {
  LEASE = 30,    -- seconds
  TURN = 60,     -- seconds after which a task goes on as another one: in nginx, a timer keeps its memory;
  STEPS = 100,   -- or as many steps, each of which may leave some
}

local ATTEMPTS = 10
local BACKOFF = 5          -- seconds before the second attempt; then up to twice as long each time
local LOOK = 0.25          -- seconds between two looks for what other processes put, or what is due again
local PATIENCE = 1         -- seconds after which one who waits for another's look looks himself
local OUTAGE = 5           -- seconds between two looks while the store is away, at most
local TIMEOUT_LEASES = 10  -- default of the option handler_timeout

local function is_over(self)
  return self.cancel and self.cancel:is_cancelled() or runtime.is_ending()
end

-- The errors of handlers as a list that is not empty: an application's own `dispatch` may return one, or none.
local function list_of(errs)
  if errs == nil or type(errs) == "table" and next(errs) == nil then return { "the handlers failed" } end
  return type(errs) == "table" and errs[1] ~= nil and errs or { errs }
end

-- Runs the handlers of a claim. How many ran; or nil, the errors and their tracebacks.
local function run(self, claim)
  if not claim.event then return nil, { permanent.new(claim.err) } end
  if claim.delivery.attempt > self.attempts then -- the process that had it before ended without settling it
    return nil, { ("%d attempts began and did not end"):format(claim.delivery.attempt - 1) }
  end
  local handled, errs, tracebacks = self.handlers:dispatch(claim.event, claim.delivery)
  if handled then return handled end
  return nil, list_of(errs), tracebacks
end

-- Handles a claim. If that takes longer than the time limit, another task settles it and takes this one's place.
local function handle(self, claim, turn)
  local now = runtime.monotonic()
  local attempt = { claim = claim, started = now, ends = now + self.handler_timeout, turn = turn }
  self.under_way[attempt], turn.attempt = true, attempt
  local handled, errs, tracebacks = run(self, claim)
  if attempt.is_settling then return settlement.ignore(attempt, errs, tracebacks) end
  settlement.settle(self, attempt, handled, errs, tracebacks)
  turn.attempt = nil
end

-- Waits until there may be something to be done. One looks now and then; the others wait for him to
-- find something.
local function rest(self, latch)
  if self.looks_at and runtime.monotonic() - self.looks_at < PATIENCE then
    self.found:wait(PATIENCE, latch)
    return
  end
  self.looks_at = runtime.monotonic()
  self.inbox.arrival:wait(LOOK, latch)
  self.looks_at = nil
end

local function found(self)
  local latch = self.found
  self.found = runtime.latch()
  latch:open()
end

-- Waits after a failure, longer each time, or until another task finds something.
local function rest_in_outage(self, turn, err, latch)
  if not self.is_away then log.error("the inbox waits for its store: " .. failure.message(err)) end
  self.is_away = true
  turn.outage = math.min(OUTAGE, math.max(LOOK, turn.outage * 2))
  self.found:wait(turn.outage, latch)
end

-- The group in which tasks that handle claim an event each: the claim, or false where there is none.
local function new_claims(self, completions)
  return group.new(function(askers)
    local claims, err = self.inbox:claim { limit = #askers, lease = self.lease }
    if not claims then return nil, err end
    for i = 1, #askers do
      if claims[i] then claims[i].completions = completions else claims[i] = false end
    end
    return claims
  end)
end

-- Where several handle at once, and the store completes several at once, they share its transactions.
local function share(self)
  local store = self.inbox.store
  if self.loops == 1 or not store.complete_all then return end
  self.group = new_claims(self, group.new(function(claims) return store:complete_all(claims) end))
end

-- Claims an event: the claim, or false where there is none.
local function claim_one(self)
  if self.group then return self.group:call(true) end
  local list, err = self.inbox:claim { lease = self.lease }
  if not list then return nil, err end
  return list[1] or false
end

-- Claims and handles one event, or waits for one.
local function step(self, turn)
  local latch = self.cancel and self.cancel.latch
  local claim, err = claim_one(self)
  if claim == nil then return rest_in_outage(self, turn, err, latch) end
  turn.outage, self.is_away = 0, false
  if not claim then return rest(self, latch) end
  found(self)
  handle(self, claim, turn)
  if not turn.is_replaced then turn.slice:yield() end
end

local function new_turn()
  return { ends = runtime.monotonic() + worker.TURN, steps = 0, outage = 0, slice = slices.new() }
end

-- Whether a task's turn is over, and another one goes on with it.
local function is_handed_on(turn, fn, self)
  turn.steps = turn.steps + 1
  if runtime.monotonic() < turn.ends and turn.steps < worker.STEPS then return false end
  turn.ends, turn.steps = new_turn().ends, 0 -- should there be no other
  return runtime.background(fn, self)
end

-- Deals with a step that raised: `dispatch` of handlers of the application's own, or a store that is broken.
local function end_failed_step(self, turn, raised)
  local err, traceback = failure.parts(raised)
  local attempt = turn.attempt
  if attempt and not attempt.is_settling then
    settlement.settle(self, attempt, nil, { err == nil and "the handlers raised nil" or err }, { traceback })
    turn.attempt = nil
  else
    log.error("the inbox's worker failed: " .. failure.text(err, traceback))
    runtime.sleep(LOOK)
  end
end

local loop

-- Goes on in place of a task that does not: settles the attempt that it had as failed.
local function replace(self, lost, reason, traceback)
  lost.is_replaced = true
  local attempt, turn = lost.attempt, new_turn()
  if attempt then
    attempt.turn, turn.attempt = turn, attempt
    if attempt.is_settling then
      log.error(("inbox: the settling of event %d did not end: %s"):format(attempt.claim.id, reason))
      self.under_way[attempt] = nil
    else
      settlement.settle(self, attempt, nil, { reason }, { traceback })
    end
    turn.attempt = nil
  end
  return loop(self, turn)
end

-- Replaces the task of an attempt that is overdue, unless that has gone on meanwhile.
local function replace_overdue(self, attempt)
  local turn = attempt.turn
  if turn.attempt ~= attempt or turn.is_replaced or attempt.ends > runtime.monotonic() then return end
  return replace(self, turn, attempt.is_settling and "the store or the option log of inbox:work did not return"
    or ("the handlers did not return within %g s (option handler_timeout of inbox:work)"):format(self.handler_timeout))
end

local YIELDED = "a handler yielded to another scheduler than apivideo's, which cannot resume it; wait with "
  .. "apivideo.sleep or calls of the client, or run the other scheduler in a coroutine of its own"

-- One of the tasks that handle.
function loop(self, turn)
  turn = turn or new_turn()
  runtime.guard(function(traceback) runtime.spawn(replace, self, turn, YIELDED, traceback) end)
  while not is_over(self) do
    local ok, raised = protected.xpcall(step, failure.raised, self, turn)
    if turn.is_replaced then return end
    if not ok then end_failed_step(self, turn, raised) end
    if is_handed_on(turn, loop, self) then return end
  end
  self.loops = self.loops - 1
  if self.loops == 0 then self.over:open(true) end
end

-- The task that does the upkeep, until all others have ended.
local function tend(self)
  local turn = new_turn()
  while not self.over:is_open() do
    if is_handed_on(turn, tend, self) then return end
    self.over:wait(upkeep.interval(self))
    local ok, raised = protected.xpcall(upkeep.round, failure.raised, self)
    if not ok then log.error("the inbox's worker failed: " .. failure.text(failure.parts(raised))) end
  end
end

local known = { concurrency = "number?", lease = "number?", attempts = "number?", backoff = "number?",
  handler_timeout = "number?", cancel = "table?", signals = "boolean?", log = "function?" }

---@class apivideo.WorkOptions
---@field concurrency? integer how many events are handled at once, default 1
---@field lease? number seconds after which an event of a worker that died is given to another, default 30; a handler that takes longer keeps its event
---@field handler_timeout? number seconds after which an attempt whose handlers have not returned counts as failed, default ten leases
---@field attempts? integer after which an event is given up, default 10
---@field backoff? number seconds before the second attempt, default 5; then up to twice as long each time, and 10 minutes at most
---@field cancel? apivideo.Cancellation ends the work, after the events that are being handled
---@field signals? boolean SIGINT and SIGTERM end the work, after the events that are being handled; the second one at once. Not in nginx, which has signals of its own
---@field log? fun(settlement: apivideo.Settlement) told of each attempt; the default writes failures to nginx's error log or stderr

local function check(handlers, given)
  options.check("inbox:work", given, known, 5)
  if type(handlers) ~= "table" or type(handlers.dispatch) ~= "function" then
    error("inbox:work: handlers expected, from apivideo.handlers()", 4)
  end
  for _, name in ipairs { "concurrency", "attempts" } do
    local value = given[name]
    if value and (value < 1 or value % 1 ~= 0) then
      error(("inbox:work: option \"%s\" must be a whole number from 1 on"):format(name), 4)
    end
  end
  for _, name in ipairs { "lease", "backoff", "handler_timeout" } do
    local value = given[name]
    if value and (value ~= value or value <= 0) then
      error(("inbox:work: option \"%s\" must be a number of seconds above 0"):format(name), 4)
    end
  end
  if given.signals and not runtime.on_signal then
    error("inbox:work: option \"signals\" is for scripts: nginx handles the signals of its workers itself", 4)
  end
  if given.cancel and not cancellation.is(given.cancel) then
    error("inbox:work: option \"cancel\" must come from apivideo.cancellation()", 4)
  end
end

-- Starts a task, as soon as there is room for it.
local function start(fn, self)
  local begun = runtime.background(fn, self)
  if not begun then log.error("the inbox waits for a timer of nginx; allow more: lua_max_running_timers") end
  while not begun do
    runtime.sleep(1)
    begun = runtime.background(fn, self)
  end
end

-- Has SIGINT and SIGTERM end the work: the first like a cancellation, the second without what is being handled,
-- which is handled again once its lease has expired. What ends that; nil and a message.
local function stop_on_signals(self)
  return runtime.on_signal(function()
    if self.cancel:is_cancelled() then
      return self.over:open(nil,
        errors.new("cancelled", "a second signal ended the work at once", { origin = "inbox" }))
    end
    self.cancel:cancel()
  end)
end

--- See apivideo.Inbox.work.
function worker.work(inbox, handlers, given)
  given = given or {}
  check(handlers, given)
  local refusal = runtime.refusal()
  if refusal then error("inbox:work: " .. refusal, 3) end
  local self = {
    inbox = inbox, handlers = handlers, log = given.log,
    cancel = given.cancel or given.signals and cancellation.new() or nil,
    lease = given.lease or worker.LEASE, attempts = given.attempts or ATTEMPTS, backoff = given.backoff or BACKOFF,
    under_way = {}, -- set of attempts
    purged_at = runtime.monotonic(), loops = given.concurrency or 1,
    found = runtime.latch(), over = runtime.latch(),
    is_over = is_over, replace = replace_overdue, -- for the modules of settling and upkeep
  }
  self.handler_timeout = given.handler_timeout or TIMEOUT_LEASES * self.lease
  local unsubscribe, message
  if given.signals then
    unsubscribe, message = stop_on_signals(self)
    if not unsubscribe then error("inbox:work: cannot catch signals: " .. message, 3) end
  end
  share(self)
  for _ = 1, self.loops do start(loop, self) end
  start(tend, self)
  local done, err = self.over:wait()
  if unsubscribe then unsubscribe() end
  return done, err
end

return worker
