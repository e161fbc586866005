--- Polls the transfers and the watched descriptors of an nginx worker. A timer does that, for all waiting tasks, until
--- nothing is left to wait for. It waits for a byte from a thread that watches the descriptors (nginx_door.lua); where
--- there is no such thread, because nginx has no free connection or no directory for the socket, with short sleeps.
---
--- nginx may have no free timer, may drop a timer that it accepted, and may end a request during a wait. So no task
--- relies on that timer: each waiting task checks regularly that something polls, and otherwise polls itself.

local core = require "apivideo.core"
local doors = require "apivideo.runtime.nginx_door"
local failure = require "apivideo.util.failure"
local host = require "apivideo.runtime.host"
local log = require "apivideo.runtime.log"
local nginx_timer = require "apivideo.runtime.nginx_timer"

local ngx, monotonic = host.ngx, core.monotonic
local watches = require("apivideo.runtime.watches").new()

local MIN_SLEEP_S, MAX_SLEEP_S = 0.001, 0.004 -- without a thread
local ROUNDS_MAX = 16      -- polls in a row, before other events are processed
local HEARTBEAT_S = 0.25   -- without any event, after which the thread wakes the worker: for what nothing reports
local LINGER_S = 0.5       -- without anything to wait for, after which the thread ends
local RETRY_THREAD_S = 2   -- after which starting one is retried
-- Without a poll, after which the polling task counts as lost: one that sleeps, and one that waits for a byte.
local SLEEPER_LOST_S, WAITER_LOST_S = 0.05, 1

local poller = {}

local pool
local waits, in_flight = {}, 0 -- transfer -> its wait
local polled_at, lost_after = 0, SLEEPER_LOST_S -- when was polled, or a poll is about to be; see above
local waited_at = 0            -- when a task was last about to wait
local is_new = false           -- whether a transfer was started since the last poll
local door                     -- of the timer that polls, or nil
local armed_until = 0          -- when its thread wakes the worker in any case
local retry_at = 0             -- when opening one is retried
local has_warned = false       -- that none could be opened

--- The pool of this process.
function poller.pool()
  if not pool or pool:forked() then pool = assert(core.http.new()) end
  return pool
end

-- Whether there is something to poll for. At the worker's end, a watched descriptor counts only for a waiting task.
local function has_work()
  if in_flight > 0 then return true end
  return not watches:is_empty() and (not ngx.worker.exiting() or monotonic() - waited_at < HEARTBEAT_S)
end

-- Polls once, and wakes the waits of finished transfers; whether anything happened.
local function step()
  local _, reads, writes = watches:collect(0)
  is_new = false
  local finished, ready, is_active = poller.pool():step(0, reads, writes)
  for _, transfer in ipairs(finished or {}) do
    local wait = waits[transfer]
    if wait then
      waits[transfer], in_flight = nil, in_flight - 1
      poller.wake(wait)
    end
  end
  watches:dispatch(ready)
  return finished ~= nil or ready ~= nil or is_active
end

-- Polls until nothing happens. Returns the seconds until the next poll is due, if no descriptor becomes ready before.
-- (The thread reports only that a descriptor has become ready, not that it still is.)
local function exhaust()
  for _ = 1, ROUNDS_MAX do
    local is_active = step()
    if in_flight == 0 and watches:is_empty() then return HEARTBEAT_S end
    local timeout = pool:timeout() or HEARTBEAT_S
    if not is_active and timeout > 0 then
      -- What a list contains may change at any time.
      return math.min(timeout, watches:has_lists() and MAX_SLEEP_S or HEARTBEAT_S)
    end
  end
  return MIN_SLEEP_S
end

--- Polls, with sleeps in between, less often while nothing happens: until nothing is left to poll for, until `wait` has
--- ended, or until a time.
---@param wait? table
---@param ends? number
function poller.drive(wait, ends)
  local pause = MIN_SLEEP_S
  while has_work() and not (wait and wait.over) do
    local was_new = is_new
    polled_at, lost_after = monotonic(), SLEEPER_LOST_S
    if ends and polled_at >= ends then break end
    pause = (step() or was_new) and MIN_SLEEP_S or math.min(pause * 1.5, MAX_SLEEP_S)
    if has_work() then ngx.sleep(pause) end
  end
  polled_at = 0
