--- The loop of a script: tasks (coroutines) over one wait, which watches HTTP transfers, descriptors
--- and timers together. One process serves, calls out and sleeps without a thread.
---
--- A wait inside a task lets the others go on. A wait outside any task drives the loop until it is
--- over; so does one that Lua does not allow to yield (inside a `table.sort` comparison, say).

local core = require "apivideo.core"
local failure = require "apivideo.util.failure"
local latches = require "apivideo.runtime.latches"
local protected = require "apivideo.util.pcall"
local signals = require "apivideo.runtime.signals"
local timers = require("apivideo.runtime.timers").new()
local watches = require("apivideo.runtime.watches").new()

local unpack = table.unpack or unpack

local LONGEST = 0.005 -- seconds for which tasks go on that were woken meanwhile, before the loop looks around

local runtime = {}

--- Seconds since 1970, with fraction.
---@type fun(): number
runtime.now = core.now

--- Seconds since some start, never set back.
---@type fun(): number
runtime.monotonic = core.monotonic

local tasks = setmetatable({}, { __mode = "k" }) -- coroutine -> true
local living = 0                                 -- how many tasks have not ended
local suspended = setmetatable({}, { __mode = "k" }) -- tasks that wait for us to wake them
local first, last                                -- queue of tasks to resume: { task, next, in_next_turn }
local queued, taken = 0, 0                       -- how many ever came into it, and left it
local asked, due                                 -- what is called after them, and now: { callback, is_asked, next }
local arguments = {}                             -- task not yet started -> what its function gets
local guards = setmetatable({}, { __mode = "k" }) -- task -> what is called when it yields to another scheduler
local transfers, in_flight = {}, 0               -- transfer -> who waits for it
local pool

local function current_pool()
  if not pool or pool:forked() then pool = assert(core.http.new()) end
  return pool
end

-- Whether nothing on the stack of `co` from `level` on forbids a yield, for Luas that cannot tell.
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

-- Queues what has a task. It has a place for `next`: this must not fail when memory is out.
local function enqueue(entry)
  if last then last.next = entry else first = entry end
  last = entry
  queued = queued + 1
end

-- An error with the stack of the task, or that of `traceback`, where it was raised in a coroutine of the task.
local function with_stack(err, traceback, task)
  return failure.message(err) .. (traceback or debug.traceback(task, ""))
end

local function report(task, err)
  io.stderr:write("apivideo: a task failed: ", with_stack(err, nil, task), "\n")
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
    ok, err = false, "it yielded to another scheduler than this one, which cannot resume it"
  end
  tasks[task] = nil
  living = living - 1
  local guard = guards[task]
  guards[task] = nil
  if is_lost and guard then return guard(debug.traceback(task, "")) end
  if not ok then report(task, err) end
end

-- Resumes the tasks that can go on, for a while also those that become so meanwhile: tasks may wake each other
-- for ever. Then come the calls that wait for that. What is spawned meanwhile may block: it begins after them.
local function run_ready()
  local stop, ends = queued, core.monotonic() + LONGEST
  while first and (taken < stop or not first.in_next_turn and core.monotonic() < ends) do
    local entry = first
    first, entry.next = entry.next or nil, false
    if not first then last = nil end
    taken = taken + 1
    resume(entry.task)
  end
  if not due then due, asked = asked, nil end -- a call that raises leaves the others due
  while due do
    local entry = due
    due, entry.next, entry.is_asked = entry.next or nil, false, false
    entry.callback()
  end
end

-- Ends a wait, once.
local function wake(wait)
  if wait.over then return end
  wait.over = true
  if wait.task then enqueue(wait) end
end

-- The time of the first timer that somebody still waits for, or nil.
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

-- How long nothing can happen but on a descriptor.
local function patience()
  if first or asked or due then return 0 end
  local at = next_time()
  if at then return math.max(0, at - core.monotonic()) end
  if in_flight == 0 and watches:is_empty() then
    error("nothing is left that could end this wait: no task, timer, request or server", 0)
  end
  return 3600
end

local none = {}

-- Waits for the next thing that happens, and wakes who waits for it.
local function poll()
  local finished, ready = current_pool():step(watches:collect(patience()))
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

-- Waits until `wait` is woken, or for some seconds; false when the time ran out.
local function suspend(wait, seconds)
  wait.over, wait.timed_out, wait.next = false, false, false -- what ends it needs no memory
  if seconds then timers:push(core.monotonic() + seconds, wait) end
  local task = current_task()
  if task then
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

--- Why nothing can wait here, or nil: it always can.
---@return string?
function runtime.refusal()
  return nil
end

