--- What an operator should look at in an inbox.

local checks = require "apivideo.util.checks"
local protected = require "apivideo.util.pcall"
local failure = require "apivideo.util.failure"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"
local timed = require "apivideo.runtime.timed"

local CLAIM_MAX_AGE_S = 60   -- since a worker asked for events: it polls several times a second
local UNTRIED_MAX_AGE_S = 60 -- of an event that no worker has claimed, while none is being handled
local RETRY_MAX_AGE_S = 900  -- of one that waits for its next attempt: at most 600 s after the last
local CLOCK_MAX_OFFSET_S = 5 -- between the clocks of this machine and of the store's

---@class apivideo.Health
---@field ok boolean
---@field reasons table<apivideo.HealthReason, string> what is wrong, in words

---@alias apivideo.HealthReason
---| "store"  the store does not respond, or this process has failed to store or settle an event in the last 300 s, and none has succeeded since
---| "spool"  the spool does not respond, or has too many events
---| "claim"  this process has failed to claim events in the last 300 s, and has not succeeded since; or its worker has not asked for events for 60 s, although none of its handlers runs
---| "worker" events wait, and no process has handled one for some time: 60 s, or 900 s while one waits for its next attempt
---| "delivery" only of a receiver: in the last 300 s, it has rejected a delivery with 503, and none was accepted since
---| "oldest" an event has waited for too long
---| "paused" the inbox is paused, or a type of event
---| "dead"   there are too many dead letters
---| "clock"  the clocks of this machine and of the store's differ by more than 5 s

---@class apivideo.HealthLimits
---@field max_age? number seconds that an event may wait until it is done, default 3600: all attempts of one that fails take half of that
---@field max_dead? integer dead letters, default 100
---@field max_spooled? integer events in the spool, default 1000

local WRITES = { "put", "complete", "retry", "dead_letter" }
local DEFAULTS = { max_age = 3600, max_dead = 100, max_spooled = 1000 }
local KINDS = { max_age = "seconds>0?", max_dead = "integer>=0?", max_spooled = "integer>=0?" }

local health = {
  RESPONSE_MAX_S = 1,      -- for which a check waits for the store, and for the spool
  FAILURE_MAX_AGE_S = 300, -- since a delivery or a call has failed: at night, the next one may follow hours later
}

--- Checks limits: with their defaults. Raises at a level, as seen from here.
---@param where string the function's name
---@param limits any
---@param level integer
---@return apivideo.HealthLimits
function health.limits(where, limits, level)
  return tables.merge(DEFAULTS, checks.options(where, limits or {}, KINDS, level + 1))
end

-- Calls a method of a store. An application's own store may raise an error.
local function call(store, name)
  local ok, result, err = protected.call(store[name], store)
  if not ok then return nil, failure.message(result) end
  return result, err and failure.message(err)
end

-- The failure of a method in words; nil if it has not failed for some time, or has succeeded since.
local function failure_of(counts, name)
  local failed = counts.failures[name]
  local seconds = failed and runtime.monotonic() - failed.at
  if not failed or seconds > health.FAILURE_MAX_AGE_S then return nil end
  return ("the store responds, but its method %s failed %.0f s ago: %s"):format(name, seconds,
    failure.message(failed.err))
end

-- A full disk can be read: only the calls that write show it.
local function check_calls(counts, reasons)
  for _, name in ipairs(WRITES) do reasons.store = reasons.store or failure_of(counts, name) end
  reasons.claim = failure_of(counts, "claim")
end

-- Whether a worker of this process waits for events, and has not asked for some for too long.
local function check_polls(counts, reasons)
  if reasons.claim then return end
  local now, last = runtime.monotonic(), counts.succeeded_at.claim
  for worker, started in pairs(counts.workers) do
    local seconds = now - math.max(last or started, started)
    if seconds > CLAIM_MAX_AGE_S and next(worker.under_way) == nil then
      reasons.claim = ("the worker of this process has not asked for events for %.0f s"):format(seconds)
    end
  end
end

local function check_stats(stats, limits, reasons)
  local types = stats.paused_types
  if stats.paused then
    reasons.paused = "the inbox is paused; inbox:resume() continues"
  elseif types then
    local names = {}
    for i, each in ipairs(types) do names[i] = each.type end
    reasons.paused = ("events of type %s are paused; inbox:resume { type = … } continues")
      :format(table.concat(names, ", "))
  end
  if stats.dead > limits.max_dead then
    reasons.dead = ("%d events are dead letters (max_dead: %d); see inbox:list { state = \"dead\" }")
      :format(stats.dead, limits.max_dead)
  end
