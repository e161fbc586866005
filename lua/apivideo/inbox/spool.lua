--- A second store, on this machine, for what comes while an inbox's store is away. It is forwarded
--- later, in order.

local log = require "apivideo.log"
local runtime = require "apivideo.runtime"

local BATCH = 100            -- entries that are forwarded at once
local LEASE = 10             -- seconds that this may take, and that those of one who died wait
local SHORTEST, LONGEST = 0.25, 5 -- seconds between two attempts to forward
local PATIENCE = 3 * LEASE   -- seconds without a sign of life after which nobody forwards

---@class apivideo.inbox.Spool
local Spool = {}
Spool.__index = Spool

local function is_any(store, state)
  local entries = store:list(state, 1, 0)
  return entries and #entries > 0
end

-- Whether something is to be forwarded first. It is not looked for while nothing was ever spooled.
local function is_in_use(self)
  if self.used and not (is_any(self.spool, "waiting") or is_any(self.spool, "claimed")) then self.used = false end
  return self.used
end

-- Gives entries back, to be forwarded by somebody later.
local function release(self, entries, err)
  for _, entry in ipairs(entries) do self.spool:retry(entry.id, entry.token, 0, tostring(err)) end
end

-- Forwards the oldest entries. How many; or nil and an error.
local function forward_some(self)
  local entries, err = self.spool:claim(BATCH, LEASE)
  if not entries then return nil, err end
  local items = {}
  for i, entry in ipairs(entries) do
    items[i] = self.item_of(entry)
    items[i].age = math.max(0, runtime.now() - entry.received_at)
  end
  local verdicts
  verdicts, err = self.store:put(items, self.window)
  if not verdicts then
    release(self, entries, err)
    return nil, err
  end
  for _, entry in ipairs(entries) do self.spool:complete(entry.id, entry.token) end
  return #entries
end

--- Forwards what is there, until nothing is left.
function Spool:forward()
  local pause = SHORTEST
  while not runtime.is_ending() and is_in_use(self) do
    self.seen = runtime.monotonic()
    local count = forward_some(self)
    if count and count > 0 then
      pause = SHORTEST
      self.spool:purge("done", 0)
    else
      runtime.sleep(pause)
      pause = math.min(LONGEST, pause * 2)
    end
  end
  self.seen = -math.huge
end

--- Sees to it that a task forwards, if there is anything.
function Spool:wake()
  if not self.used or runtime.monotonic() - self.seen < PATIENCE then return end
  self.seen = runtime.monotonic()
  runtime.spawn(self.forward, self)
end

--- Puts items into the store; where that is away, or older ones are still to be forwarded, into the spool.
---@param items apivideo.StoredItem[]
---@param window number
---@return boolean[]|nil
---@return apivideo.Error?
function Spool:put(items, window)
  if not is_in_use(self) then
    local verdicts, err = self.store:put(items, window)
    if verdicts then return verdicts end
    log.warn("inbox: events are spooled on this machine: " .. tostring(err))
    self.used = true
  end
  local verdicts, err = self.spool:put(items, window)
  self:wake()
  return verdicts, err
end

local spool = {}

---@param store apivideo.Store
---@param second apivideo.Store
---@param window number seconds, for what is forwarded
---@param item_of fun(entry: apivideo.StoredEntry): apivideo.StoredItem
---@return apivideo.inbox.Spool
function spool.new(store, second, window, item_of)
  return setmetatable({
    store = store, spool = second, window = window, item_of = item_of,
    used = true,        -- until it is known to be empty: another process may have left something
    seen = -math.huge,  -- when the task that forwards was last at work
  }, Spool)
end

return spool
