--- A second store on this machine, for events that arrive while an inbox's store is away. They are forwarded in order
--- when it is back.
---
--- An entry is removed from the spool after the store has it. If the process ends between the two, the entry is
--- forwarded again, and the store knows its key: at least once, and never lost. A forwarded entry leaves nothing behind:
--- the spool must not take the same event for a known one in the next outage, when only the store could be asked.

local core = require "apivideo.core"
local failure = require "apivideo.util.failure"
local inbox_item = require "apivideo.inbox.item"
local log = require "apivideo.runtime.log"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local slices = require "apivideo.runtime.time_slice"

local LANE = "spool"         -- of all entries: only the oldest can be claimed, by one process at a time
local BATCH = 100            -- entries that are put into the store at once
local LEASE = 10             -- seconds that this may take, and after which another process continues for one that died
local LOOK = 1               -- seconds between two checks whether other processes have spooled something
local SHORTEST, LONGEST = 0.25, 5 -- seconds between two attempts to forward
local PATIENCE = 3 * LEASE   -- seconds without a sign of life after which another task forwards

-- The window of what is put out of its order: none. Which events came between two of an occurrence, the spool alone
-- cannot tell, nor the store while some are in the spool; the store decides when the spooled ones are forwarded.
local NO_WINDOW = 0

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

-- Forgets what the parent knew, in a process that was forked: its task does not run here.
local function check_process(self)
  local process = core.process_id()
  if self.process == process then return end
  self.process, self.forwarded = process, {}
  self.used, self.looked, self.seen = true, -math.huge, -math.huge
end

-- Whether something is to be forwarded first, in this process's view, which may be a moment old.
local function is_in_use(self)
  check_process(self)
  local now = runtime.monotonic()
  if self.used or now - self.looked > LOOK then
    self.used, self.looked = not is_empty(self.spool), now
  end
  return self.used
end

-- The items of a claimed entry and of those behind it, and the ids. Ages are measured one after the other, and must
-- not change the order.
local function batch_from(self, first)
  local items, ids, age = {}, {}, math.huge
  local function add(entry)
    local item = self.item_of(entry)
    age = math.min(age, entry.age)
    item.age = age
    items[#items + 1], ids[#ids + 1] = item, entry.id
  end
  add(first)
  for _, entry in ipairs(self.spool:list("waiting", BATCH - 1, first.id) or {}) do add(entry) end
  return items, ids
end

-- Puts an entry and those behind it into the store. True; or nil and an error.
local function put_from(self, entry)
  local items, ids = batch_from(self, entry)
  local results, err = self.store:put(items, self.window)
  if not results then return nil, err end
  inbox_item.log_dropped(items, results, self.window)
  self.forwarded = {}
  for _, id in ipairs(ids) do self.forwarded[id] = true end
  return true
end

-- Forwards an entry. True; or nil and an error, and it is to be forwarded again.
local function forward_entry(self, entry)
  if not self.forwarded[entry.id] then
    local ok, err = put_from(self, entry)
    if not ok then
      self.spool:retry(entry.id, entry.token, 0, failure.text(err))
      return nil, err
    end
  end
  return self.spool:remove(entry.id, entry.token)
end

--- Forwards the oldest entry, if no process does.
---@return boolean|nil forwarded
function Spool:forward_one()
  check_process(self)
  local entries = self.spool:claim(1, LEASE)
  return entries and entries[1] and forward_entry(self, entries[1]) or false
end

--- Forwards what is there, until nothing is left.
function Spool:forward()
  local pause, slice = SHORTEST, slices.new()
  while not self.is_closed and not runtime.is_ending() and is_in_use(self) do
    self.seen = runtime.monotonic()
    local ok, forwarded = protected.call(self.forward_one, self)
    if not ok then log.error("inbox: the spool failed: " .. failure.message(forwarded)) end
    if ok and forwarded then
      pause = SHORTEST
      slice:yield()
    else
      runtime.sleep(pause)
      pause = math.min(LONGEST, pause * 2)
    end
  end
  self.seen = -math.huge
end

--- Starts a task that forwards, if there is anything and no task does.
function Spool:wake()
  check_process(self)
  if self.is_closed or not self.used or runtime.monotonic() - self.seen < PATIENCE then return end
  self.seen = runtime.monotonic()
  runtime.spawn(self.forward, self)
end

--- Closes its store. The task that forwards ends: it could not read the spool any more.
function Spool:close()
  self.is_closed = true
  self.spool:close()
end

--- How many entries wait in the spool, and the age of the oldest; nil while it cannot be read.
---@return integer|nil count
---@return number? oldest seconds
function Spool:size()
  local stats = self.spool:stats()
  if stats then return stats.waiting + stats.claimed, stats.oldest end
end

-- Copies of items, in the spool's lane. One without an event is no dead letter here: it is forwarded, too.
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
---@return (boolean|"occurrence")[]|nil
---@return apivideo.Error?
function Spool:put(items, window)
  if is_in_use(self) then
    local results = self.spool:put(in_one_lane(items), NO_WINDOW)
    self:wake()
    if results then return results end
    return self.store:put(items, NO_WINDOW) -- out of order, but safe
  end
  local results, err = self.store:put(items, window)
  if results then return results end
  log.warn("inbox: events are spooled on this machine: " .. failure.message(err))
  self.used = true
  results, err = self.spool:put(in_one_lane(items), NO_WINDOW)
  self:wake()
  return results, err
end

local spool = {}

---@param store apivideo.Store
---@param second apivideo.Store
---@param window number seconds, for what is forwarded
---@param item_of fun(entry: apivideo.StoredEntry): apivideo.StoredItem with `error` where the entry has no event
---@return apivideo.inbox.Spool
function spool.new(store, second, window, item_of)
  return setmetatable({
    store = store, spool = second, window = window, item_of = item_of,
    process = core.process_id(),
    forwarded = {},      -- ids of those that the store has, and that are not yet removed here
    used = true,         -- until it is known to be empty: another process may have left something
    looked = -math.huge, -- when that was checked
    seen = -math.huge,   -- when the task that forwards was last at work
  }, Spool)
end

return spool
