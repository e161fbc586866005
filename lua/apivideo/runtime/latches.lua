--- Latches for any event loop: tasks wait until a latch is open.

local unpack = table.unpack or unpack

local latches = {}

--- Creates a wait of an event loop, for one suspension. All fields exist from the start, so that ending it needs no
--- memory; it may end before it begins, in a finalizer.
function latches.new_wait()
  return { over = false, timed_out = false, task = false, next = false }
end

---@class apivideo.Latch
local Latch = {}
Latch.__index = Latch
Latch.__name = "apivideo.Latch"

---@return boolean
function Latch:is_open()
  return self.values ~= nil
end

--- Opens the latch. All present and later waits return the values. Opening it again has no effect.
---@param ... any
function Latch:open(...)
  if self.values then return end
  self.values = { n = select("#", ...), ... }
  for _, wait in ipairs(self.waits) do self.wake(wait) end
  self.waits = nil
end

--- Adds a wait of the event loop, which `open` ends. Something else may end it before.
function Latch:join(wait)
  self.waits[#self.waits + 1] = wait
end

--- Removes a finished wait, so that a long-lived latch does not accumulate waits.
function Latch:leave(wait)
  for i = self.waits and #self.waits or 0, 1, -1 do
    if self.waits[i] == wait then
      table.remove(self.waits, i)
      return
    end
  end
end

--- Waits until the latch is open.
---@param seconds? number timeout; default: none
---@param cancel? apivideo.Latch ends the wait when it opens
---@return any ... the values of `open`; or nil, "timeout"; or nil, "cancelled"
function Latch:wait(seconds, cancel)
  if self.values then return unpack(self.values, 1, self.values.n) end
  local wait = latches.new_wait() -- a finalizer that runs here may run the loop, which opens latches
  if self.values then return unpack(self.values, 1, self.values.n) end
  if cancel and cancel:is_open() then return nil, "cancelled" end
  self:join(wait)
  if cancel then cancel:join(wait) end
  local in_time = self.suspend(wait, seconds)
  if cancel then cancel:leave(wait) end
  if self.values then return unpack(self.values, 1, self.values.n) end
  self:leave(wait)
  return nil, in_time and "cancelled" or "timeout"
end

--- Returns a constructor of latches for an event loop.
---@param suspend fun(wait: table, seconds?: number): boolean waits until `wait` is woken; false after the timeout
---@param wake fun(wait: table) ends a wait; idempotent
---@return fun(): apivideo.Latch
function latches.over(suspend, wake)
  return function()
    return setmetatable({ waits = {}, suspend = suspend, wake = wake }, Latch)
  end
end

return latches
