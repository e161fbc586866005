--- nginx's event loop. What waits yields to it; libcurl's transfers are driven by one timer of each
--- worker, between short sleeps, however many calls wait for them.
---
--- nginx may have no timer left, or drop one that it has given, or end a request in the middle of a
--- wait. So nobody relies on the one who should be at work: who waits looks now and then whether
--- somebody is, and else does it.

local core = require "apivideo.core"
local failure = require "apivideo.util.failure"
local host = require "apivideo.runtime.host"
local latches = require "apivideo.runtime.latches"
local log = require "apivideo.runtime.log"
local semaphore = require "ngx.semaphore"
local standalone = require "apivideo.runtime.standalone"

local ngx = host.ngx

local SHORTEST, LONGEST = 0.001, 0.004 -- seconds between two looks at the transfers
local ABSENT = 0.05   -- seconds without a look after which nobody is at work
local PATIENCE = 0.1  -- seconds after which who waits looks after that
local LATE = 1        -- seconds after which the timer of a task is not to be expected any more
local LATER = { 1, 4, 16 } -- seconds after which timers look for tasks whose own timer was dropped

local runtime = { now = core.now, monotonic = core.monotonic }

local can_wait = {
  server_rewrite = true, rewrite = true, access = true, precontent = true, content = true, timer = true,
  preread = true,
  ssl_cert = true, ssl_session_fetch = true, ssl_client_hello = true,
}

-- Whether no C function that is under way forbids it. (nginx leaves out coroutine.isyieldable.)
local function can_yield()
  local level = 2
  while true do
    local info = debug.getinfo(level, "Sf")
    if not info then return true end
    if info.what == "C" and info.func ~= pcall and info.func ~= xpcall then return false end
    level = level + 1
  end
end

--- Why nothing can wait here, or nil. (In init_by_lua there is no loop yet, and nobody to be held up:
--- there a wait blocks.)
---@return string?
function runtime.refusal()
  local phase = host.phase()
  if phase == "init" then return nil end
  if not can_wait[phase] then
    return ("nginx cannot wait in its phase %s; do it from a timer: ngx.timer.at(0, function() ... end)")
      :format(phase)
  elseif not can_yield() then
    return "Lua cannot wait inside of a C function, such as require (load modules in init_by_lua),"
      .. " table.sort or string.gsub; or do it from a timer: ngx.timer.at(0, function() ... end)"
  end
end

--- Whether this worker of nginx is to end soon, so that nothing should be begun.
---@return boolean
function runtime.is_ending()
  return ngx.worker.exiting()
end

-- What was opened before the workers are forked must not live on in them.
local function release(...)
  standalone.release()
  return ...
end

-- A function that the other loop does in init_by_lua.
local function except_in_init(name, fn)
  return function(...)
    if host.phase() == "init" then return release(standalone[name](...)) end
    return fn(...)
  end
end

local tasks, first, last = {}, 1, 0 -- those that nobody has begun

-- Calls a task's function; its error is logged.
local function run_task(fn, ...)
  local ok, raised = xpcall(fn, failure.raised, ...)
  if not ok then log.error("a task failed: " .. failure.text(failure.parts(raised))) end
end

local function run_next()
  local task = tasks[first]
  tasks[first] = nil
  first = first + 1
  run_task(unpack(task, 1, task.n))
end

-- What a timer does.
local function run_tasks()
  while first <= last do run_next() end
end

local function go_on() end

-- Does a task in a request, since no timer does. It must not end because the request's client leaves.
local function stand_in()
  pcall(ngx.on_abort, go_on) -- not in each phase, and once in a request
  run_next()
end

local function is_task_left()
  return first <= last and core.monotonic() - tasks[first].since > LATE
end

-- Waits until `wait` is woken, or for some seconds; false when the time ran out.
local suspend = except_in_init("suspend", function(wait, seconds)
  local ends = core.monotonic() + (seconds or math.huge)
  wait.semaphore = wait.semaphore or assert(semaphore.new(0))
  while not wait.over do
    local left = ends - core.monotonic()
    if left <= 0 then return false end
    -- (It takes less than a millisecond for none at all.)
    wait.semaphore:wait(math.max(SHORTEST, math.min(left, PATIENCE)))
    if not wait.over and is_task_left() then stand_in() end
  end
  return true
end)

