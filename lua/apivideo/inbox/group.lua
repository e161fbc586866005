--- Group commit: calls of one kind that are made at the same time share one transaction of the store.

local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local GATHERING = 0.005 -- seconds for which a batch may grow
local PATIENCE = 0.05   -- seconds after which one who waits for the first of a batch to store it does so himself
local LONGEST = 5       -- seconds for which one waits for a transaction that another one makes

---@class apivideo.inbox.Group
local Group = {}
Group.__index = Group

-- Has a batch done, unless somebody has begun to, and tells all who wait for it.
local function run(self, batch)
  if batch.taken then return end
  if self.batch == batch then self.batch = nil end
  batch.taken = true
  local ok, results, err = protected.call(self.execute, batch.items)
  if not ok then
    results, err = nil, errors.new("store_unavailable", "the store failed: " .. failure.message(results))
  end
  batch.answer:open(results, err)
end

-- Lets others join a batch as long as some do: a sync costs more than what it waits for.
local function gather(batch)
  local ends = runtime.monotonic() + GATHERING
  local count
  repeat
    count = #batch.items
    runtime.pass()
  until #batch.items == count or runtime.monotonic() >= ends
end

-- Waits until a batch is done. In nginx, the request of who is to do it may have been ended.
local function wait(self, batch)
  local results, err = batch.answer:wait(PATIENCE)
  if err ~= "timeout" then return results, err end
  run(self, batch)
  results, err = batch.answer:wait(LONGEST)
  if err == "timeout" then
    err = errors.new("store_unavailable", ("the store did not answer in %d seconds"):format(LONGEST))
  end
  return results, err
end

--- Has an item done, with all that others give until the loop comes round.
---@param item any
---@return any result what became of it; nil when the whole batch failed
---@return apivideo.Error? err
function Group:call(item)
  local batch = self.batch
  local is_first = not batch
  if is_first then
    batch = { items = {}, answer = runtime.latch() }
    self.batch = batch
  end
  local place = #batch.items + 1
  batch.items[place] = item
  if is_first then
    gather(batch)
    run(self, batch)
  end
  local results, err = wait(self, batch)
  if not results then return nil, err end
  return results[place]
end

local group = {}

---@param execute fun(items: any[]): any[]|nil, apivideo.Error? what became of each, or nil and an error
---@return apivideo.inbox.Group
function group.new(execute)
  return setmetatable({ execute = execute }, Group)
end

return group
