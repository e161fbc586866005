--- Cancels calls from another task: the call returns the error `cancelled`.

local checks = require "apivideo.util.checks"
local runtime = require "apivideo.runtime"

---@class apivideo.Cancellation
---@field latch apivideo.Latch opens with the cancellation
local Cancellation = {}
Cancellation.__index = Cancellation
Cancellation.__name = "apivideo.Cancellation"

--- Cancels all calls that have this option, those in progress and later ones.
function Cancellation:cancel()
  checks.self(self, Cancellation, "cancellation", "cancel")
  self.latch:open(true)
end

---@return boolean
function Cancellation:is_cancelled()
  checks.self(self, Cancellation, "cancellation", "is_cancelled")
  return self.latch:is_open()
end

local cancellation = {}

---@return apivideo.Cancellation
function cancellation.new()
  return setmetatable({ latch = runtime.latch() }, Cancellation)
end

--- Raises an error unless the value of an option `cancel` is a cancellation.
---@param where string the function's name, for the message
---@param value any nil without the option
---@param level integer at which it raises, as seen from here
function cancellation.check(where, value, level)
  if value == nil or getmetatable(value) == Cancellation then return end
  error(where .. ': option "cancel" must come from apivideo.cancellation()', level)
end

return cancellation
