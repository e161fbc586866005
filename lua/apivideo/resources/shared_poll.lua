--- Polls of one state that several tasks wait for: one request at a time for all of them, with growing pauses. An event
--- about the object ends a pause.

local backoff = require "apivideo.util.backoff"
local runtime = require "apivideo.runtime"
local single_flight = require "apivideo.runtime.single_flight"
local wakeups = require "apivideo.runtime.wakeups"

local WOKEN_PAUSE_MAX_S = 1 -- since the last poll, also after an event: senders choose how many events come

---@class apivideo.SharedPoll
---@field value any of the last poll that succeeded
---@field err? apivideo.Error of the last poll, if it failed
---@field private _id string
---@field private _fetch fun(): any, apivideo.Error?
---@field private _requests apivideo.SingleFlight
---@field private _lost_after number seconds after which a request counts as lost
---@field private _woken apivideo.Latch opens with an event since the start of the last poll
---@field private _count integer polls that have ended
---@field private _pauses integer since the first poll, or since the last event
---@field private _polled_at number when the last poll ended
---@field private _retry_at number before which a response does not allow the next poll
---@field private _due number when the next poll starts
local SharedPoll = {}
SharedPoll.__index = SharedPoll
SharedPoll.__name = "apivideo.SharedPoll"

local shared_poll = {}

--- Seconds: the first pause, which doubles, with 50 % jitter, and the maximum.
shared_poll.policy = { base = 1, cap = 15 }

local function poll(self)
  self._woken = wakeups.latch(self._id)
  local value, err = self._fetch()
  if not err then self.value = value end
  self.err = err
  self._count, self._pauses = self._count + 1, self._pauses + 1
  local policy, now = shared_poll.policy, runtime.monotonic()
  local pause = backoff.half_jitter(self._pauses, policy.base, policy.cap)
  self._polled_at, self._retry_at = now, now + (err and err.retry_after or 0)
  self._due = math.max(now + pause, self._retry_at)
end

-- Adds a waiting task. Returns the number of polls whose results it does not use: a value that is younger than the
-- first pause is fresh, so that any number of tasks cause one request in that time.
local function join(self)
  local fresh_until = self._polled_at + shared_poll.policy.base
  self._due = math.min(self._due, math.max(fresh_until, self._retry_at))
  local is_fresh = not self.err and runtime.monotonic() < fresh_until
  return is_fresh and self._count - 1 or self._count
end

-- Waits for the current request, or during the pause before the next one; which request that is makes no difference.
local function wait(self, seconds, cancel)
  local now = runtime.monotonic()
  local request = self._requests:in_progress(self)
  if not request and self._woken:is_open() then -- after a request in progress, which may be too early for the event
    self._pauses, self._woken = 0, wakeups.latch(self._id)
    local pause = math.min(WOKEN_PAUSE_MAX_S, shared_poll.policy.base)
    self._due = math.min(self._due, math.max(self._polled_at + pause, self._retry_at))
  end
  if not request and now >= self._due then request = self._requests:start(self, poll, self) end
  local latch, limit = request or self._woken, request and self._lost_after or self._due - now
  local ok, problem = latch:wait(math.min(seconds, limit), cancel)
  if ok == false then error(problem, 0) end
end

--- Waits until a polled value is accepted.
---@param accept fun(value: any): any, apivideo.Error? returns a result, or nil and an error, which ends the wait, too; otherwise nothing
---@param ends number by the monotonic clock
---@param cancel? apivideo.Latch ends the wait when it opens
---@return any result of `accept`
---@return apivideo.Error|"timeout"|"cancelled"|nil err also of a poll, if it is not retryable
function SharedPoll:wait(accept, ends, cancel)
  local seen = join(self)
  while true do
    if self._count > seen then
      seen = self._count
      local result, err = nil, self.err
      if not err then result, err = accept(self.value) end
      if result or err and not (err == self.err and err.retryable) then return result, err end
    end
    local seconds = ends - runtime.monotonic()
    if cancel and cancel:is_open() then return nil, "cancelled" end
    if seconds <= 0 then return nil, "timeout" end
    wait(self, seconds, cancel)
  end
end

--- Creates the poll of a state. It sends nothing while no task waits.
---@param id string of the object whose events end a pause
---@param lost_after number seconds after which a request counts as lost
---@param fetch fun(): any, apivideo.Error? reads the state; returns a value, or nil and an error
---@return apivideo.SharedPoll
function shared_poll.new(id, lost_after, fetch)
  return setmetatable({
    _id = id, _fetch = fetch, _lost_after = lost_after, _requests = single_flight.new(lost_after),
    _woken = wakeups.latch(id), _count = 0, _pauses = 0, _polled_at = -math.huge,
    _retry_at = -math.huge, _due = -math.huge,
  }, SharedPoll)
end

return shared_poll
