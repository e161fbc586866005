--- Time slices, for a task that always has work and never waits: it yields regularly, so that other tasks can run.

local runtime = require "apivideo.runtime"

local TIME_SLICE_S = 0.005

---@class apivideo.TimeSlice
local TimeSlice = {}
TimeSlice.__index = TimeSlice
TimeSlice.__name = "apivideo.TimeSlice"

--- Lets other tasks run, if the time slice is over.
function TimeSlice:yield()
  if runtime.monotonic() - self._began < TIME_SLICE_S then return end
  runtime.pass()
  self._began = runtime.monotonic()
end

return {
  ---@return apivideo.TimeSlice
  new = function() return setmetatable({ _began = runtime.monotonic() }, TimeSlice) end,
}
