--- A durable inbox: an event is in a store before the sender gets its response, and stays there until its handlers have
--- succeeded. Each event is handled at least once.

local catalogue = require "apivideo.events"
local checks = require "apivideo.util.checks"
local claim = require "apivideo.inbox.claim"
local constructor = require "apivideo.util.constructor"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local group = require "apivideo.inbox.group"
local Inbox = require "apivideo.inbox.class"
local inbox_metrics = require "apivideo.inbox.metrics"
local item = require "apivideo.inbox.item"
local log = require "apivideo.runtime.log"
local measured_store = require "apivideo.inbox.measured_store"
local members = require "apivideo.util.members"
local metrics = require "apivideo.runtime.metrics"
local outgoing = require "apivideo.events.outgoing"
local runtime = require "apivideo.runtime"
local spool = require "apivideo.inbox.spool"
local stores = require "apivideo.inbox.store"
local wakeups = require "apivideo.runtime.wakeups"
local worker = require "apivideo.inbox.worker"

require "apivideo.inbox.activity" -- more methods of the class
require "apivideo.inbox.monitoring"
require "apivideo.inbox.operator"

-- Default of the option window: events of one occurrence within it are the same event, although their times differ.
-- api.video makes its three or four attempts within ten seconds, and may stamp each with a new time.
local WINDOW_S = 20

local RETENTION_S = 7 * 86400 -- default of the option retention

--- Stores a delivery. It is durable when this returns; deliveries that arrive at the same time share a transaction of
--- the store. A delivery that could not be parsed (it has `err` instead of `event`) is stored as a dead letter.
---@param delivery apivideo.Delivery
---@return boolean|nil is_new false for a duplicate; nil if it could not be stored
---@return apivideo.Error? err `store_unavailable` `wrong_phase`
function Inbox:put(delivery)
  checks.self(self, Inbox, "inbox", "put")
  item.check(delivery)
  local refusal = runtime.refusal()
  if refusal then return nil, errors.new("wrong_phase", refusal) end
  if delivery.event then wakeups.notify(delivery.event.videoId) end
  local is_new, err = self._group:call(item.new(self, delivery.event, delivery.err, delivery))
  if is_new then self:_announce() end
  self._counts:put(is_new)
  return is_new, err
end

--- Wakes the workers of this process that wait for an event.
---@private
function Inbox:_announce()
  local arrival = self._arrival
  self._arrival = runtime.latch()
  arrival:open(true)
end

--- Stores events that were found by reading state. They are durable when this returns, in the store: not in the spool.
---@private
---@param found apivideo.Event[]
---@param options { window?: number, age?: number, opposite_age?: number } seconds: in which two broadcasts are the same, if it is longer than the window of the inbox; since they were found; for which the opposite event, which must be the last one then, must have been in the inbox at least
---@return (boolean|"occurrence")[]|nil results as of the store
---@return apivideo.Error? err `store_unavailable`
function Inbox:_put_found(found, options)
  local items, least, most = {}, options.opposite_age, self._retention - (options.age or 0)
  for i, event in ipairs(found) do
    items[i] = item.new(self, event, nil, { raw = outgoing.encode(event, self.events), origin = "reconcile" })
    items[i].age = options.age
    -- Of what came before the retention, only one of the two opposite events may still be in the store.
    items[i].opposite_age = least and { min = least, max = math.max(0, most) }
  end
  local results, err = self._store:put(items, math.max(options.window or 0, self._window))
  for _, result in ipairs(results or {}) do
    if result == true then
      self:_announce()
      break
    end
  end
  return results, err
end

local CLAIM_OPTIONS = { limit = "integer>=1?", lease = "seconds>0?" }

