--- Group commit: events that come at the same time share one transaction of the store.

local errors = require "apivideo.error"
local protected = require "apivideo.pcall"
local runtime = require "apivideo.runtime"

local LONGEST = 30 -- seconds for which one waits for a transaction that another one makes

---@class apivideo.inbox.Group
local Group = {}
Group.__index = Group

-- Stores a batch, and tells all who wait for it.
local function store(self, batch)
  if self.batch == batch then self.batch = nil end
  batch.taken = true
  local ok, verdicts, err = protected.call(self.store.put, self.store, batch.items, self.window)
  if not ok then
    verdicts, err = nil, errors.new("store_unavailable", "the store failed: " .. tostring(verdicts))
  end
  batch.answer:open(verdicts, err)
end

--- Puts an item into the store, with all that others put until the loop comes round.
---@param item apivideo.StoredItem
---@return boolean|nil is_new
---@return apivideo.Error? err
function Group:put(item)
  local batch = self.batch
  if not batch then
    batch = { items = {}, answer = runtime.latch() }
    self.batch = batch
  end
  local place = #batch.items + 1
  batch.items[place] = item
  runtime.sleep(0)
  -- Whoever comes first: in nginx, who began the batch may have been ended with his request.
  if not batch.taken then store(self, batch) end
  local verdicts, err = batch.answer:wait(LONGEST)
  if verdicts then return verdicts[place] end
  if err == "timeout" then
    err = errors.new("store_unavailable", ("the store did not answer in %d seconds"):format(LONGEST))
  end
  return nil, err
end

local group = {}

---@param target apivideo.Store
---@param window number seconds, for its `put`
---@return apivideo.inbox.Group
function group.new(target, window)
  return setmetatable({ store = target, window = window }, Group)
end

return group
