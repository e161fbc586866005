--- Handlers at work on an inbox: claims events, keeps their leases, and settles each by what became of
--- it.

local cancellation = require "apivideo.cancellation"
local group = require "apivideo.inbox.group"
local log = require "apivideo.log"
local options = require "apivideo.options"
local permanent = require "apivideo.permanent"
local protected = require "apivideo.pcall"
local retry = require "apivideo.retry"
local runtime = require "apivideo.runtime"
local slices = require "apivideo.slices"

local worker = {
  LEASE = 30,    -- seconds
  TURN = 60,     -- seconds after which a task goes on as another one: in nginx, a timer keeps its memory;
  STEPS = 100,   -- or as many steps, each of which may leave some
  CLEANING = 60, -- seconds between two purges of what was handled long ago
}

local ATTEMPTS = 10
local BACKOFF = 5          -- seconds before the second attempt; then up to twice as long each time
local LONGEST = 600        -- but no longer
local LOOK = 0.25          -- seconds between two looks for what other processes put, or what is due again
local PATIENCE = 1         -- seconds after which one who waits for another's look looks himself
local OUTAGE = 5           -- seconds between two looks while the store is away, at most

---@class apivideo.Settlement what became of one attempt, for the log
---@field fate "completed"|"retried"|"buried"|"lost"
---@field delivery apivideo.Delivery
---@field event? apivideo.Event
---@field seconds number how long the handlers took
---@field handled? integer how many handlers ran
---@field errors? any[] of handlers that failed
---@field delay? number seconds until the next attempt
---@field err? apivideo.Error why it is lost: the lease ran out, or the store is away. It will be handled again

local function is_over(self)
  return self.cancel and self.cancel:is_cancelled() or runtime.is_ending()
end

-- Half of the exponential back-off is certain, half is chance.
local function delay_of(self, attempt)
  local most = math.min(LONGEST, self.backoff * 2 ^ (attempt - 1))
  return most / 2 + retry.random() * most / 2
end

local function message_of(errs)
  local texts = {}
  for i, err in ipairs(errs) do
    local ok, text = pcall(tostring, err)
    texts[i] = ok and text or "an error that cannot be written"
  end
  return table.concat(texts, "; ")
end

local function all_permanent(errs)
  for _, err in ipairs(errs) do
    if not permanent.is(err) then return false end
  end
  return true
end

-- The default log: a line for whatever a person should know of.
local function report(settlement)
  local delivery, fate = settlement.delivery, settlement.fate
  local what = ("%s (attempt %d)"):format(settlement.event and settlement.event.type or "an event", delivery.attempt)
  if settlement.errors then
    local text = message_of(settlement.errors)
    if fate == "retried" then
      log.warn(("%s failed, again in %.0f s: %s"):format(what, settlement.delay, text))
    elseif fate == "buried" then
      log.error(("%s failed and was given up; see inbox:list(\"dead\"): %s"):format(what, text))
    end
  elseif settlement.handled == 0 then
    log.warn(("completed without a handler: %s; add one with handlers:on or handlers:otherwise"):format(what))
  end
  if settlement.err then
    log.error(("%s will be handled again: %s"):format(what, tostring(settlement.err)))
  end
end

local function tell(self, settlement)
  local ok, problem = protected.call(self.log or report, settlement)
  if not ok then log.error("the log failed: " .. tostring(problem)) end
end

-- Runs the handlers of a claim. How many ran; or nil and the errors.
local function run(self, claim)
  if not claim.event then return nil, { permanent.new(claim.err) } end
  if claim.delivery.attempt > self.attempts then -- whoever had it before did not live to say so
    return nil, { ("%d attempts began and did not end"):format(claim.delivery.attempt - 1) }
  end
  return self.handlers:dispatch(claim.event, claim.delivery)
end

-- Settles a claim: again and again while the store is away and the lease may hold.
local function settle(self, claim, name, ...)
  local ends = runtime.monotonic() + self.lease
  while true do
    local ok, err = claim[name](claim, ...)
    if ok or err.kind ~= "store_unavailable" or is_over(self) or runtime.monotonic() > ends then return ok, err end
    runtime.sleep(LOOK)
  end
end

