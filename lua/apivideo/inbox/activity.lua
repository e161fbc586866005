--- The method of an inbox for what happened in the last hour.

local checks = require "apivideo.util.checks"
local Inbox = require "apivideo.inbox.class"
local MINUTES = require("apivideo.inbox.store").ACTIVITY_MINUTES
local runtime = require "apivideo.runtime"

---@class apivideo.ActivityStep
---@field at number when it began, in seconds since 1970
---@field received integer events that were received
---@field handled integer events that were completed
---@field failed integer attempts that failed
---@field latency? number seconds from the receipt of an event to its completion, on average; nil if no event was completed. Replays do not count

local OPTIONS = { seconds = "integer>=60?", step = "integer>=60?" }

-- The minutes of the whole time, and of one step.
local function minutes_of(options)
  options = checks.options("inbox:activity", options or {}, OPTIONS, 4)
  local step = options.step or 60
  local seconds = options.seconds or MINUTES * 60
  if step % 60 ~= 0 then error(("inbox:activity: step must be a multiple of 60, got %.0f"):format(step), 3) end
  if seconds % step ~= 0 or seconds > MINUTES * 60 then
    error(("inbox:activity: seconds must be a multiple of step (%.0f), and at most %d, got %.0f"):format(step,
      MINUTES * 60, seconds), 3)
  end
  return seconds / 60, step / 60
end

-- The sum of some minutes, which began at a time.
local function step_of(list, first, last, at)
  local received, handled, replayed, failed, latency = 0, 0, 0, 0, 0
  for i = first, last do
    local minute = list[i]
    received, failed = received + minute.received, failed + minute.failed
    handled, replayed = handled + minute.handled, replayed + minute.replayed
    latency = latency + minute.latency
  end
  return { at = at, received = received, handled = handled + replayed, failed = failed,
    latency = handled > 0 and math.max(0, latency / handled) or nil }
end

--- What happened in the last hour, or in a part of it, in steps: also to entries that were removed since. The last step
--- is the current one, which is not over. The steps begin with the minutes of the store's clock.
---@param options? { seconds?: integer, step?: integer } for how long, 3600 at most and by default; the length of a step, 60 by default: multiples of 60
---@return apivideo.ActivityStep[]|nil steps oldest first
---@return apivideo.Error? err `store_unavailable`
function Inbox:activity(options)
  checks.self(self, Inbox, "inbox", "activity")
  local minutes, length = minutes_of(options)
  local list, seconds = self._store:activity()
  if not list then return nil, seconds end
  local steps, ends = {}, runtime.now() - seconds + 60
  for first = #list - minutes + 1, #list, length do
    steps[#steps + 1] = step_of(list, first, first + length - 1, ends - (#list - first + 1) * 60)
  end
  return steps
end

return Inbox
