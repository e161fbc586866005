--- A durable inbox: events are safe in a store before the sender is answered, and are kept there until
--- their handlers have succeeded. Each is handled at least once.

local claims = require "apivideo.inbox.claim"
local catalogue = require "apivideo.events"
local errors = require "apivideo.error"
local group = require "apivideo.inbox.group"
local item = require "apivideo.inbox.item"
local options = require "apivideo.util.options"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local spool = require "apivideo.inbox.spool"
local worker = require "apivideo.inbox.worker"

-- Seconds in which equal events are one although their times differ: api.video makes its three or four attempts within
-- ten seconds, and may stamp each anew.
local WINDOW_S = 20

local LATEST_S = 1e12 -- of received_at: far more than any clock tells

--- Where the events are. Each function returns what is said here, or nil and an error
--- (`store_unavailable`). Of several that act on a claim, `false` says that it is lost: its lease ran out.
---@class apivideo.Store
---@field put fun(self, items: apivideo.StoredItem[], window: number): (boolean|"occurrence")[]|nil, apivideo.Error? keeps items, all or none: true for each that is new; false for one whose key is known; "occurrence" for one that is dropped as a retry: an entry of its `occurrence` came less than `window` seconds before or after, and none whose occurrence is the item's `opposite` came between. An item with `error` becomes a dead letter
---@field claim fun(self, limit: integer, lease: number): apivideo.StoredEntry[]|nil, apivideo.Error? the oldest that nobody has, for `lease` seconds
---@field extend fun(self, id: integer, token: integer, lease: number): boolean|nil, apivideo.Error?
---@field complete fun(self, id: integer, token: integer): boolean|nil, apivideo.Error?
---@field complete_all? fun(self, claims: { id: integer, token: integer }[]): boolean[]|nil, apivideo.Error? several, for less than one by one
---@field remove fun(self, id: integer, token: integer): boolean|nil, apivideo.Error? completes it, and removes it with its key in the same step
---@field retry fun(self, id: integer, token: integer, delay: number, message: string): boolean|nil, apivideo.Error?
---@field dead_letter fun(self, id: integer, token: integer, message: string): boolean|nil, apivideo.Error?
---@field list fun(self, state: apivideo.EntryState, limit: integer, after: integer): apivideo.StoredEntry[]|nil, apivideo.Error?
---@field redrive fun(self, id?: integer): integer|nil, apivideo.Error?
---@field purge fun(self, state: "done"|"dead", age: number): integer|nil, apivideo.Error? at most 1000 at a time
---@field pause fun(self): true|nil, apivideo.Error?
---@field resume fun(self): true|nil, apivideo.Error?
---@field stats fun(self): apivideo.InboxStats|nil, apivideo.Error?
---@field close fun(self): true|nil, apivideo.Error?

---@class apivideo.StoredEntry what a store gives back
---@field id integer in the order of receipt
---@field token integer which claim of it this is
---@field attempt integer
---@field raw string
---@field webhookId? string
---@field verified boolean
---@field received_at number
---@field age number seconds since it came
---@field error? string of the last attempt
---@field state? apivideo.EntryState

---@alias apivideo.EntryState
---| "waiting"  to be handled: now, after a while, or after another of its lane
---| "claimed"  being handled
---| "dead"     given up
---| "done"     handled, and remembered for a while

---@class apivideo.InboxStats
---@field waiting integer
---@field claimed integer
---@field dead integer
---@field done integer
---@field oldest? number seconds since the oldest came that is neither done nor dead
---@field attempts integer the most that were made for one of those
---@field paused boolean
---@field spooled? integer with a spool: how many wait there for the store to come back
---@field error? apivideo.Error with a spool, while the store is away: then only `spooled` and `oldest` are there, of the spool

---@class apivideo.Inbox
---@field events apivideo.Catalogue
local Inbox = {}
Inbox.__index = Inbox

Inbox.__tostring = function() return "apivideo.inbox" end

local FUNCTIONS = { "put", "claim", "extend", "complete", "remove", "retry", "dead_letter", "list", "redrive", "purge",
  "pause", "resume", "stats", "close" }

-- Raises at the caller of inbox:put for what is not a delivery.
local function check_delivery(delivery)
  if type(delivery) ~= "table" or type(delivery.raw) ~= "string"
    or type(delivery.event) ~= "table" and not errors.is(delivery.err) then
    error("inbox:put: a delivery expected, with raw and event, or with raw and the err of events:parse", 3)
  elseif delivery.event and delivery.raw:find("\0", 1, true) then
    error("inbox:put: raw is no JSON: it has a NUL", 3)
  end
  -- A store would fail with the whole batch, or could not read the entry again.
  local received_at = delivery.received_at
  if received_at ~= nil and not (type(received_at) == "number" and received_at >= 0 and received_at < LATEST_S) then
    error("inbox:put: received_at must be a number of seconds since 1970, got " .. tostring(received_at), 3)
  elseif delivery.webhookId ~= nil and type(delivery.webhookId) ~= "string" then
    error("inbox:put: webhookId must be a string, got " .. type(delivery.webhookId), 3)
  elseif delivery.verified ~= nil and type(delivery.verified) ~= "boolean" then
    error("inbox:put: verified must be a boolean, got " .. type(delivery.verified), 3)
  end
