--- A task that has always something to do, and calls that do not wait: now and then it lets others go on.

local runtime = require "apivideo.runtime"

local LONGEST = 0.005 -- seconds

---@class apivideo.Slice
local Slice = {}
Slice.__index = Slice

--- Lets others go on, if it has been long enough since.
function Slice:breathe()
  if runtime.monotonic() - self.began < LONGEST then return end
  runtime.pass()
  self.began = runtime.monotonic()
end

return {
  ---@return apivideo.Slice
  new = function() return setmetatable({ began = runtime.monotonic() }, Slice) end,
}
