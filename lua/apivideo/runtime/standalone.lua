--- The event loop of a script. Tasks are coroutines; one poll watches HTTP transfers, descriptors and timers together,
--- so that one process can serve, call and sleep without threads.
---
--- While a task waits, other tasks run. A wait outside of tasks runs the loop until the wait ends; so does a wait
--- where Lua cannot yield (inside a `table.sort` comparison, for instance).

local checks = require "apivideo.util.checks"
local core = require "apivideo.core"
local failure = require "apivideo.util.failure"
local latches = require "apivideo.runtime.latches"
local log = require "apivideo.runtime.log"
local protected = require "apivideo.util.pcall"
local signals = require "apivideo.runtime.signals"
local timers = require("apivideo.runtime.timers").new()
local watches = require("apivideo.runtime.watches").new()

local new_wait = latches.new_wait
local unpack = table.unpack or unpack

local TIME_SLICE_S = 0.005 -- for which woken tasks are resumed before the loop polls again
local MAX_POLL_S = 3600

local runtime = {}

--- Seconds since 1970, with a fraction.
---@type fun(): number
runtime.now = core.now

--- Seconds of a monotonic clock.
---@type fun(): number
runtime.monotonic = core.monotonic

local tasks = setmetatable({}, { __mode = "k" }) -- coroutine -> true
local living = 0                                 -- how many tasks have not ended
local suspended = setmetatable({}, { __mode = "k" }) -- tasks that wait for this loop to wake them
local first, last                                -- queue of tasks to resume: { task, next, in_next_tick }
local queued, taken = 0, 0                       -- how many entries were ever added to it, and removed
-- Callbacks to call after the tasks, and now: { callback, is_requested, next }.
local requested, due
local arguments = {}                             -- task not yet started -> the arguments of its function
local guards = setmetatable({}, { __mode = "k" }) -- task -> callback for when it yields to another scheduler
local transfers, in_flight = {}, 0               -- transfer -> its wait
local pool

local function current_pool()
  if not pool or pool:forked() then pool = assert(core.http.new()) end
  return pool
end

-- Whether nothing on the stack of `co` from `level` on prevents a yield, for Luas without coroutine.isyieldable.
local function stack_is_clear(co, level)
  local across_pcall = _VERSION ~= "Lua 5.1"
  while true do
    local info = debug.getinfo(co, level, "Sfn")
    if not info then return true end
    local passes = across_pcall and (info.func == pcall or info.func == xpcall)
    if info.what == "C" and not passes then return false end
    if not across_pcall and info.name == "(for generator)" then return false end
    level = level + 1
  end
end

local is_yieldable = coroutine.isyieldable or function()
  local co = coroutine.running()
  if not stack_is_clear(co, 2) then return false end
  while protected.parent and protected.parent(co) do
    co = protected.parent(co)
    if not stack_is_clear(co, 1) then return false end -- level 0 is the resume of protected.call
  end
  return true
end

-- The task that runs now and may yield, or nil.
local function current_task()
  local co = coroutine.running()
  local task = co and protected.root(co)
  return task and tasks[task] and is_yieldable() and task or nil
end

-- Queues an entry with a task. The entry has a field `next` already: this must not fail for lack of memory.
local function enqueue(entry)
  if last then last.next = entry else first = entry end
  last = entry
  queued = queued + 1
end

local function report(task, err)
  log.error("a task failed: " .. failure.text(err, debug.traceback(task, "")))
end

local function resume(task)
  suspended[task] = nil
  local started = arguments[task]
  local ok, err
  if started then
    arguments[task] = nil
    ok, err = coroutine.resume(task, unpack(started, 1, started.n))
  else
    ok, err = coroutine.resume(task)
  end
  local is_lost = coroutine.status(task) ~= "dead"
  if is_lost then
    if suspended[task] then return end
    ok, err = false, "it yielded to a scheduler other than this one, which cannot resume it"
  end
  tasks[task] = nil
  living = living - 1
  local guard = guards[task]
  guards[task] = nil
  if is_lost and guard then return guard(debug.traceback(task, "")) end
  if not ok then report(task, err) end
