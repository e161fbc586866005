--- A store of an inbox in the memory of this process, for tests: its events are lost when the process ends.

local activity = require "apivideo.inbox.memory.activity"
local allowances = require "apivideo.inbox.allowance"
local checks = require "apivideo.util.checks"
local constructor = require "apivideo.util.constructor"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local occurrences = require "apivideo.inbox.memory.occurrences"
local pauses = require "apivideo.inbox.pauses"
local queries = require "apivideo.inbox.memory.queries"
local queue = require "apivideo.inbox.memory.queue"
local states = require "apivideo.inbox.memory.states"
local stores = require "apivideo.inbox.store"
local tables = require "apivideo.util.tables"

local digest = stores.digest

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

-- A copy of an item with its key, occurrence and lane as all stores keep them.
local function digested(item)
  return tables.merge(item, { key = digest(item.key), occurrence = digest(item.occurrence),
    opposite = digest(item.opposite), lane = digest(item.lane) })
end

-- Sets a known entry's time to an earlier one: one of its deliveries was in a spool since then.
local function came_before(self, entry, came)
  local earlier = entry.stored_at - came
  if earlier <= 0 then return end
  entry.stored_at = came
  if entry.state == "done" and not entry.replay then self.counts:add("latency", entry.ended_at, earlier) end
end

local function put_one(self, item, window)
  local came, known = now() - (item.age or 0), self.keys[item.key]
  if known then
    came_before(self, known, came)
    return false
  end
  if not self.occurrences:is_wanted(item, came) then return false end
  if self.occurrences:is_retry(item, came, window) then return "occurrence" end
  self.last = self.last + 1
  local entry = {
    id = self.last, key = item.key, occurrence = item.occurrence, lane = item.lane, raw = item.raw,
    type = item.type, video_id = item.video_id, detail = item.detail,
    webhook_id = item.webhook_id, verified = item.verified, received_at = item.received_at,
    stored_at = came, token = 0, attempt = 0, error = item.error, origin = item.origin or "webhook",
  }
  self.entries[entry.id], self.keys[entry.key] = entry, entry
  self.occurrences:add(entry)
  self.counts:add("received", came)
  if item.error then
    entry.state, entry.claimed, entry.ended_at = "dead", false, now()
  else
    self.queue:open(entry)
  end
  return true
end

-- Imports a record; whether it is new.
local function import_one(self, record)
  if self.keys[record.key] then return false end
  self.last = self.last + 1
  local entry = tables.merge(record, { id = self.last, token = 0, claimed = false, stored_at = now() - record.age })
  self.entries[entry.id], self.keys[entry.key] = entry, entry
  self.occurrences:add(entry)
  if record.state == "waiting" then
    self.queue:open(entry)
  else
    entry.ended_at = now() - record.ended_for
    if entry.state == "done" then self.counts:add_done(entry) end
  end
  self.counts:add("received", entry.stored_at)
  return true
end

function Memory:import(records)
  if self.closed then return closed() end
  local results = {}
  for i, record in ipairs(records) do results[i] = import_one(self, record) end
  return results
end

function Memory:put(items, window)
  if self.closed then return closed() end
  local results = {}
  for i, item in ipairs(items) do results[i] = put_one(self, digested(item), window) end
  return results
end

function Memory:claim(limit, lease, limits)
  if self.closed then return closed() end
  local claimed = {}
  if self.paused then return claimed end
  local is_plain = not limits and not next(self.pauses) and not self.queue:has_parked()
  local time = now() -- one time for the lease and for the next probe, so that neither expires before the other
  local allowance = not is_plain and allowances.new(self.pauses, limits, time) or nil
  while #claimed < limit do
    local entry, probe = self.queue:pop(allowance)
    if not entry then break end
    entry.claimed, entry.token, entry.attempt = true, entry.token + 1, entry.attempt + 1
    self.queue:push(entry, time + lease)
    local copy = queries.copy(entry)
    copy.attempts, copy.probe = entry.attempts, probe
    claimed[#claimed + 1] = copy
  end
  if allowance then allowance:delay_probes(lease) end
  return claimed
end

-- The entry of a claim that is not lost, or nil.
local function claimed_entry(self, id, token)
  local entry = self.entries[id]
  if entry and entry.claimed and entry.token == token and now() < entry.due then return entry end
end

function Memory:extend(id, token, lease, probed)
  if self.closed then return closed() end
  local entry, time = claimed_entry(self, id, token), now()
  if entry then self.queue:push(entry, time + lease) end
  if entry and probed then pauses.delay(self.pauses, time, probed, lease) end
  return entry ~= nil
end

function Memory:complete(id, token, items, window, attempts, retains)
  if self.closed then return closed() end
  local entry = claimed_entry(self, id, token)
  if entry then
    if items then self:put(items, window) end
    self.queue:finish(entry, "done")
    self.counts:add_done(entry)
    entry.raw, entry.attempts = retains and entry.raw or "", attempts or entry.attempts
  end
  return entry ~= nil
end

function Memory:remove(id, token)
  if self.closed then return closed() end
  local entry = claimed_entry(self, id, token)
  if entry then
    self.queue:finish(entry, "done")
    queries.forget(self, entry)
  end
  return entry ~= nil
end

function Memory:retry(id, token, delay, message, attempts)
  if self.closed then return closed() end
  local entry = claimed_entry(self, id, token)
  if entry then
    entry.claimed, entry.error, entry.attempts = false, message, attempts or entry.attempts
    self.queue:push(entry, now() + delay)
    self.counts:add("failed", now())
  end
  return entry ~= nil
end

function Memory:dead_letter(id, token, message, attempts)
  if self.closed then return closed() end
  local entry = claimed_entry(self, id, token)
  if entry then
    self.queue:finish(entry, "dead")
    entry.error, entry.attempts = message, attempts or entry.attempts
    self.counts:add("failed", now())
  end
  return entry ~= nil
end

function Memory:pause(type, interval, reason, is_probe)
  if self.closed then return closed() end
  if type then return pauses.add(self.pauses, now(), type, interval, reason, is_probe) end
  self.paused = true
  return true
end

function Memory:resume(type, is_probe)
  if self.closed then return closed() end
  if type then return pauses.remove(self.pauses, type, is_probe) end
  self.paused = false
  return true
end

function Memory:open()
  if self.closed then return closed() end
  return true
end

-- The calls that other files implement.
for name, method in pairs {
  list = queries.list, count = queries.count, redrive = queries.redrive, replay = queries.replay, purge = queries.purge,
  expire = queries.expire, stats = queries.stats,
  activity = function(self) return self.counts:list() end,
  acquire = function(self, ...) return states.acquire(self.states, ...) end,
  save = function(self, ...) return states.save(self.states, ...) end,
} do
  Memory[name] = function(self, ...)
    if self.closed then return closed() end
    return method(self, ...)
  end
end

function Memory:close()
  self.closed = true
  return true
end

local function create(options)
  checks.options("inbox.memory", options or {}, {}, 4)
  return setmetatable({
    last = 0, entries = {}, keys = {}, -- id, key -> entry
    occurrences = occurrences.new(), queue = queue.new(),
    counts = activity.new(),
    states = {}, -- name -> { token, expires, saved_at, value }
    paused = false, pauses = {}, closed = false,
  }, Memory)
end

--- Creates a store in memory, for tests: `memory.new()`, or `memory()`.
---@class apivideo.inbox.memory
---@field new fun(): apivideo.Store
---@overload fun(): apivideo.Store
local memory = {}

return constructor(memory, create)
