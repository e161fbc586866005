--- The option `rate` of inbox:work: handlers begin at equal intervals at most.

local runtime = require "apivideo.runtime"

local WAIT_MAX_S = 1 -- after which a waiting task looks whether the process is ending

---@class apivideo.inbox.Pace
---@field private _interval number seconds
---@field private _next number monotonic time of the next turn that no task has
local Pace = {}
Pace.__index = Pace
Pace.__name = "apivideo.inbox.Pace"

--- Waits for the turn of this task.
---@param is_ending fun(): boolean
---@param cancelled? apivideo.Latch ends the wait
---@return boolean has_turn false if the work is ending
function Pace:wait(is_ending, cancelled)
  local at = math.max(runtime.monotonic(), self._next)
  self._next = at + self._interval
  local seconds = at - runtime.monotonic()
  while seconds > 0 and not is_ending() do
    seconds = math.min(seconds, WAIT_MAX_S)
    if cancelled then cancelled:wait(seconds) else runtime.sleep(seconds) end
    seconds = at - runtime.monotonic()
  end
  return not is_ending()
end

--- Gives a turn back: there was no event.
function Pace:give_back()
  self._next = self._next - self._interval
end

local pace = {}

---@param rate number events per second
---@return apivideo.inbox.Pace
function pace.new(rate)
  return setmetatable({ _interval = 1 / rate, _next = 0 }, Pace)
end

return pace
