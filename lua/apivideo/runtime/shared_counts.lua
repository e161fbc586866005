--- Counts in a dictionary that processes share. nginx has one lock for all workers for each access to a dictionary, so
--- a worker adds its counts once a second.

local core = require "apivideo.core"
local host = require "apivideo.runtime.host"
local nginx_timer = require "apivideo.runtime.nginx_timer"

local FLUSH_AFTER_S = 1
local LOST_S = 2 -- after which a timer that has not run counts as lost
local CHECK_INTERVAL = 10 -- additions: reading the clock takes longer than one

---@class apivideo.SharedCounts
---@field private store apivideo.Dictionary
---@field private pending table<string, number> what the dictionary does not have yet, by key
---@field private scheduled_at number|nil monotonic time at which the timer was started
---@field private additions integer since the timer was last checked
local SharedCounts = {}
SharedCounts.__index = SharedCounts

-- Adds all pending counts to the dictionary.
local function flush(self)
  local pending = self.pending
  self.pending = {}
  for key, value in pairs(pending) do self.store:incr(key, value, 0) end
end

-- Starts a timer, which ends early when the worker exits. Whether it could: nginx may have none left, and allows none in
-- init_by_lua or in a worker that exits; a script has no event loop that would always run.
local function schedule(self)
  if not host.ngx then return false end
  self.scheduled_at, self.additions = core.monotonic(), 0
  return nginx_timer.start(FLUSH_AFTER_S, function()
    self.scheduled_at = nil
    flush(self)
  end)
end

-- Whether the timer will run: nginx drops one that expires while too many are running.
local function is_scheduled(self)
  if not self.scheduled_at then return false end
  self.additions = self.additions + 1
  if self.additions < CHECK_INTERVAL then return true end
  self.additions = 0
  return core.monotonic() - self.scheduled_at < LOST_S
end

--- Adds to a count. Without a timer it is in the dictionary at once.
---@param key string
---@param value number
function SharedCounts:add(key, value)
  local pending = self.pending
  pending[key] = (pending[key] or 0) + value
  if is_scheduled(self) then return end
  if self.scheduled_at or not schedule(self) then
    self.scheduled_at = nil
    flush(self)
  end
end

--- The count of all processes, without what others have not added yet. It is in the dictionary then: the next process
--- that is asked must not know less, which Prometheus would take for a restart.
---@param key string
---@return number
function SharedCounts:get(key)
  if next(self.pending) then flush(self) end
  return self.store:get(key) or 0
end

local shared_counts = {}

---@param store apivideo.Dictionary
---@return apivideo.SharedCounts
function shared_counts.new(store)
  return setmetatable({ store = store, pending = {}, additions = 0 }, SharedCounts)
end

return shared_counts
