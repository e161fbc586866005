--- nginx's event loop. A task that waits yields to it. nginx_poller.lua drives libcurl's transfers for all of them.

local checks = require "apivideo.util.checks"
local core = require "apivideo.core"
local current_span = require "apivideo.runtime.current_span"
local failure = require "apivideo.util.failure"
local host = require "apivideo.runtime.host"
local latches = require "apivideo.runtime.latches"
local log = require "apivideo.runtime.log"
local nginx_timer = require "apivideo.runtime.nginx_timer"
local poller = require "apivideo.runtime.nginx_poller"
local semaphore = require "ngx.semaphore"
local standalone = require "apivideo.runtime.standalone"

local ngx = host.ngx

local MIN_WAIT_S = 0.001 -- nginx treats a timeout of less as zero
local CHECK_INTERVAL_S = 0.1 -- at which a waiting task checks that tasks run and descriptors are polled
local TIMER_LOST_S = 1 -- after which the timer of a task counts as lost
local RETRY_TIMERS_S = { 1, 4, 16 } -- delays of further timers, for tasks whose own timer was dropped

local runtime = { now = core.now, monotonic = core.monotonic }

local can_wait = {
  server_rewrite = true, rewrite = true, access = true, precontent = true, content = true, timer = true,
  preread = true,
  ssl_cert = true, ssl_session_fetch = true, ssl_client_hello = true,
}

-- Whether no C function on the stack prevents a yield. (nginx has no coroutine.isyieldable. LuaJIT's C API has the
-- function; Lua 5.1 has not.)
local can_yield = core.is_yieldable() ~= nil and core.is_yieldable or function()
  local level = 2
  while true do
    local info = debug.getinfo(level, "Sf")
    if not info then return true end
    if info.what == "C" and info.func ~= pcall and info.func ~= xpcall then return false end
    level = level + 1
  end
end

--- Why Lua cannot wait here, or nil. (In init_by_lua there is no loop yet, and no request: there a wait blocks.)
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

--- Whether this nginx worker is exiting, so that no new work should start.
---@return boolean
function runtime.is_ending()
  return ngx.worker.exiting()
end

-- Connections that were opened before the workers are forked must not be used in them.
local function release(...)
  standalone.release()
  return ...
end

-- A function for which the other loop is used in init_by_lua.
local function except_in_init(name, fn)
  return function(...)
    if host.phase() == "init" then return release(standalone[name](...)) end
    return fn(...)
  end
end

local tasks, first, last = {}, 1, 0 -- queue of tasks that have not started

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

-- The callback of a timer.
local function run_tasks()
  while first <= last do run_next() end
end

local function ignore() end

-- Runs a task in a request, because no timer runs it. The task must not end because the request's client disconnects.
local function run_in_request()
  pcall(ngx.on_abort, ignore) -- fails in some phases, and the second time in a request
  local span = current_span.get()
  current_span.set(nil) -- the task does not belong to what waits here
  run_next()
  current_span.set(span)
end

local function is_task_lost()
  return first <= last and core.monotonic() - tasks[first].since > TIMER_LOST_S
end

-- Waits until `wait` is woken, or until the timeout; false after the timeout.
local suspend = except_in_init("suspend", function(wait, seconds)
  local ends = core.monotonic() + (seconds or math.huge)
  wait.semaphore = wait.semaphore or assert(semaphore.new(0))
  while not wait.over do
    local left = ends - core.monotonic()
    if left <= 0 then return false end
    poller.check()
    wait.semaphore:wait(math.max(MIN_WAIT_S, math.min(left, CHECK_INTERVAL_S)))
    if not wait.over and is_task_lost() then run_in_request() end
    if not wait.over and poller.check() then poller.drive(wait, ends) end
  end
  return true
end)

-- Ends a wait; idempotent.
local function wake(wait)
  if wait.over or not wait.semaphore then return standalone.wake(wait) end
  wait.over = true
  wait.semaphore:post(1)
end

poller.wake = wake

---@type fun(): apivideo.Latch
runtime.latch = latches.over(suspend, wake)

--- Waits. Other requests are processed during that.
---@param seconds number
function runtime.sleep(seconds)
  checks.value("sleep: seconds", seconds, "seconds>=0", 2)
  local refusal = runtime.refusal()
  if refusal then error("sleep: " .. refusal, 2) end
  if host.phase() == "init" then return release(standalone.sleep(seconds)) end
  ngx.sleep(seconds)
end