end

--- Stores a delivery. It is durable when this returns; deliveries that come at the same time share the
--- store's transaction. One that cannot be parsed (it has `err` in place of `event`) is stored as a dead letter.
---@param delivery apivideo.Delivery
---@return boolean|nil is_new false for a duplicate; nil when it could not be stored
---@return apivideo.Error? err `store_unavailable` `wrong_phase`
function Inbox:put(delivery)
  options.check_self(self, Inbox, "inbox", "put")
  check_delivery(delivery)
  local refusal = runtime.refusal()
  if refusal then return nil, errors.new("wrong_phase", refusal) end
  local is_new, err = self.group:call(item.new(self, delivery.event, delivery.err, delivery))
  if is_new then
    local arrival = self.arrival
    self.arrival = runtime.latch()
    arrival:open(true)
  end
  return is_new, err
end

-- Raises unless an option is a whole number from `least` on, or not there.
local function check_whole(where, name, value, least)
  if value and (value < least or value % 1 ~= 0) then
    error(("%s: option \"%s\" must be a whole number from %d on"):format(where, name, least), 3)
  end
end

local claim_options = { limit = "number?", lease = "number?" }

--- Takes events to be handled. For the lease's time nobody else gets them: complete each, or put it off.
---@param given? { limit?: integer, lease?: number } at most `limit` (1), for `lease` seconds (30)
---@return apivideo.Claim[]|nil claims none: there is nothing to be done now
---@return apivideo.Error? err `store_unavailable`
function Inbox:claim(given)
  options.check_self(self, Inbox, "inbox", "claim")
  given = options.check("inbox:claim", given or {}, claim_options)
  check_whole("inbox:claim", "limit", given.limit, 1)
  local lease = given.lease or worker.LEASE
  if lease ~= lease or lease <= 0 then
    error("inbox:claim: option \"lease\" must be a number of seconds above 0", 2)
  end
  local entries, err = self.store:claim(given.limit or 1, lease)
  if not entries then return nil, err end
  local list = {}
  for i, entry in ipairs(entries) do list[i] = claims.new(self, entry, lease) end
  return list
end

--- Runs handlers for the events of the inbox, until it is cancelled. Several may do so at once, in this
--- process or in others.
---@param handlers apivideo.Handlers
---@param given? apivideo.WorkOptions
---@return true|nil ended
---@return apivideo.Error? err `cancelled` when a second signal ended it at once
function Inbox:work(handlers, given)
  options.check_self(self, Inbox, "inbox", "work")
  local ended, err = worker.work(self, handlers, given)
  return ended, err
end

local list_options = { limit = "number?", after = "number?" }
local states = { waiting = true, claimed = true, dead = true, done = true }

---@class apivideo.Entry : apivideo.StoredEntry
---@field event? apivideo.Event not of one that is done

--- Entries of the inbox in a state, oldest first.
---@param state apivideo.EntryState
---@param given? { limit?: integer, after?: integer } at most `limit` (100), of an id greater than `after`
---@return apivideo.Entry[]|nil entries
---@return apivideo.Error? err `store_unavailable`
function Inbox:list(state, given)
  options.check_self(self, Inbox, "inbox", "list")
  if not states[state] then
    error("inbox:list: state must be waiting, claimed, dead or done, got " .. tostring(state), 2)
  end
  given = options.check("inbox:list", given or {}, list_options)
  check_whole("inbox:list", "limit", given.limit, 1)
  check_whole("inbox:list", "after", given.after, 0)
  local entries, err = self.store:list(state, given.limit or 100, given.after or 0)
  for _, entry in ipairs(entries or {}) do
    entry.event = entry.raw ~= "" and self.events:parse(entry.raw) or nil
  end
  return entries, err
end

--- Gives dead letters another chance: their attempts count from the start.
---@param id? integer only this one
---@return integer|nil count
---@return apivideo.Error? err `store_unavailable`
function Inbox:redrive(id)
  options.check_self(self, Inbox, "inbox", "redrive")
  if id ~= nil and type(id) ~= "number" then
    error("inbox:redrive: an entry's id (number) expected, got " .. type(id), 2)
  end
  return self.store:redrive(id)
end

