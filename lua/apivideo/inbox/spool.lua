--- A second store, on this machine, for what comes while an inbox's store is away. It is forwarded
--- later, in order.

local item_module = require "apivideo.inbox.item"
local log = require "apivideo.log"
local protected = require "apivideo.pcall"
local runtime = require "apivideo.runtime"
local slices = require "apivideo.slices"

local LANE = "spool"         -- of all: only the oldest can be claimed, by whichever process
local BATCH = 100            -- entries that are put into the store at once
local LEASE = 10             -- seconds that this may take, and that one waits whose process died
local LOOK = 1               -- seconds between two looks whether other processes have spooled something
local SHORTEST, LONGEST = 0.25, 5 -- seconds between two attempts to forward
local PATIENCE = 3 * LEASE   -- seconds without a sign of life after which nobody forwards

---@class apivideo.inbox.Spool
local Spool = {}
Spool.__index = Spool

local function is_empty(store)
  for _, state in ipairs { "waiting", "claimed" } do
    local entries = store:list(state, 1, 0)
    if not entries or #entries > 0 then return false end
  end
  return true
end

-- Whether something is to be forwarded first, in this process's view, which may be a moment old.
local function is_in_use(self)
  local now = runtime.monotonic()
  if self.used or now - self.looked > LOOK then
    self.used, self.looked = not is_empty(self.spool), now
  end
  return self.used
end

-- Puts an entry, whose item is made, and those behind it into the store. True; or nil and an error.
local function put_from(self, entry, item)
  local items, ids = { item }, { entry.id }
  item.age = entry.age
  for _, follower in ipairs(self.spool:list("waiting", BATCH - 1, entry.id) or {}) do
    local next_item = self.item_of(follower)
    if not next_item then break end
    next_item.age = follower.age
    items[#items + 1], ids[#ids + 1] = next_item, follower.id
  end
  local verdicts, err = self.store:put(items, self.window)
  if not verdicts then return nil, err end
  item_module.log_dropped(items, verdicts, self.window)
  self.forwarded = {}
  for _, id in ipairs(ids) do self.forwarded[id] = true end
  return true
end

-- Forwards an entry. True; or nil and an error, and it is to be forwarded again.
local function forward_entry(self, entry)
  if not self.forwarded[entry.id] then
    local item, problem = self.item_of(entry)
    if not item then
      log.error(("inbox: an event in the spool cannot be read, see its dead letters: %s"):format(tostring(problem)))
      return self.spool:bury(entry.id, entry.token, tostring(problem))
    end
    local ok, err = put_from(self, entry, item)
    if not ok then
      self.spool:retry(entry.id, entry.token, 0, tostring(err))
      return nil, err
    end
  end
  return self.spool:complete(entry.id, entry.token)
end

-- Forwards the oldest entry. Whether it did.
local function forward_one(self)
  local entries = self.spool:claim(1, LEASE)
  return entries and entries[1] and forward_entry(self, entries[1]) or false
end

--- Forwards what is there, until nothing is left.
function Spool:forward()
  local pause, slice = SHORTEST, slices.new()
  while not runtime.is_ending() and is_in_use(self) do
    self.seen = runtime.monotonic()
    local ok, forwarded = protected.call(forward_one, self)
    if not ok then log.error("inbox: the spool failed: " .. tostring(forwarded)) end
    if ok and forwarded then
      pause = SHORTEST
      slice:breathe()
    else
      runtime.sleep(pause)
      pause = math.min(LONGEST, pause * 2)
    end
  end
  if not self.used then self.spool:purge("done", 0) end
  self.seen = -math.huge
end

--- Sees to it that a task forwards, if there is anything.
function Spool:wake()
  if not self.used or runtime.monotonic() - self.seen < PATIENCE then return end
  self.seen = runtime.monotonic()
  runtime.spawn(self.forward, self)
end

-- Items as the spool keeps them: in one lane, and open, also where the store will keep a dead letter.
local function in_one_lane(items)
  local list = {}
  for i, item in ipairs(items) do
    local copy = {}
    for name, value in pairs(item) do copy[name] = value end
    copy.lane, copy.error = LANE, nil
    list[i] = copy
  end
  return list
end

--- Puts items into the store; where that is away, or older ones are still to be forwarded, into the spool.
---@param items apivideo.StoredItem[]
---@param window number
---@return boolean[]|nil
---@return apivideo.Error?
function Spool:put(items, window)
  if is_in_use(self) then
    local verdicts = self.spool:put(in_one_lane(items), window)
    self:wake()
    if verdicts then return verdicts end
    return self.store:put(items, window) -- out of order, but safe
  end
  local verdicts, err = self.store:put(items, window)
  if verdicts then return verdicts end
  log.warn("inbox: events are spooled on this machine: " .. tostring(err))
  self.used = true
  verdicts, err = self.spool:put(in_one_lane(items), window)
  self:wake()
  return verdicts, err
end

local spool = {}

---@param store apivideo.Store
---@param second apivideo.Store
---@param window number seconds, for what is forwarded
---@param item_of fun(entry: apivideo.StoredEntry): apivideo.StoredItem|nil, any? nil and why, for one that cannot be read
---@return apivideo.inbox.Spool
function spool.new(store, second, window, item_of)
  return setmetatable({
    store = store, spool = second, window = window, item_of = item_of,
    forwarded = {},      -- ids of those that the store has, and that are not yet completed here
    used = true,         -- until it is known to be empty: another process may have left something
    looked = -math.huge, -- when that was looked for
    seen = -math.huge,   -- when the task that forwards was last at work
  }, Spool)
end

return spool
