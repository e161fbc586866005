--- Deterministic scheduling of actors. Each request, response, wait and crash of an actor is one step, and a list of
--- commands decides the order of the steps. During a run, it replaces the loop of `apivideo.runtime`.

local latches = require "apivideo.runtime.latches"
local random = require "apivideo.util.random"
local runtime = require "apivideo.runtime"

local scheduler = {}

-- Faults of requests, by a number of the command. All other requests are processed and get their response.
local faults = { "lost", "unanswered", "late", "failed", "failed later", "limited" }

---@class spec.model.Actor
---@field co? thread its operation; nil when it is idle
---@field state "request"|"arrived"|"sleep"|"wait"|"running"
---@field subject any the request, its result, when the sleep ends, or the wait

local function wake(wait) wait.over = true end

-- The functions that replace the loop, on the clock of an account.
local function stand_ins(account)
  local function suspend(wait, seconds)
    wait.over, wait.timed_out = false, false
    coroutine.yield("wait", wait, seconds and account.now + seconds)
    return not wait.timed_out
  end
  return {
    transfer = function(request) return coroutine.yield("request", request) end,
    sleep = function(seconds) coroutine.yield("sleep", account.now + seconds) end,
    now = function() return account.now end,
    monotonic = function() return account.now end,
    latch = latches.over(suspend, wake),
  }
end

--- Calls a function while the library runs on the clock of an account. Restores the loop, also after an error.
function scheduler.on(account, fn, ...)
  local own, fraction = {}, random.fraction
  for name, fn_of_model in pairs(stand_ins(account)) do own[name], runtime[name] = runtime[name], fn_of_model end
  random.fraction = function() return 0.5 end
  local ok, result = pcall(fn, ...)
  for name, fn_of_loop in pairs(own) do runtime[name] = fn_of_loop end
  random.fraction = fraction
  if not ok then error(result, 0) end
  return result
end

local function advance(actor, ok, state, ...)
  if coroutine.status(actor.co) == "dead" then
    local finished = actor.finished
    actor.co = nil
    if not ok then error(state, 0) end
    if finished then finished(state, ...) end
    return
  end
  actor.state, actor.subject, actor.ends = state, ...
end

local function resume(actor, ...)
  actor.state = "running"
  advance(actor, coroutine.resume(actor.co, ...))
end

--- Starts an operation of an idle actor.
---@param finished? fun(...) called with its results
function scheduler.start(actor, operation, finished)
  actor.co, actor.finished = coroutine.create(function() return operation() end), finished
  resume(actor)
end

-- Processes a request, unless it is lost. One request in six has a fault, one in sixteen meets a node with another
-- clock.
local function arrive(account, actor, n)
  local fault = n and faults[math.floor(n / 8) % 36 + 1]
  local skew = n and math.floor(n / 512) % 16 == 0 and n % 5 - 2 or 0
  actor.state = "arrived"
  if fault == "lost" then
    actor.subject = { nil, "network", "the connection was reset", true }
  elseif fault == "failed" or fault == "limited" then
    actor.subject = { { status = fault == "failed" and 500 or 429, headers = {}, body = "" } }
  elseif fault == "late" then
    table.insert(account.late, actor.subject)
    actor.subject = { nil, "timeout", "there was no response", true }
  else
    actor.subject = { account:handle(actor.subject, skew) }
    if fault == "unanswered" then actor.subject = { nil, "network", "the connection was reset", true } end
    if fault == "failed later" then actor.subject = { { status = 502, headers = {}, body = "" } } end
  end
end

--- Performs the next step of an actor: its request or its response arrives, or its wait ends.
---@param n? integer decides the fault of a request, and whether a wait times out; nil: no fault
function scheduler.step(account, actor, n)
  if not actor.co then return end
  if actor.state == "request" then
    arrive(account, actor, n)
  elseif actor.state == "arrived" then
    local results = actor.subject
    resume(actor, results[1], results[2], results[3], results[4])
  elseif actor.state == "sleep" then
    account.now = math.max(account.now, actor.subject)
    resume(actor)
  elseif actor.subject.over then
    resume(actor)
  elseif actor.ends and n and n % 16 == 0 then
    account.now, actor.subject.timed_out = math.max(account.now, actor.ends), true
    resume(actor)
  end
end

--- Ends the process of an actor. A request that was sent may still arrive, later.
function scheduler.crash(account, actor, n)
  if actor.co and actor.state == "request" and n % 2 == 0 then table.insert(account.late, actor.subject) end
  actor.co = nil
end

return scheduler