--- Claims events to be handled. Until the lease expires, no other worker gets them. Settle each: complete it, retry it
--- or dead-letter it.
---@param options? { limit?: integer, lease?: number } at most `limit` (1), for `lease` seconds (30)
---@return apivideo.Claim[]|nil claims empty: no event is ready
---@return apivideo.Error? err `store_unavailable`
function Inbox:claim(options)
  checks.self(self, Inbox, "inbox", "claim")
  options = checks.options("inbox:claim", options or {}, CLAIM_OPTIONS)
  local lease = options.lease or claim.LEASE_S
  return self:_claim(options.limit or 1, lease)
end

--- Claims events, of each type as many as `limits` allow.
---@private
---@param limit integer
---@param lease number
---@param limits? apivideo.inbox.Limit[]
---@return apivideo.Claim[]|nil claims
---@return apivideo.Error? err `store_unavailable`
function Inbox:_claim(limit, lease, limits)
  local entries, more, claims
  repeat -- until the store has passed the entries of paused types and of those that have reached their limits
    entries, more = self._store:claim(limit, lease, limits)
    if not entries then return nil, more end
    if more and not entries[1] and not runtime.refusal() then runtime.pass() end
  until entries[1] or not more
  claims = {}
  for i, entry in ipairs(entries) do claims[i] = claim.new(self, entry, lease) end
  return claims
end

--- Runs handlers for the events of the inbox, until it is cancelled. Several workers may run at once, in this process
--- and in others.
---@param handlers apivideo.Handlers
---@param options? apivideo.WorkOptions
---@return true|nil ended
---@return apivideo.Error? err `cancelled` if a second signal ended it at once
function Inbox:work(handlers, options)
  checks.self(self, Inbox, "inbox", "work")
  local ended, err = worker.work(self, handlers, options)
  return ended, err
end

local PAUSE_OPTIONS = { type = "string?" }

--- Stops the handling of events in all processes, and after a restart. Events are received as before.
---@param options? { type?: string } only the events of this type, or of a pattern such as `video.*`
---@return true|nil
---@return apivideo.Error? err `store_unavailable`
function Inbox:pause(options)
  checks.self(self, Inbox, "inbox", "pause")
  options = checks.options("inbox:pause", options or {}, PAUSE_OPTIONS)
  local changed, err = self._store:pause(options.type)
  if changed == nil then return nil, err end
  return true
end

--- Continues after `pause`; with a type or pattern, also if a worker has paused it, or a type that the pattern matches.
---@param options? { type?: string }
---@return true|nil
---@return apivideo.Error? err `store_unavailable`
function Inbox:resume(options)
  checks.self(self, Inbox, "inbox", "resume")
  options = checks.options("inbox:resume", options or {}, PAUSE_OPTIONS)
  local changed, err = self._store:resume(options.type)
  if changed == nil then return nil, err end
  return true
end

--- How many events are in each state.
---@return apivideo.InboxStats|nil
---@return apivideo.Error? err `store_unavailable`
function Inbox:stats()
  checks.self(self, Inbox, "inbox", "stats")
  local stats, err = self._store:stats()
  if not self._spool then return stats, err end
  local spooled, oldest = self._spool:size()
  if not stats and not spooled then return nil, err end
  stats = stats or { error = err }
  stats.spooled = spooled
  if oldest then stats.oldest = math.max(oldest, stats.oldest or 0) end
  return stats
end

--- Forwards the events in the spool; returns when it is empty. Each event that arrives, and `inbox:work`, start that,
--- too: this is for a process that only receives, after its start.
---@return true
function Inbox:forward()
  checks.self(self, Inbox, "inbox", "forward")
  if self._spool then self._spool:forward() end
  return true
end

-- Opens a store. True; or nil and an error.
local function open_store(store)
  if store.open then return store:open() end
  local stats, err = store:stats()
  return stats and true or nil, err
end

--- Opens the store, so that a program that cannot use it ends at its start: `assert(inbox:open())`. Otherwise the first
--- call opens it. With a spool, the store may be unavailable; that is logged.
---@return true|nil
---@return apivideo.Error? err `store_unavailable`
function Inbox:open()
  checks.self(self, Inbox, "inbox", "open")
  if self._spool then
    local ok, err = open_store(self._spool.spool)
    if not ok then return nil, err end
  end
  local ok, err = open_store(self._store)
  if ok then return true end
  if not self._spool then return nil, err end
  log.warn("inbox: the store is unavailable, and events are spooled on this machine: " .. failure.message(err))
  return true
