--- The activity of the store in memory: numbers of each minute of the last hour.

local core = require "apivideo.core"
local MINUTES = require("apivideo.inbox.store").ACTIVITY_MINUTES

---@class apivideo.inbox.MemoryActivity
---@field private _minutes table<integer, apivideo.inbox.Minute> by the number of the minute
local Activity = {}
Activity.__index = Activity
Activity.__name = "apivideo.inbox.MemoryActivity"

local function minute_of(time)
  return math.floor(time / 60)
end

local function empty()
  return { received = 0, handled = 0, latency = 0, replayed = 0, failed = 0 }
end

-- Removes the minutes that are over for more than an hour.
local function prune(self, current)
  for minute in pairs(self._minutes) do
    if minute <= current - MINUTES then self._minutes[minute] = nil end
  end
end

--- Adds to a number of the minute of a time, unless that is too long ago.
---@param name string
---@param time number
---@param number? number default 1
function Activity:add(name, time, number)
  local minute, current = minute_of(time), minute_of(core.monotonic())
  if minute <= current - MINUTES then return end
  if not self._minutes[minute] then
    prune(self, current)
    self._minutes[minute] = empty()
  end
  local numbers = self._minutes[minute]
  numbers[name] = numbers[name] + (number or 1)
end

--- Adds an entry that is done.
---@param entry table
function Activity:add_done(entry)
  if entry.replay then return self:add("replayed", entry.ended_at) end
  self:add("handled", entry.ended_at)
  self:add("latency", entry.ended_at, entry.ended_at - entry.stored_at)
end

--- See apivideo.Store.activity.
function Activity:list()
  local now, list = core.monotonic(), {}
  local current = minute_of(now)
  for i = 1, MINUTES do list[i] = self._minutes[current - MINUTES + i] or empty() end
  return list, now - current * 60
end

local activity = {}

---@return apivideo.inbox.MemoryActivity
function activity.new()
  return setmetatable({ _minutes = {} }, Activity)
end

return activity
