--- Group commit: events that come at the same time share one transaction of the store.

local errors = require "apivideo.error"
local protected = require "apivideo.pcall"
local runtime = require "apivideo.runtime"

local PATIENCE = 0.05 -- seconds after which one who waits for the first of a batch to store it does so himself
local LONGEST = 5     -- seconds for which one waits for a transaction that another one makes

---@class apivideo.inbox.Group
local Group = {}
Group.__index = Group

-- Stores a batch, unless somebody has begun to, and tells all who wait for it.
local function store(self, batch)
  if batch.taken then return end
  if self.batch == batch then self.batch = nil end
  batch.taken = true
  local ok, verdicts, err = protected.call(self.store.put, self.store, batch.items, self.window)
  if not ok then
    verdicts, err = nil, errors.new("store_unavailable", "the store failed: " .. tostring(verdicts))
  end
  batch.answer:open(verdicts, err)
end

-- Waits until a batch is stored. In nginx, the request of who is to store it may have been ended.
local function wait(self, batch)
  local verdicts, err = batch.answer:wait(PATIENCE)
  if err ~= "timeout" then return verdicts, err end
  store(self, batch)
  verdicts, err = batch.answer:wait(LONGEST)
  if err == "timeout" then
    err = errors.new("store_unavailable", ("the store did not answer in %d seconds"):format(LONGEST))
  end
  return verdicts, err
end

--- Puts an item into the store, with all that others put until the loop comes round.
---@param item apivideo.StoredItem
---@return boolean|nil is_new
---@return apivideo.Error? err
function Group:put(item)
  local batch = self.batch
  local is_first = not batch
  if is_first then
    batch = { items = {}, answer = runtime.latch() }
    self.batch = batch
  end
  local place = #batch.items + 1
  batch.items[place] = item
  if is_first then
    runtime.pass()
    store(self, batch)
  end
  local verdicts, err = wait(self, batch)
  if not verdicts then return nil, err end
  return verdicts[place]
end

local group = {}

---@param target apivideo.Store
---@param window number seconds, for its `put`
---@return apivideo.inbox.Group
function group.new(target, window)
  return setmetatable({ store = target, window = window }, Group)
end

return group