end

--- Closes the store. Later calls return an error.
---@return true|nil
---@return apivideo.Error? err `store_unavailable`
function Inbox:close()
  checks.self(self, Inbox, "inbox", "close")
  if self._spool then self._spool:close() end
  return self._store:close()
end

local OPTIONS = { store = "table", spool = "table?", events = "table?", lane = "function?", retention = "seconds>=0?",
  window = "seconds>=0?", retain_bodies = "boolean?",
  metrics = "table?" }

---@class apivideo.InboxOptions
---@field store apivideo.Store such as `apivideo.inbox.sqlite { path = "inbox.db" }`
---@field spool? apivideo.Store a second store, on this machine: takes the events while the first is unavailable, and forwards them later
---@field events? apivideo.Catalogue default apivideo.events; the catalogue of types, if the application extends it
---@field lane? fun(event: apivideo.Event): string? events of one lane are handled one at a time, in order of receipt
---@field retention? number seconds for which a handled event stays in the store, so that a duplicate of it is recognised; default 7 days
---@field retain_bodies? boolean the bytes of a handled event stay in the store for the retention, too, so that `inbox:replay` can hand it to handlers again; default false
---@field window? number seconds in which two broadcasts that differ only in `emittedAt` are the same, unless the opposite event came between; default 20
---@field metrics? apivideo.Metrics default: those of this inbox alone

local function check(options)
  for _, name in ipairs { "store", "spool" } do
    local store = type(options) == "table" and options[name]
    if store then stores.check(name, store, 5) end
  end
  checks.options("inbox", options, OPTIONS, 5)
  if options.events and type(options.events.names) ~= "function" then
    error("inbox: option \"events\" must be a catalogue, from events:extend", 4)
  end
  metrics.check("inbox", options.metrics, 5)
end

local function create(options)
  check(options)
  local window, events = options.window or WINDOW_S, options.events or catalogue
  local registry = options.metrics or metrics.new()
  local counts = inbox_metrics.new(events:names(), registry)
  local store = measured_store.new(options.store, counts)
  local self = setmetatable({
    events = events,
    _store = store,
    _metrics = registry, _counts = counts,
    _lane = options.lane,
    _window = window,
    _retention = options.retention or RETENTION_S,
    _retains_bodies = options.retain_bodies or false,
    _arrival = runtime.latch(), -- opens when an event arrives; another one replaces it then
  }, Inbox)
  self._spool = options.spool and spool.new(store, options.spool, window, function(entry)
    local event, err = self.events:_parse_entry(entry)
    return item.new(self, event, err, entry)
  end)
  local target = self._spool or store
  self._group = group.new(function(items)
    local results, err = target:put(items, window)
    return results and item.log_dropped(items, results, window), err
  end)
  return self
end

--- Creates an inbox over a store: `inbox.new(options)`, or `inbox(options)`.
---@class apivideo.inbox
---@field new fun(options: apivideo.InboxOptions): apivideo.Inbox
---@field memory apivideo.inbox.memory
---@field sqlite apivideo.inbox.sqlite
---@field redis apivideo.inbox.redis
---@overload fun(options: apivideo.InboxOptions): apivideo.Inbox
local inbox = {}

---@param value any
---@return boolean
function inbox.is(value)
  return getmetatable(value) == Inbox
end

local STORES = { memory = true, sqlite = true, redis = true }

-- Loads a store at its first use: an application needs the libraries of its own store only.
local function load_store(module, name)
  if not STORES[name] then return nil end
  local store = require("apivideo.inbox." .. name)
  module[name] = store
  return store
end

setmetatable(inbox, { __index = load_store })

return constructor(members.strict("apivideo.inbox", inbox, Inbox, STORES), create)
