--- Group commit: calls of one kind that are made at the same time share one transaction of the store.

local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local GATHER_MAX_S = 0.005 -- how long a batch may grow
local LEADER_TIMEOUT_S = 0.05 -- after which a waiting call executes the batch itself
local TRANSACTION_TIMEOUT_S = 5 -- how long a call waits for the transaction of another call

---@class apivideo.inbox.Group
local Group = {}
Group.__index = Group
Group.__name = "apivideo.inbox.Group"

-- Executes a batch, unless another call has started to, and wakes all calls that wait for it.
local function execute(self, batch)
  if batch.is_started then return end
  if self.batch == batch then self.batch = nil end
  batch.is_started = true
  local ok, results, err = protected.call(self.execute, batch.items)
  if not ok then
    results, err = nil, errors.new("store_unavailable", "the store failed: " .. failure.message(results))
  end
  batch.done:open(results, err)
end

-- Lets other calls join a batch while new ones do: the sync of a transaction costs more than this wait.
local function gather(batch)
  local ends = runtime.monotonic() + GATHER_MAX_S
  local count
  repeat
    count = #batch.items
    runtime.pass()
  until #batch.items == count or runtime.monotonic() >= ends
end

-- Waits until a batch is done. In nginx, the request of the call that should execute it may have been ended.
local function wait(self, batch)
  local results, err = batch.done:wait(LEADER_TIMEOUT_S)
  if err ~= "timeout" then return results, err end
  execute(self, batch)
  results, err = batch.done:wait(TRANSACTION_TIMEOUT_S)
  if err == "timeout" then
    err = errors.new("store_unavailable", ("the store did not respond within %d s"):format(TRANSACTION_TIMEOUT_S))
  end
  return results, err
end

--- Adds an item to the current batch, and waits until the batch is done.
---@param item any
---@return any result of the item; nil if the whole batch failed
---@return apivideo.Error? err
function Group:call(item)
  local batch = self.batch
  local is_first = not batch
  if is_first then
    batch = { items = {}, done = runtime.latch() }
    self.batch = batch
  end
  local place = #batch.items + 1
  batch.items[place] = item
  if is_first then
    gather(batch)
    execute(self, batch)
  end
  local results, err = wait(self, batch)
  if not results then return nil, err end
  return results[place]
end

local group = {}

---@param execute_batch fun(items: any[]): any[]|nil, apivideo.Error? the result of each item, or nil and an error
---@return apivideo.inbox.Group
function group.new(execute_batch)
  return setmetatable({ execute = execute_batch }, Group)
end

return group
