--- The clock of this library, which a test moves forward instead of waiting.
---
--- The functions that read the clocks are replaced, and not before the first call: production code has no hook for it.

local checks = require "apivideo.util.checks"
local core = require "apivideo.core"
local runtime = require "apivideo.runtime"
local thread = require "apivideo.runtime.thread"

local now, monotonic = core.now, core.monotonic

---@class apivideo.TestClock
---@field private _ahead number seconds that the time of day is ahead
---@field private _monotonic_ahead number seconds that the monotonic clock is ahead
local Clock = {}
Clock.__index = Clock
Clock.__name = "apivideo.TestClock"

Clock.__tostring = function(self) return ("apivideo.testing.clock (%g s ahead)"):format(self._ahead) end

local clock = setmetatable({ _ahead = 0, _monotonic_ahead = 0 }, Clock)

local function now_ahead() return now() + clock._ahead end
local function monotonic_ahead() return monotonic() + clock._monotonic_ahead end

--- Moves the clock of this library in this process forward: what expires within that time has expired, and waits that
--- end within it end at the next turn of the event loop. The time limits inside libcurl and of connections to the
--- server, and other processes, keep their time.
---@param seconds number
function Clock:advance(seconds)
  checks.self(self, Clock, "clock", "advance")
  checks.value("clock:advance: seconds", seconds, "seconds>=0", 2)
  self._ahead, self._monotonic_ahead = self._ahead + seconds, self._monotonic_ahead + seconds
  core.now, runtime.now = now_ahead, now_ahead
  core.monotonic, runtime.monotonic = monotonic_ahead, monotonic_ahead
  thread.clock_ahead = self._monotonic_ahead
end

--- Sets the time of day back to that of the system, for the next test. What has expired stays so: the monotonic clock
--- never goes back, since tasks that wait would wait longer.
function Clock:reset()
  checks.self(self, Clock, "clock", "reset")
  self._ahead = 0
end

return clock
