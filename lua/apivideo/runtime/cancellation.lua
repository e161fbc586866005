--- Ends calls from outside: another task cancels, and the call returns with the error `cancelled`.

local runtime = require "apivideo.runtime"

---@class apivideo.Cancellation
---@field latch apivideo.Latch opens with the cancellation
local Cancellation = {}
Cancellation.__index = Cancellation
Cancellation.__name = "apivideo.cancellation"

--- Cancels every call that was given this, those under way and those to come.
function Cancellation:cancel()
  self.latch:open(true)
end

---@return boolean
function Cancellation:is_cancelled()
  return self.latch:is_open()
end

local cancellation = {}

---@return apivideo.Cancellation
function cancellation.new()
  return setmetatable({ latch = runtime.latch() }, Cancellation)
end

---@param value any
---@return boolean
function cancellation.is(value)
  return getmetatable(value) == Cancellation
end

return cancellation
