--- The methods of an inbox for operators: which entries it has, and what is done to many of them.

local attempts = require "apivideo.inbox.attempts"
local bulk = require "apivideo.inbox.bulk"
local checks = require "apivideo.util.checks"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local filters = require "apivideo.inbox.filter"
local Inbox = require "apivideo.inbox.class"
local record = require "apivideo.inbox.record"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"

---@class apivideo.Entry : apivideo.StoredEntry
---@field event? apivideo.Event nil for an entry that is done, unless the inbox has the option retain_bodies
---@field key? string of `inbox:get`: the deduplication key of its event, if there is one
---@field attempts? apivideo.Attempt[] of `inbox:get`: the last ten, oldest first

-- Adds the event to an entry of the store.
local function with_event(self, entry)
  entry.event = entry.raw ~= "" and self.events:_parse_entry(entry) or nil
  return entry
end

local LIST_OPTIONS = { limit = "integer>=1?", after = "integer>=0?", newest = "boolean?" }

--- Entries of the inbox, oldest first.
---@param filter? apivideo.InboxFilter default: each entry
---@param options? { limit?: integer, after?: integer, newest?: boolean } at most `limit` (100), with an id greater than `after`; with `newest`, the newest first, with an id smaller than `after`
---@return apivideo.Entry[]|nil entries
---@return apivideo.Error? err `store_unavailable`
function Inbox:list(filter, options)
  checks.self(self, Inbox, "inbox", "list")
  local where = filters.compile("inbox:list", filter, 3)
  options = checks.options("inbox:list", options or {}, LIST_OPTIONS)
  local page = { after = options.after, newest = options.newest }
  local entries, err = bulk.collect(options.limit or 100, page, function(each) return self._store:list(where, each) end)
  for _, entry in ipairs(entries or {}) do with_event(self, entry) end
  return entries, err
end

--- A page of entries without their bytes, the newest first.
---@private
---@param filter apivideo.InboxFilter
---@param limit integer
---@param after? integer
---@return apivideo.StoredEntry[]|nil entries
---@return apivideo.Error? err `store_unavailable`
function Inbox:_list_without_raw(filter, limit, after)
  local where = filters.compile("inbox:list", filter, 3)
  return bulk.collect(limit, { after = after, newest = true, without_raw = true },
    function(each) return self._store:list(where, each) end)
end

--- One entry.
---@param id integer
---@return apivideo.Entry|nil entry
---@return apivideo.Error? err `not_found` `store_unavailable`
function Inbox:get(id)
  checks.self(self, Inbox, "inbox", "get")
  checks.value("inbox:get: id", id, "integer>=1", 2)
  local entries, err = self._store:list({ id = id }, { limit = 1, detailed = true })
  if not entries then return nil, err end
  if not entries[1] then
    return nil, errors.new("not_found", ("no entry has the id %.0f"):format(id), { origin = "inbox" })
  end
  local entry = with_event(self, entries[1])
  entry.attempts = attempts.read(entry.attempts)
  entry.key = entry.event and self.events:key(entry.event, entry.raw) or nil
  entry.occurrence, entry.lane, entry.ended_for = nil, nil, nil -- hashes, which mean nothing to the caller
  return entry
end

--- How many entries match.
---@param filter? apivideo.InboxFilter default: each entry
---@return integer|nil count
---@return apivideo.Error? err `store_unavailable`
function Inbox:count(filter)
  checks.self(self, Inbox, "inbox", "count")
  local where = filters.compile("inbox:count", filter, 3)
  return bulk.run({}, function(page) return self._store:count(where, page) end)
end

-- Runs a method of the store for all entries that match; with dry_run, counts them.
local function change(self, method, where, options)
  local store = self._store
  if options.dry_run then
    options = tables.merge(options)
    options.rate = nil
  end
  return bulk.run(options, function(page)
    if options.dry_run then return store:count(where, page) end
    return store[method](store, where, page)
  end)
end

-- The conditions of a call for entries in one state. Raises at level 3.
local function in_state(where, filter, state)
  local conditions = filters.compile(where, filter, 4)
  if conditions.state ~= nil and conditions.state ~= state then
    error(('%s: filter: state must be %s, got "%s"'):format(where, state, conditions.state), 3)
  end
  conditions.state = state
  return conditions
end

--- Queues dead letters again, with all their attempts.
---@param filter? apivideo.InboxFilter default: all dead letters
---@param options? apivideo.BulkOptions
---@return integer|nil count of those that were queued; with dry_run, of those that would be
---@return apivideo.Error? err `cancelled` `store_unavailable` `wrong_phase`
function Inbox:redrive(filter, options)
  checks.self(self, Inbox, "inbox", "redrive")
  local where = in_state("inbox:redrive", filter, "dead")
  local count, err = change(self, "redrive", where, bulk.check("inbox:redrive", options, nil, 3))
  self:_announce()
  return count, err
