--- Wakes the tasks that wait for a change of an object, such as a video, when an event about it passes through this
--- process. A notification only means that it is worth reading the state again.

local runtime = require "apivideo.runtime"

-- id -> latch. Weak: a latch that no task uses any longer is removed, also when nginx has ended the task.
local waiting = setmetatable({}, { __mode = "v" })

local wakeups = {}

--- The latches of the ids for which a task waits. Public for the dispatch of events, a hot path: one lookup while no
--- task waits for the event's object.
---@type table<any, apivideo.Latch>
wakeups.waiting = waiting

--- The latch that the next notification about an id opens. Get it before you read the state: a notification during the
--- request counts, because the response may be older.
---@param id string
---@return apivideo.Latch
function wakeups.latch(id)
  local latch = waiting[id]
  if not latch then
    latch = runtime.latch()
    waiting[id] = latch
  end
  return latch
end

--- Wakes the tasks that wait for an id.
---@param id any nil, for an event without one, has no effect
function wakeups.notify(id)
  local latch = waiting[id]
  if not latch then return end
  waiting[id] = nil
  latch:open(true)
end

return wakeups