--- Yields: all tasks that are ready run first. (Without OpenResty's patches, nginx warns about ngx.sleep(0).) A task
--- that waits for a semaphore is resumed after all other events that this worker has received.
runtime.pass = except_in_init("pass", function()
  local started, finished = semaphore.new(0), semaphore.new(0)
  ngx.thread.spawn(function()
    started:wait(CHECK_INTERVAL_S)
    finished:post(1)
  end)
  started:post(1)
  finished:wait(CHECK_INTERVAL_S)
end)

local retried_at = -math.huge -- when the retry timers were last started

-- nginx drops a timer that expires while too many are running. (Our own timers run all queued tasks, so this is
-- necessary only when other timers are running.)
local function start_retry_timers()
  local now = core.monotonic()
  if ngx.timer.running_count() == 0 or now - retried_at < RETRY_TIMERS_S[1] then return end
  retried_at = now
  for _, seconds in ipairs(RETRY_TIMERS_S) do nginx_timer.start(seconds, run_tasks) end
end

-- Queues a task for a timer. When nginx has no free timer, a queued task runs here; where Lua cannot wait, it stays in
-- the queue.
local function push(...)
  last = last + 1
  tasks[last] = { n = select("#", ...), since = core.monotonic(), ... }
  if nginx_timer.start(0, run_tasks) then
    start_retry_timers()
  elseif not runtime.refusal() then
    run_in_request()
  end
end

local spawn = except_in_init("spawn", push)

--- Starts a task in a timer, so that it does not end with the current request. An error in it is logged.
---@param fn function
---@param ... any its arguments
function runtime.spawn(fn, ...)
  if type(fn) ~= "function" then error("spawn: a function expected, got " .. type(fn), 2) end
  spawn(fn, ...)
end

--- Starts a long task in its own timer, and waits until it has started. It never runs in a request, which it would
--- block.
---@param fn function
---@param ... any its arguments
---@return boolean is_started false when nginx has no timer for it
function runtime.background(fn, ...)
  if host.phase() == "init" then
    error("nginx has no worker yet in its phase init; start it in init_worker_by_lua, with apivideo.spawn", 0)
  end
  local begun, args, n = runtime.latch(), { ... }, select("#", ...)
  local started = nginx_timer.start(0, function()
    if begun:is_open() then return end -- too late: the caller has reported a failure
    begun:open(true)
    run_task(fn, unpack(args, 1, n))
  end)
  if not started then return false end
  if begun:wait(TIMER_LOST_S) then return true end
  begun:open(false)
  return false
end

--- Starts a task that belongs to the current request or timer. (nginx uses some hundred bytes for each until that
--- ends.)
---@type fun(fn: function)
runtime.child = except_in_init("child", function(fn) ngx.thread.spawn(fn) end)

local function results_of(ok, ...)
  if not ok then failure.raise((...)) end
  return ...
end

local run = except_in_init("run", function(fn, ...) return results_of(xpcall(fn, failure.raised, ...)) end)

--- Calls a function: nginx runs the loop.
---@param fn function
---@param ... any its arguments
---@return any ... its results. Its error is raised: unchanged when a pcall catches it, otherwise as text with its stack
function runtime.run(fn, ...)
  if type(fn) ~= "function" then error("run: a function expected, got " .. type(fn), 2) end
  return run(fn, ...)
end

--- Does nothing: nginx resumes each coroutine that yields, and when it ends a task, no Lua code runs.
function runtime.guard() end

local callers = {} -- function that calls a function of the application -> what that is, for the message

-- The function of the application in which the running coroutine is, called by one of `callers`, or nil.
local function running_callback()
  local level = 3
  while true do
    local info = debug.getinfo(level, "f")
    if not info then return nil end
    if callers[info.func] then return callers[info.func] end
    level = level + 1
  end
end

local function forbid(name)
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

--- Makes `ngx.exit`, `ngx.redirect` and `ngx.exec` raise an error when `caller` is on the stack. They end the request
--- or timer at once, without an error that Lua could catch: an event would be acknowledged, or would stay claimed,
--- although it is neither stored nor handled. (Code that stored such a function in a local before is not affected.)
---@param caller function that calls a function of the application, not as a tail call
---@param callback string what it calls
function runtime.forbid_exit(caller, callback)
  if next(callers) == nil then
    for _, name in ipairs { "exit", "redirect", "exec" } do forbid(name) end
  end
  callers[caller] = callback
end

runtime.forbid_exit(log.call_write, "the option \"write\" of apivideo.log")

--- Makes the loop call the callback whenever a descriptor is readable, or one of a list may be ready. The callback
--- must not wait. While anything is watched, a timer of nginx runs; when nginx has no timer, the tasks that wait do its
--- work.
---@type fun(source: integer|apivideo.DescriptorList, callback: fun())
runtime.watch = except_in_init("watch", poller.watch)

---@type fun(source: integer|apivideo.DescriptorList)
runtime.unwatch = except_in_init("unwatch", poller.unwatch)

--- Sends an HTTP request, as `apivideo.core.http` takes it, and waits for the result.
---@param request table
---@param cancel? apivideo.Latch aborts the request when it opens
---@return table|nil response
---@return string? kind
---@return string? message
---@return boolean? sent whether any part of the request may have reached the peer
runtime.transfer = except_in_init("transfer", function(request, cancel)
  local refusal = runtime.refusal()
  if refusal then return nil, "wrong_phase", refusal, false end
  if cancel and cancel:is_open() then return nil, "cancelled", "the request was cancelled", false end
  local wait = latches.new_wait() -- first: a finalizer that runs here may poll, which ends transfers
  local transfer, kind, message = poller.pool():start(request)
  if not transfer then return nil, kind, message, false end
  poller.add(transfer, wait)
  if cancel then cancel:join(wait) end
  if not poller.ensure() then poller.drive(wait) end
  suspend(wait)
  if cancel then cancel:leave(wait) end
  if poller.remove(transfer) then transfer:cancel() end -- the latch ended the wait
  return transfer:result()
end)

return runtime
