--- Group commit: calls of one kind that are made at the same time, or while the store is busy, share one transaction.

local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local GATHER_MAX_S = 0.005 -- how long a batch may grow while the store is idle
local WAIT_MAX_S = 5 -- how long a call waits for its batch
local BATCH_MAX = 1000 -- calls, of which the first ones may have ended their wait

---@class apivideo.inbox.Group
---@field execute fun(items: any[]): any[]|nil, apivideo.Error?
---@field batch { items: any[], done: apivideo.Latch }|nil the batch that grows
---@field is_busy boolean whether a task executes batches
local Group = {}
Group.__index = Group
Group.__name = "apivideo.inbox.Group"

-- Lets other calls join a batch while new ones do: the sync of a transaction costs more than this wait.
local function gather(batch)
  local ends = runtime.monotonic() + GATHER_MAX_S
  local count
  repeat
    count = #batch.items
    runtime.pass()
  until #batch.items == count or runtime.monotonic() >= ends
end

-- Executes a batch, which grows no more.
local function transact(self, batch)
  gather(batch)
  self.batch = nil
  return self.execute(batch.items)
end

local start

-- The task that executes the batch that grows, and wakes all calls that wait for it. The next batch, which has grown in
-- the meantime, has a task of its own, since in nginx a task that passes needs memory until it ends.
local function run(self)
  local batch = self.batch
  local ok, results, err = protected.call(transact, self, batch)
  if not ok then
    results, err = nil, errors.new("store_unavailable", "the store failed: " .. failure.message(results))
  end
  if self.batch == batch then self.batch = nil end
  self.is_busy = false
  if self.batch then start(self) end
  batch.done:open(results, err)
end

start = function(self)
  self.is_busy = true
  local ok, raised = protected.call(runtime.spawn, run, self)
  if ok then return end
  self.is_busy = false
  failure.raise(raised)
end

local function unavailable(message, ...)
  return nil, errors.new("store_unavailable", message:format(...))
end

--- Adds an item to the batch that grows, and waits until it is done. A task of its own executes it: nginx may end the
--- requests that wait.
---@param item any
---@return any result of the item; nil if the whole batch failed
---@return apivideo.Error? err
function Group:call(item)
  local batch = self.batch or { items = {}, done = runtime.latch() }
  local place = #batch.items + 1
  if place > BATCH_MAX then return unavailable "too many calls wait for the store" end
  self.batch = batch
  batch.items[place] = item
  if not self.is_busy then start(self) end
  local results, err = batch.done:wait(WAIT_MAX_S)
  if results then return results[place] end
  if err == "timeout" then return unavailable("the store did not respond within %d s", WAIT_MAX_S) end
  return nil, err
end

local group = {}

---@param execute_batch fun(items: any[]): any[]|nil, apivideo.Error? the result of each item, or nil and an error
---@return apivideo.inbox.Group
function group.new(execute_batch)
  return setmetatable({ execute = execute_batch, is_busy = false }, Group)
end

return group