end

-- Resumes the tasks that are ready, and for a limited time also those that they wake: tasks may wake each other
-- forever. Then calls the callbacks that are due. Tasks that were spawned during this may block: they start after the
-- callbacks.
local function run_ready()
  local stop, ends = queued, core.monotonic() + TIME_SLICE_S
  while first and (taken < stop or not first.in_next_tick and core.monotonic() < ends) do
    local entry = first
    first, entry.next = entry.next or nil, false
    if not first then last = nil end
    taken = taken + 1
    resume(entry.task)
  end
  if not due then due, requested = requested, nil end -- a callback that raises leaves the others due
  while due do
    local entry = due
    due, entry.next, entry.is_requested = entry.next or nil, false, false
    entry.callback()
  end
end

-- Ends a wait; idempotent.
local function wake(wait)
  if wait.over then return end
  wait.over = true
  if wait.task then enqueue(wait) end
end

-- The time of the first timer whose wait has not ended, or nil.
local function next_time()
  local wait, at = timers:next()
  while wait and wait.over do
    timers:pop()
    wait, at = timers:next()
  end
  return at
end

local function fire_timers()
  local at = next_time()
  local now = at and core.monotonic()
  while at and at <= now do
    local wait = timers:pop()
    wait.timed_out = true
    wake(wait)
    at = next_time()
  end
end

-- The timeout of the next poll, in seconds.
local function poll_timeout()
  if first or requested or due then return 0 end
  local at = next_time()
  if at then return math.max(0, at - core.monotonic()) end
  if in_flight == 0 and watches:is_empty() then
    error("deadlock: no task, timer, request or server is pending that could end this wait", 0)
  end
  return MAX_POLL_S
end

local none = {}

-- Waits for the next event, and wakes what waits for it.
local function poll()
  local finished, ready = current_pool():step(watches:collect(poll_timeout()))
  for _, transfer in ipairs(finished or none) do
    local wait = transfers[transfer]
    if wait then
      transfers[transfer], in_flight = nil, in_flight - 1
      wake(wait)
    end
  end
  watches:dispatch(ready)
  fire_timers()
end

-- Waits until `wait` is woken, or until the timeout; false after the timeout.
local function suspend(wait, seconds)
  if seconds then timers:push(core.monotonic() + seconds, wait) end
  local task = current_task()
  if task and not wait.over then
    suspended[task] = true
    wait.task = task
    coroutine.yield()
  else
    while not wait.over do
      poll()
      run_ready()
    end
  end
  return not wait.timed_out
end

--- Why Lua cannot wait here; nil: in a script it always can.
---@return string?
function runtime.refusal()
  return nil
end

--- Whether this process is exiting, so that no new work should start; false: a script decides that itself.
---@return boolean
function runtime.is_ending()
  return false
end

local function start(in_next_tick, fn, ...)
  local task = coroutine.create(fn)
  if select("#", ...) > 0 then arguments[task] = { n = select("#", ...), ... } end
  tasks[task] = true
  enqueue { task = task, next = false, in_next_tick = in_next_tick }
  living = living + 1
end

--- Starts a task. The loop runs it, and it may wait. An error in it is reported on stderr, and ends only this task.
---@param fn function
---@param ... any its arguments
function runtime.spawn(fn, ...)
  if type(fn) ~= "function" then
    error("spawn: a function expected, got " .. type(fn), 2)
  end
  start(true, fn, ...)
end

--- Starts a long task. (In nginx it has its own timer.)
---@param fn function
---@param ... any its arguments
---@return boolean is_started
function runtime.background(fn, ...)
  runtime.spawn(fn, ...)
  return true
end

--- Starts a task that belongs to the current one. (In nginx it ends with its request.)
---@param fn function
---@param ... any its arguments
function runtime.child(fn, ...) start(false, fn, ...) end

--- Sets a callback for when the current task yields to another scheduler. This loop cannot resume such a task, so
--- other tasks that wait for its result must be notified.
---@param callback? fun(traceback: string) must not wait; receives the task's stack; nil removes the callback
function runtime.guard(callback)
  local task = current_task()
  if task then guards[task] = callback end