end

--- Hands events that were handled to handlers again, with the same key, and with `delivery.replay`. They need their bytes:
--- the option `retain_bodies` of the inbox.
---@param filter? apivideo.InboxFilter default: all entries that are done
---@param options? apivideo.BulkOptions
---@return integer|nil count of those that were queued; with dry_run, of those that would be
---@return apivideo.Error? err `cancelled` `store_unavailable` `wrong_phase`
function Inbox:replay(filter, options)
  checks.self(self, Inbox, "inbox", "replay")
  local where = in_state("inbox:replay", filter, "done")
  where.has_raw = true
  local count, err = change(self, "replay", where, bulk.check("inbox:replay", options, nil, 3))
  self:_announce()
  return count, err
end

local PURGE_OPTIONS = { age = "seconds>=0?" }

---@class apivideo.PurgeOptions : apivideo.BulkOptions
---@field age? number seconds: only entries that have been done or dead for so long, default 0

--- Removes entries that are done or dead. A duplicate of an entry that was removed is handled as a new event.
---@param filter apivideo.InboxFilter with the `state` "dead" or "done", or an `id`
---@param options? apivideo.PurgeOptions
---@return integer|nil count of those that were removed; with dry_run, of those that would be
---@return apivideo.Error? err `cancelled` `store_unavailable` `wrong_phase`
function Inbox:purge(filter, options)
  checks.self(self, Inbox, "inbox", "purge")
  local where = filters.compile("inbox:purge", filter, 3)
  options = bulk.check("inbox:purge", options, PURGE_OPTIONS, 3)
  if where.state ~= "dead" and where.state ~= "done" and (where.state or not where.id) then
    error(("inbox:purge: filter: state must be dead or done, got %s"):format(tostring(where.state)), 2)
  end
  where.ended_for = options.age
  local total = 0
  for _, state in ipairs(where.state and { where.state } or { "dead", "done" }) do
    local count, err = change(self, "purge", tables.merge(where, { state = state }), options)
    if not count then return nil, err end
    total = total + count
  end
  return total
end

local MOVE_BATCH = 100 -- entries that are in memory at once

--- The entries as lines of JSON, for `inbox:import` of another inbox: a backup, or the way to another store. An entry that
--- is claimed is in it as one that waits.
---@param filter? apivideo.InboxFilter default: each entry
---@return fun(): string|nil lines an iterator; raises `store_unavailable`, as an error object
function Inbox:export(filter)
  checks.self(self, Inbox, "inbox", "export")
  local where = filters.compile("inbox:export", filter, 3)
  local entries, position, after, is_last = {}, 0, nil, false
  return function()
    while position >= #entries do
      if is_last then return nil end
      local page, following = self._store:list(where, { limit = MOVE_BATCH, after = after, detailed = true })
      if not page then failure.raise(following) end
      entries, position, after, is_last = page, 0, following, not following
    end
    position = position + 1
    return record.encode(entries[position])
  end
end

-- Imports a batch: how many were new; or nil and an error.
local function import_batch(self, records)
  local results, err = self._store:import(records)
  if not results then return nil, err end
  local count = 0
  for _, is_new in ipairs(results) do count = count + (is_new and 1 or 0) end
  if count > 0 then self:_announce() end
  if not runtime.refusal() then runtime.pass() end
  return count
end

--- Stores the entries of `inbox:export`. Those whose key is known are left out, so an import that was interrupted can be
--- repeated.
---@param lines fun(): string|nil such as io.lines("inbox.jsonl")
---@return integer|nil count of those that were new
---@return apivideo.Error? err `bad_json` for a line that is not such an entry: those before it were stored; `store_unavailable`
function Inbox:import(lines)
  checks.self(self, Inbox, "inbox", "import")
  checks.value("inbox:import: lines", lines, "function", 2)
  local total, number, problem = 0, 0, nil
  repeat
    local records = {}
    while #records < MOVE_BATCH and not problem do
      local line = lines()
      if line == nil then break end
      number = number + 1
      records[#records + 1], problem = record.decode(line)
    end
    local count, err = import_batch(self, records)
    if not count then return nil, err end
    total = total + count
  until #records < MOVE_BATCH
  if not problem then return total end
  return nil, errors.new("bad_json", ("line %d: %s"):format(number, problem), { origin = "inbox" })
end

return Inbox