end

local function check_age(oldest, limits, reasons)
  if oldest and oldest > limits.max_age then
    reasons.oldest = ("the oldest event has waited for %.0f s (max_age: %.14g s)"):format(oldest, limits.max_age)
  end
end

-- Whether no attempt has ended for a number of seconds; false if it is not known.
local function is_idle(minutes, seconds)
  if not minutes then return false end
  for i = math.max(1, #minutes - math.ceil(seconds / 60)), #minutes do
    local minute = minutes[i]
    if minute.handled + minute.replayed + minute.failed > 0 then return false end
  end
  return true
end

--- Whether events wait for longer than workers let them, and none was handled in that time.
---@param stats apivideo.InboxStats
---@param activity fun(): table[]? as of `inbox:activity`; is called only if the stats need it
---@return number? seconds that a worker lets them wait at most
function health.stall(stats, activity)
  if stats.paused or stats.paused_types or stats.claimed > 0 or not stats.oldest then return nil end
  local seconds = stats.attempts > 0 and RETRY_MAX_AGE_S or UNTRIED_MAX_AGE_S
  return stats.oldest > seconds and is_idle(activity(), seconds) and seconds or nil
end

-- Whether no worker of any process handles events.
local function check_workers(store, counts, stats, reasons)
  local claimed_at = next(counts.workers) and counts.succeeded_at.claim
  if claimed_at and runtime.monotonic() - claimed_at <= CLAIM_MAX_AGE_S then return end
  local seconds = health.stall(stats, function() return store.activity and call(store, "activity") end)
  if not seconds then return end
  reasons.worker = ("%d events wait, the oldest for %.0f s, and no process has handled one for %.0f s; start a worker "
    .. "(inbox:work), or read the log of the workers"):format(stats.waiting, stats.oldest, seconds)
end

-- Returns the age of the oldest event of the spool.
local function check_spool(store, limits, reasons)
  local stats, problem = call(store, "stats")
  if not stats then
    reasons.spool = "the spool does not respond: " .. tostring(problem)
    return nil
  end
  local count = stats.waiting + stats.claimed
  if count > limits.max_spooled then
    reasons.spool = ("%d events wait in the spool for the store (max_spooled: %d)"):format(count, limits.max_spooled)
  end
  return stats.oldest
end

local function check_clock(store, reasons)
  local time = store.time and call(store, "time")
  local offset = time and runtime.now() - time
  if offset and math.abs(offset) > CLOCK_MAX_OFFSET_S then
    reasons.clock = ("the clock of this machine is %.0f s %s that of the store; synchronise them, such as with NTP")
      :format(math.abs(offset), offset > 0 and "ahead of" or "behind")
  end
end

-- Checks the store: returns the age of its oldest event.
local function check_store(inbox, limits, reasons)
  local stats, problem = call(inbox._store, "stats")
  if not stats then
    reasons.store = "the store does not respond: " .. tostring(problem)
    return nil
  end
  check_stats(stats, limits, reasons)
  check_calls(inbox._counts, reasons)
  check_workers(inbox._store, inbox._counts, stats, reasons)
  check_clock(inbox._store, reasons)
  return stats.oldest
end

-- Starts a check. Returns a function that waits for it, and returns the age of the oldest event. A check that takes too
-- long has reasons of its own, which come too late.
local function start(name, reasons, check, target, limits)
  local found = {}
  local wait = timed.start(health.RESPONSE_MAX_S, function() return true, check(target, limits, found) end)
  return function()
    local is_ended, oldest = wait()
    if is_ended then
      for reason, text in pairs(found) do reasons[reason] = text end
      return oldest
    end
    reasons[name] = ("the %s does not respond within %g s"):format(name, health.RESPONSE_MAX_S)
  end
end

--- What is wrong with an inbox.
---@param inbox apivideo.Inbox
---@param limits apivideo.HealthLimits with their defaults
---@return table<apivideo.HealthReason, string>
function health.reasons(inbox, limits)
  local reasons = {}
  local wait_for_store = start("store", reasons, check_store, inbox, limits)
  local wait_for_spool = inbox._spool and start("spool", reasons, check_spool, inbox._spool.spool, limits)
  local oldest = wait_for_store()
  if wait_for_spool then oldest = math.max(oldest or 0, wait_for_spool() or 0) end
  check_age(oldest, limits, reasons)
  check_polls(inbox._counts, reasons)
  return reasons
end

return health