end

-- Polls whenever the thread sends a byte.
local function drive_by(mine)
  local busy_at = monotonic()
  while door == mine do
    polled_at, lost_after = monotonic(), WAITER_LOST_S
    local timeout = exhaust()
    if has_work() then
      busy_at = polled_at
    elseif polled_at - busy_at >= LINGER_S or ngx.worker.exiting() then
      return
    end
    armed_until = monotonic() + timeout
    mine.wake:arm(timeout)
    if not mine:wait() then
      if door == mine then retry_at = monotonic() + RETRY_THREAD_S end
      return
    end
  end
end

local function open_door()
  local opened, message = doors.open()
  if not opened then
    retry_at = monotonic() + RETRY_THREAD_S
    if not has_warned then
      log.warn("calls take up to 4 ms longer, because no thread can wake this worker: " .. message)
    end
    has_warned = true
    return nil
  end
  has_warned = false
  poller.pool():watch(opened.wake:fd())
  for _, fd in ipairs(watches.fds) do opened.wake:watch(fd) end
  return opened
end

local function serve()
  while has_work() do
    polled_at, lost_after = monotonic(), SLEEPER_LOST_S
    local mine = monotonic() >= retry_at and open_door()
    if mine then
      if door then door.wake:close() end -- the timer that has it counts as lost; if it is not, this ends its wait
      door = mine
      local ok, raised = xpcall(drive_by, failure.raised, mine)
      mine:close()
      if door ~= mine then return end
      door, polled_at = nil, 0
      if not ok then failure.raise(raised) end
    else
      poller.drive(nil, retry_at)
    end
  end
end

-- The callback of the timer.
local function run()
  local ok, raised = xpcall(serve, failure.raised)
  if not door then polled_at = 0 end -- another timer may have replaced this one
  if not ok then log.error("polling failed: " .. failure.text(failure.parts(raised))) end
end

local function is_lost()
  return monotonic() - polled_at > lost_after
end

--- Ensures that something polls, if possible.
---@return boolean is_ensured
function poller.ensure()
  if not is_lost() then return true end
  polled_at, lost_after = monotonic(), SLEEPER_LOST_S
  return nginx_timer.start(0, run)
end

--- To be called by a task that is about to wait, and regularly while it waits.
---@return boolean is_lost whether the task must poll itself, by `drive`
function poller.check()
  waited_at = monotonic()
  return is_lost() and has_work()
end

--- Adds a transfer that was started, and its wait.
function poller.add(transfer, wait)
  waits[transfer], in_flight = wait, in_flight + 1
  is_new = true
  if not door then return end
  local timeout = in_flight > 1 and 0 or pool:timeout() or HEARTBEAT_S
  if timeout <= 0 then return door.wake:notify() end
  local at = monotonic() + timeout
  if at >= armed_until then return end -- the worker may have to look again soon, for descriptors that stay ready
  armed_until = at
  door.wake:arm(timeout)
end

--- Removes the wait of a transfer; false if it has finished.
---@param transfer apivideo.core.Transfer
---@return boolean
function poller.remove(transfer)
  if not waits[transfer] then return false end
  waits[transfer], in_flight = nil, in_flight - 1
  return true
end

local function report(raised)
  log.error("a callback failed: " .. failure.text(failure.parts(failure.raised(raised))))
end

--- See runtime.watch.
function poller.watch(source, callback)
  watches:add(source, function() xpcall(callback, report) end)
  if door then
    if type(source) == "number" then door.wake:watch(source) end
    door.wake:notify()
  end
  poller.ensure()
end

--- See runtime.unwatch.
function poller.unwatch(source)
  watches:remove(source)
  if door and type(source) == "number" then door.wake:unwatch(source) end
end

return poller
