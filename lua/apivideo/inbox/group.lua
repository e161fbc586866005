--- Group commit: calls of one kind that are made at the same time, or while the store is busy, share one transaction.

local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local GATHER_MAX_S = 0.005 -- how long a batch may grow while the store is idle
local WAIT_MAX_S = 5 -- how long a call waits for its batch, by default
local CHECK_S, CHECK_MAX_S = 0.05, 1 -- after which a waiting call checks that a task executes batches; it doubles
local CHECKING_MAX = 10 -- calls of a batch that check; nginx may end the requests of some
local LOST_S = 2 -- after which a task that has not returned counts as lost
local BATCH_MAX = 10000 -- calls, of which the first ones may have ended their wait

---@class apivideo.inbox.Group
---@field execute fun(items: any[]): any[]|nil, apivideo.Error?
---@field wait_max number seconds
---@field batch { items: any[], done: apivideo.Latch }|nil the batch that grows
---@field task { since: number, has_begun?: boolean, is_queued?: boolean }|nil that executes a batch
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

local start

-- Executes the batch that grows, and wakes all calls that wait for it. The next batch, which has grown in the meantime,
-- has a task of its own, since in nginx a task that passes needs memory until it ends. (A task that is not queued runs
-- in a call, because nginx has no timer for it: the next batch waits for another call, so that this one returns.)
local function run(self, task)
  if self.task ~= task then return end -- it counted as lost
  local batch = self.batch
  task.since, task.has_begun = runtime.monotonic(), true
  protected.call(gather, batch) -- without memory, the batch does not grow
  if self.task ~= task then return end
  self.batch = nil
  local ok, results, err = protected.call(self.execute, batch.items)
  if self.task == task then self.task = nil end
  if not ok then
    results, err = nil, errors.new("store_unavailable", "the store failed: " .. failure.message(results))
  end
  batch.done:open(results, err)
  if self.batch and not self.task and task.is_queued then start(self) end
end

local function new_task(self)
  self.task = { since = runtime.monotonic() }
  return self.task
end

start = function(self)
  local task = new_task(self)
  runtime.spawn(run, self, task)
  task.is_queued = true
end

-- Replaces a task that is lost: nginx may drop the timer of a task, or end the request in which it runs. A store that
-- takes longer gets another transaction.
local function check(self)
  local task = self.task
  if not task then return start(self) end
  local age = runtime.monotonic() - task.since
  if not task.has_begun and age >= CHECK_S then return run(self, new_task(self)) end -- here: nginx may drop each timer
  if age > LOST_S then start(self) end
end

-- Waits until a batch is done, as the call with a place in it.
local function wait(self, batch, place)
  local ends, pause = runtime.monotonic() + self.wait_max, place <= CHECKING_MAX and CHECK_S or self.wait_max
  repeat
    local results, err = batch.done:wait(pause)
    if err ~= "timeout" then return results, err end
    if self.batch == batch then check(self) end
    pause = math.min(pause * 2, CHECK_MAX_S, ends - runtime.monotonic())
  until pause <= 0
  if batch.done:is_open() then return batch.done:wait() end
  return nil, errors.new("store_unavailable", ("the store did not respond within %d s"):format(self.wait_max))
end

--- Adds an item to the batch that grows, and waits until it is done. A task of its own executes it: nginx may end the
--- requests that wait.
---@param item any
---@return any result of the item; nil if the whole batch failed
---@return apivideo.Error? err
function Group:call(item)
  local batch = self.batch or { items = {}, done = runtime.latch() }
  local place = #batch.items + 1
  if place > BATCH_MAX then return nil, errors.new("store_unavailable", "too many calls wait for the store") end
  self.batch = batch
  batch.items[place] = item
  if not self.task then start(self) end
  local results, err = wait(self, batch, place)
  if not results then return nil, err end
  return results[place]
end

local group = {}

---@param execute_batch fun(items: any[]): any[]|nil, apivideo.Error? the result of each item, or nil and an error
---@param wait_max? number seconds after which a call returns an error; default 5
---@return apivideo.inbox.Group
function group.new(execute_batch, wait_max)
  return setmetatable({ execute = execute_batch, wait_max = wait_max or WAIT_MAX_S }, Group)
end

return group
