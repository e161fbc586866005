--- Counts in a dictionary that processes share. nginx has one lock for all workers for each access to a dictionary, so
--- a worker adds its counts once a second.

local host = require "apivideo.runtime.host"
local nginx_timer = require "apivideo.runtime.nginx_timer"

local FLUSH_AFTER_S = 1

---@class apivideo.SharedCounts
---@field private store apivideo.Dictionary
---@field private pending table<string, number> what the dictionary does not have yet, by key
---@field private is_scheduled boolean
local SharedCounts = {}
SharedCounts.__index = SharedCounts

--- Adds all pending counts to the dictionary.
function SharedCounts:flush()
  local pending = self.pending
  self.pending, self.is_scheduled = {}, false
  for key, value in pairs(pending) do self.store:incr(key, value, 0) end
end

-- Starts a timer, which ends early when the worker exits. Whether it could: nginx may have none left, and allows none in
-- init_by_lua or in a worker that exits; a script has no event loop that would always run.
local function schedule(self)
  if not host.ngx then return false end
  return nginx_timer.start(FLUSH_AFTER_S, function() self:flush() end)
end

--- Adds to a count. Without a timer it is in the dictionary at once.
---@param key string
---@param value number
function SharedCounts:add(key, value)
  local pending = self.pending
  pending[key] = (pending[key] or 0) + value
  if self.is_scheduled then return end
  self.is_scheduled = true
  if not schedule(self) then self:flush() end
end

--- The count of all processes, without what others have not added yet.
---@param key string
---@return number
function SharedCounts:get(key)
  return (self.store:get(key) or 0) + (self.pending[key] or 0)
end

local shared_counts = {}

---@param store apivideo.Dictionary
---@return apivideo.SharedCounts
function shared_counts.new(store)
  return setmetatable({ store = store, pending = {}, is_scheduled = false }, SharedCounts)
end

return shared_counts
