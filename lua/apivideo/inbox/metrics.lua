--- Metrics of an inbox: its attempts, what is put, the calls of its store, and how many events it has.

local host = require "apivideo.runtime.host"
local runtime = require "apivideo.runtime"

local DISPOSITIONS = { "completed", "retried", "dead_lettered", "lost" }
local STATES = { "waiting", "claimed", "dead", "spooled" }

---@class apivideo.inbox.Counts
---@field succeeded_at table<string, number> the monotonic time of the last call of each method of the store that succeeded
---@field failures table<string, { at: number, err: any }> the last call of each method of the store, if it failed, with its monotonic time
---@field workers table<table, number> the workers of this process -> the monotonic time of their start
---@field private _registry apivideo.Metrics
---@field private _types table<string, table<string, apivideo.metrics.Counter>> type -> its attempts, by disposition
---@field private _puts table<string, apivideo.metrics.Counter> by result
---@field private _renewals table<string, apivideo.metrics.Counter> by result
---@field private _seconds apivideo.metrics.Histogram
---@field private _waits apivideo.metrics.Histogram
---@field private _in_flight apivideo.metrics.Family
---@field private _paused_types apivideo.metrics.Family
local Counts = {}
Counts.__index = Counts
Counts.__name = "apivideo.inbox.Counts"

--- Sets the number of attempts that are under way in this process. Each worker process of nginx has a series of its own,
--- which its successor sets again.
function Counts:count_in_flight()
  local count, id = 0, host.ngx and host.ngx.worker.id() or 0
  for worker in pairs(self.workers) do
    for _ in pairs(worker.under_way) do count = count + 1 end
  end
  self._in_flight:with(("%.0f"):format(id)):set(count)
end

--- Notes a worker that starts.
---@param worker table
function Counts:started(worker)
  self.workers[worker] = runtime.monotonic()
end

--- Notes a worker that has ended.
---@param worker table
function Counts:stopped(worker)
  self.workers[worker] = nil
end

--- Counts an attempt that has ended, once: a settlement that was abandoned may end after all.
---@param attempt apivideo.inbox.Attempt
---@param disposition string
---@param seconds number
function Counts:ended(attempt, disposition, seconds)
  if attempt.is_counted then return end
  attempt.is_counted = true
  local claim = attempt.claim
  local entry, counts = claim._entry, self._types[claim._type]
  counts[disposition]:add(1)
  self._seconds:observe(seconds)
  if entry.attempt == 1 and not entry.replay then self._waits:observe(entry.age) end
end

--- Counts a delivery that was put, or could not be.
---@param is_new boolean|nil
function Counts:put(is_new)
  local puts = self._puts
  local count = is_new and puts.stored or is_new == nil and puts.failed or puts.duplicate
  count:add(1)
end

--- Counts the renewal of a lease.
---@param is_renewed true|nil
---@param err? apivideo.Error
function Counts:renewed(is_renewed, err)
  self._renewals[is_renewed and "renewed" or err.kind == "claim_lost" and "lost" or "failed"]:add(1)
end

--- The counts of a method of the store: its seconds, and its errors.
---@param name string
---@return apivideo.metrics.Histogram
---@return apivideo.metrics.Counter
function Counts:of_store(name)
  return self._store_seconds:with(name), self._store_errors:with(name)
end

--- Sets what is read from the store: nil while it is unavailable.
---@param stats apivideo.InboxStats|nil
function Counts:set(stats)
  self:count_in_flight()
  local claimed_at = next(self.workers) and self.succeeded_at.claim
  self._up:set(stats and not stats.error and 1 or 0)
  for _, state in ipairs(STATES) do self._events:with(state):set(stats and stats[state]) end
  self._oldest:set(stats and (stats.oldest or 0))
  self._paused:set(stats and stats.paused ~= nil and (stats.paused and 1 or 0) or nil)
  for _, series in pairs(self._paused_types.series) do series:set(nil) end
  for _, paused in ipairs(stats and stats.paused_types or {}) do self._paused_types:with(paused.type):set(1) end
  self._last_claim:set(claimed_at and runtime.monotonic() - claimed_at or nil)
end

--- The metrics of the inbox and of all that shares them.
---@return string
function Counts:text()
  return self._registry:text()
end

local function counters(family, names)
  local list = {}
  for _, name in ipairs(names) do list[name] = family:with(name) end
  return list
end

-- All counts exist from the start, so that a rate begins at 0. Types that are not in the catalogue share one.
local function attempts_of(registry, types)
  local family = registry:_counter("apivideo_inbox_attempts_total", "Attempts to handle an event, by their outcome.",
    { "type", "outcome" })
  local labels, list = { "other" }, {}
  for _, name in ipairs(types) do labels[#labels + 1] = name end
  table.sort(labels)
  for _, name in ipairs(labels) do
    list[name] = {}
    for _, disposition in ipairs(DISPOSITIONS) do list[name][disposition] = family:with(name, disposition) end
  end
  -- What the catalogue can no longer parse has no type.
  return setmetatable(list, { __index = function() return list.other end })
end

-- Creates the counts of work.
local function add_work(self, registry, types)
  self._types = attempts_of(registry, types)
  self._seconds = registry:_histogram("apivideo_inbox_handler_seconds",
    "Duration of the handlers of an attempt."):with()
  self._waits = registry:_histogram("apivideo_inbox_wait_seconds",
    "From the receipt of an event until its first attempt.", nil, true):with()
  self._in_flight = registry:_gauge("apivideo_inbox_in_flight", "Attempts that are under way, by worker process.",
    { "worker" }, true)
  local count = host.ngx and host.ngx.worker.count() or 1
  for id = 0, count - 1 do self._in_flight:with(("%.0f"):format(id)) end
  self._renewals = counters(registry:_counter("apivideo_inbox_lease_renewals_total",
    "Renewals of the leases of long attempts.", { "result" }), { "renewed", "lost", "failed" })
  self._puts = counters(registry:_counter("apivideo_inbox_puts_total", "Events that were put into the inbox.",
    { "result" }), { "stored", "duplicate", "failed" })
end

-- Creates what is read from the store at each scrape.
local function add_state(self, registry)
  self._up = registry:_gauge("apivideo_inbox_store_up", "Whether the store responded to this scrape."):with()
  self._events = registry:_gauge("apivideo_inbox_events", "Events in the inbox.", { "state" })
  self._oldest = registry:_gauge("apivideo_inbox_oldest_seconds",
    "Age of the oldest event that has not been handled."):with()
  self._paused = registry:_gauge("apivideo_inbox_paused", "Whether the inbox is paused."):with()
  self._paused_types = registry:_gauge("apivideo_inbox_type_paused", "Types and patterns that are paused: 1 for each.",
    { "type" })
  self._last_claim = registry:_gauge("apivideo_inbox_last_claim_seconds",
    "Time since the worker of this process asked for events."):with()
end

local inbox_metrics = {}

--- Creates the counts of an inbox.
---@param types string[]
---@param registry apivideo.Metrics
---@return apivideo.inbox.Counts
function inbox_metrics.new(types, registry)
  local self = setmetatable({ succeeded_at = {}, failures = {}, workers = {}, _registry = registry }, Counts)
  add_work(self, registry, types)
  self._store_seconds = registry:_histogram("apivideo_inbox_store_seconds", "Duration of the calls of the store.",
    { "operation" })
  self._store_errors = registry:_counter("apivideo_inbox_store_errors_total", "Calls of the store that failed.",
    { "operation" })
  add_state(self, registry)
  return self
end

return inbox_metrics
