--- A store of an inbox in the memory of this process, for tests: its events are lost when the process ends.

local checks = require "apivideo.util.checks"
local constructor = require "apivideo.util.constructor"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local stores = require "apivideo.inbox.store"
local timers = require "apivideo.runtime.timers"

local PURGE_BATCH = 1000 -- entries that one purge removes at most

---@class apivideo.MemoryStore : apivideo.Store
local Memory = {}
Memory.__index = Memory
Memory.__name = "apivideo.MemoryStore"

Memory.__tostring = function() return "apivideo.inbox.memory (volatile)" end

local function now()
  return core.monotonic()
end

local function closed()
  return nil, errors.new("store_unavailable", "the inbox was closed")
end

-- Queues an entry, to be claimed now or from a time on.
local function queue(self, entry, at)
  entry.due = at
  if at then
    self.later:push(at, entry)
  else
    self.ready:push(entry.id, entry)
  end
end

local function is_open(entry)
  return entry.state == "open"
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

-- Opens an entry. If another entry of its lane is current, it waits. `due` is reset: `later` may still have the end of
-- an earlier lease, which must not make the entry ready before its turn.
local function open(self, entry)
  entry.state, entry.claimed, entry.due = "open", false, nil
  local lane = entry.lane and self.lanes[entry.lane]
  if lane and lane.current then
    lane.queue:push(entry.id, entry)
    return
  end
  if entry.lane then
    self.lanes[entry.lane] = lane or { queue = timers.new() }
    self.lanes[entry.lane].current = entry
  end
  queue(self, entry)
end

-- Ends an entry; the next entry of its lane becomes current.
local function finish(self, entry, state)
  entry.state, entry.claimed, entry.ended_at = state, false, now()
  local lane = entry.lane and self.lanes[entry.lane]
  if not lane then return end
  lane.current = head_of(lane.queue)
  if lane.current then
    lane.queue:pop()
    queue(self, lane.current)
  else
    self.lanes[entry.lane] = nil
  end
end

-- Whether one entry came before another. Entries of one batch have the same time.
local function is_earlier(entry, other)
  if entry.stored_at ~= other.stored_at then return entry.stored_at < other.stored_at end
  return entry.id < other.id
end

-- The last entry of an occurrence until the time `came`, and the first one after it; nil for either that is missing.
local function neighbors(self, occurrence, came)
  local before, after
  for entry in pairs(occurrence and self.occurrences[occurrence] or {}) do
    if entry.stored_at <= came then
      if not before or is_earlier(before, entry) then before = entry end
    elseif not after or is_earlier(entry, after) then
      after = entry
    end
  end
  return before, after
end

-- Whether an item repeats an occurrence: an entry of it came within the window, and no entry of the opposite occurrence
-- came between the two.
local function is_retry(self, item, came, window)
  local before, after = neighbors(self, item.occurrence, came)
  local opposite_before, opposite_after = neighbors(self, item.opposite, came)
  if before and came - before.stored_at < window
    and not (opposite_before and is_earlier(before, opposite_before)) then return true end
  return after ~= nil and after.stored_at - came < window
    and not (opposite_after and is_earlier(opposite_after, after))
end

-- Whether an item with a condition is to be put: the last entry of its opposite came early enough, and no entry of its
-- occurrence came after that one.
local function is_wanted(self, item, came)
  local bounds = item.opposite_age
  if not bounds then return true end
  local opposite, later_opposite = neighbors(self, item.opposite, came)
  if not opposite or later_opposite then return false end
  local age = came - opposite.stored_at
  if age < bounds.min or age > bounds.max then return false end
  local before, after = neighbors(self, item.occurrence, came)
  return not after and not (before and is_earlier(opposite, before))
end

-- Adds an entry to the set of its occurrence.
local function remember(self, entry)
  if not entry.occurrence then return end
  local entries = self.occurrences[entry.occurrence] or {}
  entries[entry] = true
  self.occurrences[entry.occurrence] = entries
end

-- Removes an entry from all indexes.
local function forget(self, entry)
  self.entries[entry.id], self.keys[entry.key] = nil, nil
  local entries = entry.occurrence and self.occurrences[entry.occurrence]
  if not entries then return end
  entries[entry] = nil
  if not next(entries) then self.occurrences[entry.occurrence] = nil end
end

local function put_one(self, item, window)
  local came, known = now() - (item.age or 0), self.keys[item.key]
  if known then
    known.stored_at = math.min(known.stored_at, came)
    return false
  end
  if not is_wanted(self, item, came) then return false end
  if is_retry(self, item, came, window) then return "occurrence" end
  self.last = self.last + 1
  local entry = {
    id = self.last, key = item.key, occurrence = item.occurrence, lane = item.lane, raw = item.raw,
    webhook_id = item.webhook_id, verified = item.verified, received_at = item.received_at,
    stored_at = came, token = 0, attempt = 0, error = item.error, origin = item.origin or "webhook",
  }
  self.entries[entry.id], self.keys[entry.key] = entry, entry
  remember(self, entry)
  if item.error then
    entry.state, entry.claimed, entry.ended_at = "dead", false, now()
  else
    open(self, entry)
  end
  return true
end

function Memory:put(items, window)
  if self.closed then return closed() end
  local results = {}
  for i, item in ipairs(items) do results[i] = put_one(self, item, window) end
  return results
end

-- The public form of an entry.
local function copy(entry)
  return {
    id = entry.id, token = entry.token, attempt = entry.attempt, raw = entry.raw, error = entry.error,
    webhook_id = entry.webhook_id, verified = entry.verified, received_at = entry.received_at,
    age = now() - entry.stored_at, origin = entry.origin,
  }
end