-- Settles an attempt: its fate; whether the store was told, and why not.
local function settle_attempt(self, claim, settlement)
  local attempt, errs = claim.delivery.attempt, settlement.errors
  if settlement.handled then
    return "completed", settle(self, claim, "complete")
  elseif attempt >= self.attempts or all_permanent(errs) then
    return "buried", settle(self, claim, "bury", message_of(errs))
  end
  settlement.delay = delay_of(self, attempt)
  return "retried", settle(self, claim, "retry", settlement.delay, message_of(errs))
end

local function handle(self, claim)
  local started = runtime.monotonic()
  self.claims[claim] = true
  local handled, errs = run(self, claim)
  local settlement = {
    event = claim.event, delivery = claim.delivery, handled = handled, errors = errs,
    seconds = runtime.monotonic() - started,
  }
  local ok
  settlement.fate, ok, settlement.err = settle_attempt(self, claim, settlement)
  if not ok then settlement.fate = "lost" end
  self.claims[claim] = nil
  tell(self, settlement)
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
  if not self.is_away then log.error("the inbox waits for its store: " .. tostring(err)) end
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
  handle(self, claim)
  turn.slice:breathe()
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

-- One of the tasks that handle.
local function loop(self)
  local turn = new_turn()
  while not is_over(self) do
    local ok, problem = protected.call(step, self, turn)
    if not ok then -- a store, or an error, that is not as it should be
      log.error("the inbox's worker failed: " .. tostring(problem))
      runtime.sleep(LOOK)
    end
    if is_handed_on(turn, loop, self) then return end
  end
  self.loops = self.loops - 1
  if self.loops == 0 then self.over:open(true) end
end

-- Renews the leases of all that is being handled.
local function keep_leases(self)
  local claims = {} -- others come and go while one waits for the store
  for claim in pairs(self.claims) do claims[#claims + 1] = claim end
  for _, claim in ipairs(claims) do
    if self.claims[claim] then claim:extend() end
  end
end

-- Forgets what was handled long ago.
local function clean(self)
  if runtime.monotonic() - self.cleaned < worker.CLEANING then return end
  self.cleaned = runtime.monotonic()
  self.inbox:purge("done", self.inbox.keep)
end

local function tidy(self)
  keep_leases(self)
  clean(self)
  if self.inbox.spool then self.inbox.spool:wake() end
end

-- What is to be done beside the handling, until that is over.
local function tend(self)
  local turn = new_turn()
  while not self.over:is_open() do
    if is_handed_on(turn, tend, self) then return end
    self.over:wait(math.min(self.lease / 3, worker.CLEANING))
    local ok, problem = protected.call(tidy, self)
    if not ok then log.error("the inbox's worker failed: " .. tostring(problem)) end
  end
end

local known = { concurrency = "number?", lease = "number?", attempts = "number?", backoff = "number?",
  cancel = "table?", log = "function?" }

---@class apivideo.WorkOptions
---@field concurrency? integer how many events are handled at once, default 1
---@field lease? number seconds after which an event of a worker that died is given to another, default 30; a handler that takes longer keeps its event
---@field attempts? integer after which an event is given up, default 10
---@field backoff? number seconds before the second attempt, default 5; then up to twice as long each time, and 10 minutes at most
---@field cancel? apivideo.Cancellation ends the work, after the events that are being handled
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
  for _, name in ipairs { "lease", "backoff" } do
    local value = given[name]
    if value and (value ~= value or value <= 0) then
      error(("inbox:work: option \"%s\" must be a number of seconds above 0"):format(name), 4)
    end
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

--- See apivideo.Inbox.work.
function worker.work(inbox, handlers, given)
  given = given or {}
  check(handlers, given)
  local refusal = runtime.refusal()
  if refusal then error("inbox:work: " .. refusal, 3) end
  local self = {
    inbox = inbox, handlers = handlers, cancel = given.cancel, log = given.log,
    lease = given.lease or worker.LEASE, attempts = given.attempts or ATTEMPTS, backoff = given.backoff or BACKOFF,
    claims = {}, cleaned = runtime.monotonic(), loops = given.concurrency or 1,
    found = runtime.latch(), over = runtime.latch(),
  }
  share(self)
  for _ = 1, self.loops do start(loop, self) end
  start(tend, self)
  self.over:wait()
  return true
end

return worker
