--- A second store on this machine, for events that arrive while the store of an inbox is unavailable. They are
--- forwarded in order when it is available again.
---
--- An entry is removed from the spool after the store has it. If the process ends between the two, the entry is
--- forwarded again, and the store recognises its key: at-least-once delivery. The spool keeps no key of a forwarded
--- entry: in the next outage it would drop the same event as a duplicate, and could not ask the store whether it is
--- one.

local core = require "apivideo.core"
local failure = require "apivideo.util.failure"
local inbox_item = require "apivideo.inbox.item"
local log = require "apivideo.runtime.log"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"
local time_slice = require "apivideo.runtime.time_slice"

local LANE = "spool"         -- of all entries: only the oldest can be claimed, by one process at a time
local BATCH = 100            -- entries that are put into the store at once
local LEASE_S = 10           -- for putting a batch; after it, another process continues for one that died
local CHECK_INTERVAL_S = 1   -- between two checks whether other processes have spooled events
local MIN_WAIT_S, MAX_WAIT_S = 0.25, 5 -- between two attempts to forward
local TASK_TIMEOUT_S = 3 * LEASE_S -- without progress, after which another task forwards

-- The window for events that are put out of order. Neither the spool nor the store has all events then, so neither can
-- tell which events came between two of an occurrence; the store decides when the spooled events are forwarded.
local NO_WINDOW = 0

---@class apivideo.inbox.Spool
local Spool = {}
Spool.__index = Spool
Spool.__name = "apivideo.inbox.Spool"

-- Whether there is no entry. The counts are of one time; they are slow when there are many entries, so one that waits
-- decides first.
local function is_empty(store)
  local entries = store:list({ state = "waiting" }, { limit = 1 })
  if not entries or #entries > 0 then return false end
  local stats = store:stats()
  return stats ~= nil and stats.waiting + stats.claimed == 0
end

-- Resets the state in a forked process: the task of the parent does not run here.
local function check_process(self)
  local process = core.process_id()
  if self.process == process then return end
  self.process, self.forwarded, self.away_since = process, {}, nil
  self.used, self.checked_at, self.seen_at = true, -math.huge, -math.huge
end

-- Whether there are entries to be forwarded first. The result may be CHECK_INTERVAL_S old. While the spool is examined,
-- other tasks may put entries into it.
local function is_in_use(self)
  check_process(self)
  local now, puts = runtime.monotonic(), self.puts
  if self.used or now - self.checked_at > CHECK_INTERVAL_S then
    local was_empty = is_empty(self.spool)
    self.used, self.checked_at = not was_empty or self.puts ~= puts, now
  end
  return self.used
end

-- Copies of items, in the spool's lane and without an error: items without an event are forwarded, too, and become dead
-- letters in the store.
local function in_one_lane(items)
  local list = {}
  for i, item in ipairs(items) do
    list[i] = tables.merge(item, { lane = LANE })
    list[i].error = nil
  end
  return list
end

-- Puts items into the spool.
local function put_into_spool(self, items)
  self.used, self.puts = true, self.puts + 1
  local results, err = self.spool:put(in_one_lane(items), NO_WINDOW)
  self:wake()
  return results, err
end

-- The items of a claimed entry and of those after it, and their ids. The ages are measured one after the other, so they
-- are adjusted to keep the order.
local function batch_from(self, first)
  local items, ids, age = {}, {}, math.huge
  local function add(entry)
    local item = self.item_of(entry)
    age = math.min(age, entry.age)
    item.age = age
    items[#items + 1], ids[#ids + 1] = item, entry.id
  end
  add(first)
  local others = self.spool:list({ state = "waiting" }, { limit = BATCH - 1, after = first.id })
  for _, entry in ipairs(others or {}) do add(entry) end
  return items, ids
end

-- Logs that the store is available again.
local function end_outage(self)
  log.warn(("inbox: the store is available again, after %.1f s; the spooled events are forwarded")
    :format(runtime.monotonic() - self.away_since))
  self.away_since = nil
end

-- Puts an entry and those after it into the store. True; or nil and an error.
local function put_from(self, entry)
  local items, ids = batch_from(self, entry)
  local results, err = self.store:put(items, self.window)
  if not results then return nil, err end
  if self.away_since then end_outage(self) end
  inbox_item.log_dropped(items, results, self.window)
  self.forwarded = {}
  for _, id in ipairs(ids) do self.forwarded[id] = true end
  return true
end

-- Forwards an entry. True; or nil and an error, and the entry stays in the spool.
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

--- Forwards the oldest entry, unless another process is forwarding it.
---@return boolean|nil forwarded
function Spool:forward_one()
  check_process(self)
  local entries = self.spool:claim(1, LEASE_S)
  return entries and entries[1] and forward_entry(self, entries[1]) or false
end

--- Forwards entries until the spool is empty.
function Spool:forward()
  local pause, slice = MIN_WAIT_S, time_slice.new()
  while not self.is_closed and not runtime.is_ending() and is_in_use(self) do
    self.seen_at = runtime.monotonic()
    local ok, forwarded = protected.call(self.forward_one, self)
    if not ok then log.error("inbox: the spool failed: " .. failure.message(forwarded)) end
    if ok and forwarded then
      pause = MIN_WAIT_S
      slice:yield()
    else
      runtime.sleep(pause)
      pause = math.min(MAX_WAIT_S, pause * 2)
    end
  end
  self.seen_at = -math.huge
end

--- Starts a task that forwards, if there are entries and no such task runs.
function Spool:wake()
  check_process(self)
  if self.is_closed or not self.used or runtime.monotonic() - self.seen_at < TASK_TIMEOUT_S then return end
  self.seen_at = runtime.monotonic()
  runtime.spawn(self.forward, self)
end

--- Closes the store of the spool, and ends the task that forwards.
function Spool:close()
  self.is_closed = true
  self.spool:close()
end

--- How many entries are in the spool, and the age of the oldest; nil while it cannot be read.
---@return integer|nil count
---@return number? oldest seconds
function Spool:size()
  local stats = self.spool:stats()
  if stats then return stats.waiting + stats.claimed, stats.oldest end
end

--- Puts items into the store; or into the spool, if the store is unavailable or older items have not been forwarded
--- yet.
---@param items apivideo.StoredItem[]
---@param window number
---@return (boolean|"occurrence")[]|nil
---@return apivideo.Error?
function Spool:put(items, window)
  if is_in_use(self) then
    local results = put_into_spool(self, items)
    if results then return results end
    return self.store:put(items, NO_WINDOW) -- out of order, but durable
  end
  local results, err = self.store:put(items, window)
  if results then
    if self.away_since then end_outage(self) end -- another process has forwarded the events
    return results
  end
  log.warn("inbox: events are spooled on this machine, since the store failed: " .. failure.message(err))
  self.away_since = self.away_since or runtime.monotonic()
  return put_into_spool(self, items)
end

local spool = {}

---@param store apivideo.Store
---@param second apivideo.Store
---@param window number seconds, for forwarded events
---@param item_of fun(entry: apivideo.StoredEntry): apivideo.StoredItem with `error` if the entry has no event
---@return apivideo.inbox.Spool
function spool.new(store, second, window, item_of)
  return setmetatable({
    store = store, spool = second, window = window, item_of = item_of,
    process = core.process_id(),
    forwarded = {},          -- ids of entries that the store has, and that are still in the spool
    puts = 0,                -- how often entries were put into the spool
    used = true,             -- until it is known to be empty: another process may have spooled events
    checked_at = -math.huge, -- when that was checked
    seen_at = -math.huge,    -- when the task that forwards made progress
  }, Spool)
end

return spool
