--- The entries of the store in memory that are to be handled: those that can be claimed, those that wait for a delay or
--- for the end of a lease, those that wait behind another one of their lane, and those that a claim found but could not
--- have because of their type: they are parked, so that the next claim need not look at them.
---
--- An entry is "open" until it is done or dead. Of the open entries of a lane, one is current: only that one is queued.

local core = require "apivideo.core"
local timers = require "apivideo.runtime.timers"

---@class apivideo.inbox.MemoryQueue
---@field private _ready table entries by id
---@field private _parked table<string, table> by type: entries by id
---@field private _later table entries by the time at which a lease or a delay expires; outdated where entry.due differs
---@field private _lanes table<string, { current: table, queue: table }> the others of a lane by id
local Queue = {}
Queue.__index = Queue
Queue.__name = "apivideo.inbox.MemoryQueue"

local function is_open(entry)
  return entry.state == "open"
end

--- Queues a current entry, to be claimed now or from a time on.
---@param entry table
---@param at? number
function Queue:push(entry, at)
  entry.due = at
  if at then
    self._later:push(at, entry)
  else
    self._ready:push(entry.id, entry)
  end
end

-- The first entry of a lane's queue that is neither done nor dead. Those before it are removed.
local function head_of(lane)
  local entry = lane:next()
  while entry and not is_open(entry) do
    lane:pop()
    entry = lane:next()
  end
  return entry
end

--- Opens an entry. If another entry of its lane is current, it waits. `due` is reset: an earlier lease, which may still
--- be in `_later`, must not make the entry ready before its turn.
---@param entry table
function Queue:open(entry)
  entry.state, entry.claimed, entry.due = "open", false, nil
  local lane = entry.lane and self._lanes[entry.lane]
  if lane and lane.current then
    lane.queue:push(entry.id, entry)
    return
  end
  if entry.lane then
    self._lanes[entry.lane] = lane or { queue = timers.new() }
    self._lanes[entry.lane].current = entry
  end
  self:push(entry)
end

--- Ends an entry; the next entry of its lane becomes current.
---@param entry table
---@param state "done"|"dead"
function Queue:finish(entry, state)
  entry.state, entry.claimed, entry.ended_at = state, false, core.monotonic()
  local lane = entry.lane and self._lanes[entry.lane]
  if not lane then return end
  lane.current = head_of(lane.queue)
  if lane.current then
    lane.queue:pop()
    self:push(lane.current)
  else
    self._lanes[entry.lane] = nil
  end
end

-- Makes the entries ready whose lease or delay has expired.
local function wake(self)
  local entry, at = self._later:next()
  while entry and at <= core.monotonic() do
    self._later:pop()
    if entry.due == at and is_open(entry) then
      entry.claimed = false
      self:push(entry)
    end
    entry, at = self._later:next()
  end
end

-- Removes and returns the oldest parked entry that has a smaller id than `below`, if the claim may have one.
local function pop_parked(self, allowance, below)
  local types = {}
  for type, entries in pairs(self._parked) do types[#types + 1] = { type = type, id = entries:next().id } end
  table.sort(types, function(one, other) return one.id < other.id end)
  for _, each in ipairs(types) do
    if below and each.id > below.id then return nil end
    local is_allowed, probe = allowance:take(each.type)
    if is_allowed then
      local entries = self._parked[each.type]
      local entry = entries:pop()
      if not entries:next() then self._parked[each.type] = nil end
      return entry, probe
    end
  end
end

local function park(self, entry)
  self._parked[entry.type] = self._parked[entry.type] or timers.new()
  self._parked[entry.type]:push(entry.id, entry)
end

--- Whether entries are parked.
---@return boolean
function Queue:has_parked()
  return next(self._parked) ~= nil
end

--- Removes and returns the oldest entry that a claim may have, or returns nil.
---@param allowance? apivideo.inbox.Allowance nil if the claim may have any, and none is parked
---@return table? entry
---@return number? probe as of the allowance
function Queue:pop(allowance)
  wake(self)
  if not allowance then return self._ready:next() and self._ready:pop() end
  while true do
    local ready = self._ready:next()
    if next(self._parked) then
      local entry, probe = pop_parked(self, allowance, ready)
      if entry then return entry, probe end
    end
    if not ready then return nil end
    self._ready:pop()
    local is_allowed, probe = allowance:take(ready.type)
    if is_allowed then return ready, probe end
    park(self, ready)
  end
end

local queue = {}

---@return apivideo.inbox.MemoryQueue
function queue.new()
  return setmetatable({ _ready = timers.new(), _parked = {}, _later = timers.new(), _lanes = {} }, Queue)
end

return queue