-- Makes the entries ready whose lease or delay has expired.
local function wake(self)
  local entry, at = self.later:next()
  while entry and at <= now() do
    self.later:pop()
    if entry.due == at and is_open(entry) then
      entry.claimed = false
      queue(self, entry)
    end
    entry, at = self.later:next()
  end
end

function Memory:claim(limit, lease)
  if self.closed then return closed() end
  local claimed = {}
  if self.paused then return claimed end
  wake(self)
  while #claimed < limit and self.ready:next() do
    local entry = self.ready:pop()
    entry.claimed, entry.token, entry.attempt = true, entry.token + 1, entry.attempt + 1
    queue(self, entry, now() + lease)
    claimed[#claimed + 1] = copy(entry)
  end
  return claimed
end

-- The entry of a claim that is not lost, or nil.
local function claimed_entry(self, id, token)
  local entry = self.entries[id]
  if entry and entry.claimed and entry.token == token and now() < entry.due then return entry end
end

function Memory:extend(id, token, lease)
  if self.closed then return closed() end
  local entry = claimed_entry(self, id, token)
  if entry then queue(self, entry, now() + lease) end
  return entry ~= nil
end

function Memory:complete(id, token, items, window)
  if self.closed then return closed() end
  local entry = claimed_entry(self, id, token)
  if entry then
    if items then self:put(items, window) end
    finish(self, entry, "done")
    entry.raw = ""
  end
  return entry ~= nil
end

function Memory:remove(id, token)
  if self.closed then return closed() end
  local entry = claimed_entry(self, id, token)
  if entry then
    finish(self, entry, "done")
    forget(self, entry)
  end
  return entry ~= nil
end

function Memory:retry(id, token, delay, message)
  if self.closed then return closed() end
  local entry = claimed_entry(self, id, token)
  if entry then
    entry.claimed, entry.error = false, message
    queue(self, entry, now() + delay)
  end
  return entry ~= nil
end

function Memory:dead_letter(id, token, message)
  if self.closed then return closed() end
  local entry = claimed_entry(self, id, token)
  if entry then
    finish(self, entry, "dead")
    entry.error = message
  end
  return entry ~= nil
end

-- The public state of an entry.
local function state_of(entry)
  if not is_open(entry) then return entry.state end
  return entry.claimed and now() < entry.due and "claimed" or "waiting"
end

function Memory:list(state, limit, after)
  if self.closed then return closed() end
  local listed = {}
  for id = (after or 0) + 1, self.last do
    local entry = self.entries[id]
    if entry and state_of(entry) == state and #listed < limit then
      local item = copy(entry)
      item.state = state
      listed[#listed + 1] = item
    end
  end
  return listed
end

function Memory:redrive(id)
  if self.closed then return closed() end
  local count = 0
  for i = id or 1, id or self.last do
    local entry = self.entries[i]
    if entry and entry.state == "dead" then
      count = count + 1
      entry.attempt = 0
      open(self, entry)
    end
  end
  return count
end

function Memory:purge(state, age)
  if self.closed then return closed() end
  local count = 0
  for _, entry in pairs(self.entries) do
    if entry.state == state and now() - entry.ended_at >= age and count < PURGE_BATCH then
      count = count + 1
      forget(self, entry)
    end
  end
  return count
end

function Memory:pause()
  if self.closed then return closed() end
  self.paused = true
  return true
end

function Memory:resume()
  if self.closed then return closed() end
  self.paused = false
  return true
end

function Memory:stats()
  if self.closed then return closed() end
  local stats = { waiting = 0, claimed = 0, dead = 0, done = 0, attempts = 0, paused = self.paused }
  for _, entry in pairs(self.entries) do
    local state = state_of(entry)
    stats[state] = stats[state] + 1
    if is_open(entry) then
      stats.attempts = math.max(stats.attempts, entry.attempt)
      stats.oldest = math.max(stats.oldest or 0, now() - entry.stored_at)
    end
  end
  return stats
end

-- Removes the states that were not saved for long: of an account whose name has changed, for example.
local function remove_old_states(self)
  local limit = now() - stores.STATE_RETENTION_S
  for name, state in pairs(self.states) do
    if state.expires <= now() and state.saved_at <= limit then self.states[name] = nil end
  end
end

function Memory:acquire(name, seconds, rest)
  if self.closed then return closed() end
  if not self.states[name] then remove_old_states(self) end
  local state = self.states[name] or { token = 0, expires = 0, saved_at = -math.huge }
  local wait = math.max(state.expires, state.saved_at + rest) - now()
  if wait > 0 then return false, wait end
  state.token, state.expires = state.token + 1, now() + seconds
  self.states[name] = state
  return { token = state.token, value = state.value }
end

function Memory:save(name, token, value, seconds)
  if self.closed then return closed() end
  local state = self.states[name]
  if not state or state.token ~= token then return false end
  state.value, state.saved_at, state.expires = value, now(), now() + seconds
  return true
end

function Memory:close()
  self.closed = true
  return true
end

local function create(options)
  checks.options("inbox.memory", options or {}, {}, 4)
  return setmetatable({
    last = 0, entries = {}, keys = {}, occurrences = {}, -- id, key -> entry; occurrence -> set of entries
    ready = timers.new(), -- by id
    later = timers.new(), -- by the time at which a lease or a delay expires; outdated where entry.due differs
    states = {},          -- name -> { token, expires, saved_at, value }
    lanes = {},           -- lane -> { current = entry, queue = the others by id }
    paused = false, closed = false,
  }, Memory)
end

--- Creates a store in memory, for tests: `memory.new()`, or `memory()`.
---@class apivideo.inbox.memory
---@field new fun(): apivideo.Store
---@overload fun(): apivideo.Store
local memory = {}

return constructor(memory, create)