-- Ends a wait, once.
local function wake(wait)
  if wait.over or not wait.semaphore then return standalone.wake(wait) end
  wait.over = true
  wait.semaphore:post(1)
end

---@type fun(): apivideo.Latch
runtime.latch = latches.over(suspend, wake)

--- Waits, while other requests go on.
---@param seconds number
function runtime.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    error("sleep: seconds expected, a number from 0 on", 2)
  end
  local refusal = runtime.refusal()
  if refusal then error("sleep: " .. refusal, 2) end
  if host.phase() == "init" then return release(standalone.sleep(seconds)) end
  ngx.sleep(seconds)
end

--- Lets all others go on first that can. (Without OpenResty's patches, nginx warns of an ngx.sleep(0).) What
--- waits for a semaphore goes on behind all else that has happened to this worker meanwhile.
runtime.pass = except_in_init("pass", function()
  local there, back = semaphore.new(0), semaphore.new(0)
  ngx.thread.spawn(function()
    there:wait(PATIENCE)
    back:post(1)
  end)
  there:post(1)
  back:wait(PATIENCE)
end)

local looked_later = -math.huge -- when timers that look later were last started

-- nginx drops a timer that is due while too many are running. (Where they are tasks, each goes on with the
-- next, so this is for other timers than ours.)
local function look_later()
  local now = core.monotonic()
  if ngx.timer.running_count() == 0 or now - looked_later < LATER[1] then return end
  looked_later = now
  for _, seconds in ipairs(LATER) do ngx.timer.at(seconds, run_tasks) end
end

-- Has a task done in a timer; or one here, where nginx has no timer left. Where nothing can wait it is
-- left for others.
local function push(...)
  last = last + 1
  tasks[last] = { n = select("#", ...), since = core.monotonic(), ... }
  if ngx.timer.at(0, run_tasks) then
    look_later()
  elseif not runtime.refusal() then
    stand_in()
  end
end

local spawn = except_in_init("spawn", push)

--- Starts a task that no request's end ends: in a timer. An error in it is reported in the log.
---@param fn function
---@param ... any what it is called with
function runtime.spawn(fn, ...)
  if type(fn) ~= "function" then error("spawn: a function expected, got " .. type(fn), 2) end
  spawn(fn, ...)
end

--- Starts a task that goes on for long, in a timer of its own: nobody does it in its stead, since that would
--- hold him up. Waits until it has begun.
---@param fn function
---@param ... any what it is called with
---@return boolean begun false where nginx has no timer for it
function runtime.background(fn, ...)
  if host.phase() == "init" then
    error("nginx has no worker yet in its phase init; begin in init_worker_by_lua, with apivideo.spawn", 0)
  end
  local begun, args, n = runtime.latch(), { ... }, select("#", ...)
  local started = ngx.timer.at(0, function()
    if begun:is_open() then return end -- too late
    begun:open(true)
    run_task(fn, unpack(args, 1, n))
  end)
  if not started then return false end
  if begun:wait(LATE) then return true end
  begun:open(false)
  return false
end

--- Starts a task that belongs to the request, or the timer, that runs now. (nginx keeps some hundred bytes
--- of each until that ends.)
---@type fun(fn: function)
runtime.child = except_in_init("child", function(fn) ngx.thread.spawn(fn) end)

local function results_of(ok, ...)
  if not ok then failure.raise((...)) end
  return ...
end

local run = except_in_init("run", function(fn, ...) return results_of(xpcall(fn, failure.raised, ...)) end)

--- Calls a function: nginx runs the loop.
---@param fn function
---@param ... any what it is called with
---@return any ... its results; its error is raised, as it is if a pcall is there to catch it, otherwise as text with its stack
function runtime.run(fn, ...)
  if type(fn) ~= "function" then error("run: a function expected, got " .. type(fn), 2) end
  return run(fn, ...)
end

--- Nothing to do here: nginx resumes what yields, and when it ends a task, no Lua runs.
function runtime.guard() end

local callers = {} -- functions that call one of the application's -> what they call

-- What function of the application, called by one of `callers`, the running coroutine is in, or nil.
local function running_callback()
  local level = 3
  while true do
    local info = debug.getinfo(level, "f")
    if not info then return nil end
    if callers[info.func] then return callers[info.func] end
    level = level + 1
  end
end

local function bar(name)
  local original = ngx[name]
  ngx[name] = original and function(...)
    local callback = running_callback()
    if callback then
      error(("ngx.%s was called in %s, which must return or raise an error: the receiver sends the response")
        :format(name, callback), 2)
    end
    return original(...)
  end
end

--- Makes `ngx.exit`, `ngx.redirect` and `ngx.exec` raise an error where `caller` is on the stack. They end the
--- request or timer at once, without an error that Lua could catch: an event would be answered, or stay claimed,
--- although it is neither stored nor handled. (Code that has made a local of such a function before is not met.)
---@param caller function that calls a function of the application, not as a tail call
---@param callback string what it calls
function runtime.forbid_exit(caller, callback)
  if next(callers) == nil then
    for _, name in ipairs { "exit", "redirect", "exec" } do bar(name) end
  end
  callers[caller] = callback
end

local pool
local waits, in_flight = {}, 0 -- transfer -> who waits for it
local looked = 0               -- when somebody looked at them last, or is about to
local fresh = false            -- whether one has come since

local function current_pool()
  if not pool or pool:forked() then pool = assert(core.http.new()) end
  return pool
end

-- Looks at the transfers, and wakes who waits for one that has ended; whether any has.
local function look()
  looked = core.monotonic()
  local finished = current_pool():step(0)
  for _, transfer in ipairs(finished or {}) do
    local wait = waits[transfer]
    if wait then
      waits[transfer], in_flight = nil, in_flight - 1
      wake(wait)
    end
  end
  return finished ~= nil
end

-- Looks again and again, less often while nothing happens, until no transfer is left, or until `wait`
-- is over.
local function drive(wait)
  local pause = SHORTEST
  while in_flight > 0 and not (wait and wait.over) do
    if look() or fresh then
      pause, fresh = SHORTEST, false
    else
      pause = math.min(pause * 1.5, LONGEST)
    end
    if in_flight > 0 then ngx.sleep(pause) end
  end
  looked = 0
end

local function drive_from_timer() drive() end

-- Waits until `wait` is over, and sees to it that somebody drives until then: a timer, or else this.
local function await(wait)
  fresh = true
  if core.monotonic() - looked > ABSENT then
    looked = core.monotonic()
    if not ngx.timer.at(0, drive_from_timer) then drive(wait) end
  end
  while not suspend(wait, PATIENCE) do
    if core.monotonic() - looked > ABSENT then drive(wait) end
  end
end

--- One HTTP request, as `apivideo.core.http` takes it. Waits for the result.
---@param request table
---@param cancel? apivideo.Latch ends it when it opens
---@return table|nil response
---@return string? kind
---@return string? message
---@return boolean? sent whether any of the request may have reached the peer
runtime.transfer = except_in_init("transfer", function(request, cancel)
  local refusal = runtime.refusal()
  if refusal then return nil, "wrong_phase", refusal, false end
  if cancel and cancel:is_open() then return nil, "cancelled", "the request was cancelled", false end
  local transfer, kind, message = current_pool():start(request)
  if not transfer then return nil, kind, message, false end
  local wait = {}
  waits[transfer], in_flight = wait, in_flight + 1
  if cancel then cancel:join(wait) end
  await(wait)
  if cancel then cancel:leave(wait) end
  if waits[transfer] then -- it was the latch that ended the wait
    waits[transfer], in_flight = nil, in_flight - 1
    transfer:cancel()
  end
  return transfer:result()
end)

return runtime