end

--- Does nothing: in nginx it blocks functions that end a request, which a script does not have.
function runtime.forbid_exit() end

--- Waits. Other tasks run during that.
---@param seconds number at least 0
function runtime.sleep(seconds)
  checks.value("sleep: seconds", seconds, "seconds>=0", 2)
  suspend(new_wait(), seconds)
end

--- Yields: all tasks that are ready run first.
function runtime.pass()
  suspend(new_wait(), 0)
end

---@type fun(): apivideo.Latch
runtime.latch = latches.over(suspend, wake)

local YIELDED = "run: the function yielded to a scheduler other than apivideo's, which cannot resume it"

--- Runs a function as a task until it ends; other tasks run, too. Without a function, it runs until no task and no
--- server is left.
---@param fn? function
---@param ... any its arguments
---@return any ... its results. Its error is raised: unchanged when a pcall catches it, otherwise as text with the stack of the task
function runtime.run(fn, ...)
  if not fn then
    while living > 0 or not watches:is_empty() do
      poll()
      run_ready()
    end
    return
  elseif type(fn) ~= "function" then
    error("run: a function expected, got " .. type(fn), 2)
  end
  local done, n, args = runtime.latch(), select("#", ...), { ... }
  runtime.spawn(function()
    runtime.guard(function(traceback) done:open(false, failure.with_traceback(YIELDED, traceback)) end)
    done:open(protected.xpcall(fn, failure.raised, unpack(args, 1, n)))
  end)
  local results = { n = 0 }
  local function store(...) results = { n = select("#", ...), ... } end
  store(done:wait())
  if not results[1] then failure.raise(results[2]) end
  return unpack(results, 2, results.n)
end

--- Makes the loop call the callback whenever a descriptor is readable, or one of a list may be ready. The callback
--- must not wait.
---@param source integer|apivideo.DescriptorList
---@param callback fun()
function runtime.watch(source, callback) watches:add(source, callback) end

--- Returns a function that requests a callback from the loop: once, after all ready tasks have run, and before the
--- tasks that they spawn start. It is for work of many tasks that is done together. The request needs no memory.
---@param callback fun() must not wait
---@return fun() request
function runtime.after_tasks(callback)
  local entry = { callback = callback, next = false, is_requested = false }
  return function()
    if entry.is_requested then return end
    entry.is_requested, entry.next, requested = true, requested or false, entry
  end
end

---@param source integer|apivideo.DescriptorList
function runtime.unwatch(source) watches:remove(source) end

--- See apivideo.runtime.signals.
---@type fun(callback: fun()): (fun()|nil, string?)
runtime.on_signal = signals.over(runtime.watch, runtime.unwatch)

--- Sends an HTTP request, as `apivideo.core.http` takes it, and waits for the result.
---@param request table
---@param cancel? apivideo.Latch aborts the request when it opens
---@return table|nil response
---@return string? kind
---@return string? message
---@return boolean? sent whether any part of the request may have reached the peer
function runtime.transfer(request, cancel)
  if cancel and cancel:is_open() then return nil, "cancelled", "the request was cancelled", false end
  local wait = new_wait() -- first: a finalizer that runs here may run the loop, which ends transfers
  local transfer, kind, message = current_pool():start(request)
  if not transfer then return nil, kind, message, false end
  transfers[transfer] = wait
  in_flight = in_flight + 1
  if cancel then cancel:join(wait) end
  suspend(wait)
  if cancel then cancel:leave(wait) end
  if transfers[transfer] then -- the latch ended the wait
    transfers[transfer], in_flight = nil, in_flight - 1
    transfer:cancel()
  end
  return transfer:result()
end

-- For nginx's loop, which uses this one to wait in init_by_lua, and for the workers of the server.
runtime.new_wait, runtime.suspend, runtime.wake = new_wait, suspend, wake

--- Closes the idle keep-alive connections, unless a request is in progress.
function runtime.release()
  if pool and in_flight == 0 then
    pool:close()
    pool = nil
  end
end

return runtime
