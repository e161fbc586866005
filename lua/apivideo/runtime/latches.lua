--- Gates for tasks, over any loop: all who wait pass once a gate is open.

local unpack = table.unpack or unpack

---@class apivideo.Latch
local Latch = {}
Latch.__index = Latch

--- Whether it is open.
---@return boolean
function Latch:is_open()
  return self.values ~= nil
end

--- Opens it, once; the values go to all who wait and will wait.
---@param ... any
function Latch:open(...)
  if self.values then return end
  self.values = { n = select("#", ...), ... }
  for _, wait in ipairs(self.waits) do self.wake(wait) end
  self.waits = nil
end

--- Lets the opening end a wait of the loop, whatever else that waits for.
function Latch:join(wait)
  self.waits[#self.waits + 1] = wait
end

--- Takes a wait that is over off the latch, which may live on.
function Latch:leave(wait)
  for i = self.waits and #self.waits or 0, 1, -1 do
    if self.waits[i] == wait then
      table.remove(self.waits, i)
      return
    end
  end
end

--- Waits until it is open.
---@param seconds? number how long at most; without it, for ever
---@param cancel? apivideo.Latch ends the wait when it opens
---@return any ... what `open` was given; or nil, "timeout"; or nil, "cancelled"
function Latch:wait(seconds, cancel)
  if self.values then return unpack(self.values, 1, self.values.n) end
  if cancel and cancel:is_open() then return nil, "cancelled" end
  local wait = {}
  self:join(wait)
  if cancel then cancel:join(wait) end
  local in_time = self.suspend(wait, seconds)
  if cancel then cancel:leave(wait) end
  if self.values then return unpack(self.values, 1, self.values.n) end
  self:leave(wait)
  return nil, in_time and "cancelled" or "timeout"
end

local latches = {}

--- Latches of a loop.
---@param suspend fun(wait: table, seconds?: number): boolean waits until `wait` is woken; false when the time ran out
---@param wake fun(wait: table) ends a wait, once
---@return fun(): apivideo.Latch
function latches.over(suspend, wake)
  return function()
    return setmetatable({ waits = {}, suspend = suspend, wake = wake }, Latch)
  end
end

return latches