--- Whether this process is to end soon, so that nothing should be begun: a script says so itself.
---@return boolean
function runtime.is_ending()
  return false
end

local function start(in_next_turn, fn, ...)
  local task = coroutine.create(fn)
  if select("#", ...) > 0 then arguments[task] = { n = select("#", ...), ... } end
  tasks[task] = true
  enqueue { task = task, next = false, in_next_turn = in_next_turn }
  living = living + 1
end

--- Starts a task. It runs from the loop, beside others, and may wait. An error in it is reported on
--- stderr and ends the task alone.
---@param fn function
---@param ... any what it is called with
function runtime.spawn(fn, ...)
  if type(fn) ~= "function" then
    error("spawn: a function expected, got " .. type(fn), 2)
  end
  start(true, fn, ...)
end

--- Starts a task that goes on for long. (In nginx it has a timer of its own.)
---@param fn function
---@param ... any what it is called with
---@return boolean begun
function runtime.background(fn, ...)
  runtime.spawn(fn, ...)
  return true
end

--- Starts a task that belongs to what runs now. (In nginx it ends with its request.)
---@param fn function
---@param ... any what it is called with
function runtime.child(fn, ...) start(false, fn, ...) end

--- Sets a function that is called if the current task yields to another scheduler: this one then forgets the
--- task, so what others expect of it must be settled elsewhere, and the callback says why.
---@param callback? fun(traceback: string) must not wait, and gets the task's stack; nil: nothing is called any more
function runtime.guard(callback)
  local task = current_task()
  if task then guards[task] = callback end
end

--- In nginx, bars functions that end a request; a script has none.
function runtime.forbid_exit() end

--- Waits, while other tasks go on.
---@param seconds number
function runtime.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    error("sleep: seconds expected, a number from 0 on", 2)
  end
  suspend({}, seconds)
end

--- Lets all others go on first that can.
function runtime.pass()
  suspend({}, 0)
end

---@type fun(): apivideo.Latch
runtime.latch = latches.over(suspend, wake)

local YIELDED = "run: the function yielded to another scheduler than apivideo's, which cannot resume it"

--- Runs a function as a task until it ends, and all other tasks meanwhile. Without one: runs until
--- no task, and no server, is left.
---@param fn? function
---@param ... any what it is called with
---@return any ... its results; its error is raised, as it is if a pcall is there to catch it, otherwise as text with the stack of the task
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
  local function keep(...) results = { n = select("#", ...), ... } end
  keep(done:wait())
  if not results[1] then failure.raise(results[2]) end
  return unpack(results, 2, results.n)
end

--- Calls back from the loop whenever a descriptor can be read, or one of a list may be ready. The callback
--- must not wait.
---@param source integer|apivideo.DescriptorList
---@param callback fun()
function runtime.watch(source, callback) watches:add(source, callback) end

--- Gives a function that has something called back from the loop, once, when the tasks that can go on now
--- have done so, and before any begins that they spawn: for work that many of them leave to be done together. It
--- needs no memory.
---@param callback fun() must not wait
---@return fun() ask
function runtime.after_tasks(callback)
  local entry = { callback = callback, next = false, is_asked = false }
  return function()
    if entry.is_asked then return end
    entry.is_asked, entry.next, asked = true, asked or false, entry
  end
end

---@param source integer|apivideo.DescriptorList
function runtime.unwatch(source) watches:remove(source) end

--- See apivideo.runtime.signals.
---@type fun(callback: fun()): (fun()|nil, string?)
runtime.on_signal = signals.over(runtime.watch, runtime.unwatch)

--- One HTTP request, as `apivideo.core.http` takes it. Waits for the result.
---@param request table
---@param cancel? apivideo.Latch ends it when it opens
---@return table|nil response
---@return string? kind
---@return string? message
---@return boolean? sent whether any of the request may have reached the peer
function runtime.transfer(request, cancel)
  if cancel and cancel:is_open() then return nil, "cancelled", "the request was cancelled", false end
  local transfer, kind, message = current_pool():start(request)
  if not transfer then return nil, kind, message, false end
  local wait = {}
  transfers[transfer] = wait
  in_flight = in_flight + 1
  if cancel then cancel:join(wait) end
  suspend(wait)
  if cancel then cancel:leave(wait) end
  if transfers[transfer] then -- it was the latch that ended the wait
    transfers[transfer], in_flight = nil, in_flight - 1
    transfer:cancel()
  end
  return transfer:result()
end

-- For nginx's loop, which has this one wait in init_by_lua.
runtime.suspend, runtime.wake = suspend, wake

--- Closes the kept connections, where no request is under way.
function runtime.release()
  if pool and in_flight == 0 then
    pool:close()
    pool = nil
  end
end

return runtime