--- Removes entries for good. What is no longer known as done would be handled again if it came again.
---@param state "dead"|"done"
---@param age? number only what ended so many seconds ago; without it, all
---@return integer|nil count
---@return apivideo.Error? err `store_unavailable`
function Inbox:purge(state, age)
  options.check_self(self, Inbox, "inbox", "purge")
  if state ~= "dead" and state ~= "done" then
    error("inbox:purge: state must be dead or done, got " .. tostring(state), 2)
  end
  if age ~= nil and (type(age) ~= "number" or age ~= age or age < 0) then
    error("inbox:purge: age must be a number of seconds from 0 on", 2)
  end
  local total = 0
  while true do
    local count, err = self.store:purge(state, age or 0)
    if not count then return nil, err end
    if count == 0 then return total end
    total = total + count
    if not runtime.refusal() then runtime.pass() end
  end
end

--- Stops the handling of events, in all processes, also after a restart. Events are received as before.
---@return true|nil
---@return apivideo.Error? err `store_unavailable`
function Inbox:pause()
  options.check_self(self, Inbox, "inbox", "pause")
  return self.store:pause()
end

---@return true|nil
---@return apivideo.Error? err `store_unavailable`
function Inbox:resume()
  options.check_self(self, Inbox, "inbox", "resume")
  return self.store:resume()
end

---@return apivideo.InboxStats|nil
---@return apivideo.Error? err `store_unavailable`
function Inbox:stats()
  options.check_self(self, Inbox, "inbox", "stats")
  local stats, err = self.store:stats()
  if not self.spool then return stats, err end
  local spooled, oldest = self.spool:size()
  if not stats and not spooled then return nil, err end
  stats = stats or { error = err }
  stats.spooled = spooled
  if oldest then stats.oldest = math.max(oldest, stats.oldest or 0) end
  return stats
end

--- Forwards what is in the spool; returns when it is empty. Each event that comes, and `inbox:work`, see to
--- that, too: this is for a process that only receives, when it starts.
---@return true
function Inbox:forward()
  options.check_self(self, Inbox, "inbox", "forward")
  if self.spool then self.spool:forward() end
  return true
end

--- Closes the store. What is put then fails.
---@return true|nil
---@return apivideo.Error? err `store_unavailable`
function Inbox:close()
  options.check_self(self, Inbox, "inbox", "close")
  if self.spool then self.spool:close() end
  return self.store:close()
end

--- Whether a put can be stored, as far as can be told without one: by the store, or by the spool.
---@private
---@return boolean
function Inbox:_is_available()
  for _, store in ipairs { self.store, self.spool and self.spool.spool } do
    local ok, entries = protected.call(store.list, store, "waiting", 1, 0)
    if ok and entries then return true end
  end
  return false
end

local known = { store = "table", spool = "table?", events = "table?", lane = "function?", retention = "number?",
  window = "number?" }

---@class apivideo.InboxOptions
---@field store apivideo.Store such as `require "apivideo.inbox.sqlite" { path = "inbox.db" }`
---@field spool? apivideo.Store a second one, on this machine: takes the events while the first is away, and forwards them later
---@field events? apivideo.Catalogue the catalogue of types, when the application extends it
---@field lane? fun(event: apivideo.Event): string? events of one lane are handled one at a time, in order of receipt
---@field retention? number seconds for which a handled event is remembered, so that it is known when it comes again; default 7 days
---@field window? number seconds in which two broadcasts that differ in `emittedAt` alone are one, unless the opposite event came in between; default 20

local function check_store(option, store)
  for _, name in ipairs(FUNCTIONS) do
    if type(store[name]) ~= "function" then
      error(("inbox: option \"%s\" must be a store, such as require \"apivideo.inbox.sqlite\""
        .. " { path = … }; it lacks %s"):format(option, name), 3)
    end
  end
end

local inbox = {}

--- Makes an inbox over a store.
---@param given apivideo.InboxOptions
---@return apivideo.Inbox
function inbox.new(given)
  options.check("inbox", given, known)
  check_store("store", given.store)
  if given.spool then check_store("spool", given.spool) end
  if given.events and type(given.events.names) ~= "function" then
    error("inbox: option \"events\" must be a catalogue, from events:extend", 2)
  end
  for _, name in ipairs { "retention", "window" } do
    local value = given[name]
    if value and (value ~= value or value < 0) then
      error(("inbox: option \"%s\" must be a number of seconds from 0 on"):format(name), 2)
    end
  end
  local window = given.window or WINDOW_S
  local self = setmetatable({
    store = given.store,
    events = given.events or catalogue,
    lane = given.lane,
    retention = given.retention or 7 * 86400,
    arrival = runtime.latch(), -- opens when an event comes; then there is another
  }, Inbox)
  self.spool = given.spool and spool.new(given.store, given.spool, window, function(entry)
    local event, err = self.events:parse(entry.raw)
    return item.new(self, event, err, entry)
  end)
  local target = self.spool or given.store
  self.group = group.new(function(items)
    local results, err = target:put(items, window)
    return results and item.log_dropped(items, results, window), err
  end)
  return self
end

---@param value any
---@return boolean
function inbox.is(value)
  return getmetatable(value) == Inbox
end

return inbox
