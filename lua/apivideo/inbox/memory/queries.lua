--- What an operator asks of the store in memory, and does to its entries.

local core = require "apivideo.core"
local matches = require("apivideo.inbox.filter").matches
local pauses = require "apivideo.inbox.pauses"
local stores = require "apivideo.inbox.store"
local tables = require "apivideo.util.tables"

local queries = {}

local function now() return core.monotonic() end

--- The public form of an entry.
---@param entry table
---@return apivideo.StoredEntry
function queries.copy(entry)
  return {
    id = entry.id, token = entry.token, attempt = entry.attempt, raw = entry.raw, error = entry.error,
    type = entry.type, video_id = entry.video_id, detail = entry.detail,
    webhook_id = entry.webhook_id, verified = entry.verified, received_at = entry.received_at, replay = entry.replay,
    age = now() - entry.stored_at, origin = entry.origin,
  }
end

--- Removes an entry from all indexes.
---@param self table the store
---@param entry table
function queries.forget(self, entry)
  self.entries[entry.id], self.keys[entry.key] = nil, nil
  self.occurrences:remove(entry)
end

-- The public state of an entry.
local function state_of(entry)
  if entry.state ~= "open" then return entry.state end
  return entry.claimed and now() < entry.due and "claimed" or "waiting"
end

-- The first and the last id to look at, and the step between them.
local function range_of(self, where, page)
  if where.id then
    if where.id > self.last then return 1, 0, 1 end -- from 2^53, a loop would not end: adding 1 changes nothing
    return where.id, page.after and 0 or where.id, 1 -- one page
  elseif page.newest then
    return math.min(self.last, (page.after or math.huge) - 1), 1, -1
  end
  return (page.after or 0) + 1, self.last, 1
end

-- Whether an entry matches the conditions of calls for entries that are done or dead.
local function has_ended(where, entry)
  return (not where.ended_for or now() - entry.ended_at >= where.ended_for) and (not where.has_raw or entry.raw ~= "")
end

-- Calls a function with each entry of a page that matches, and its state. Returns where the next page begins, or nil.
local function each(self, where, page, fn)
  local seen, found = 0, 0
  local first, last, step = range_of(self, where, page)
  for id = first, last, step do
    local entry = self.entries[id]
    if entry then
      seen = seen + 1
      local state = state_of(entry)
      if matches(where, entry, state) and has_ended(where, entry) then
        found = found + 1
        fn(entry, state)
      end
      if found == page.limit or seen == stores.SCAN_MAX then return id ~= last and id or nil end
    end
  end
end

--- See apivideo.Store.list.
function queries.list(self, where, page)
  local listed = {}
  local following = each(self, where, page, function(entry, state)
    local item = queries.copy(entry)
    item.state = state
    if page.without_raw then item.raw = "" end
    if page.detailed then
      item.attempts, item.key, item.occurrence, item.lane = entry.attempts, entry.key, entry.occurrence, entry.lane
      item.ended_for = entry.state ~= "open" and now() - entry.ended_at or nil
    end
    listed[#listed + 1] = item
  end)
  return listed, following
end

-- Calls a function with each entry of a page that matches: how many, and where the next page begins.
local function count_each(self, where, page, fn)
  local count = 0
  local following = each(self, where, page, function(entry)
    count = count + 1
    fn(entry)
  end)
  return count, following
end

--- See apivideo.Store.count.
function queries.count(self, where, page)
  return count_each(self, where, { after = page.after }, function() end)
end

--- See apivideo.Store.redrive.
function queries.redrive(self, where, page)
  return count_each(self, tables.merge(where, { state = "dead" }), page, function(entry)
    entry.attempt = 0
    self.queue:open(entry)
  end)
end

--- See apivideo.Store.replay.
function queries.replay(self, where, page)
  return count_each(self, tables.merge(where, { state = "done", has_raw = true }), page, function(entry)
    entry.attempt, entry.replay = 0, true
    self.queue:open(entry)
  end)
end

--- See apivideo.Store.purge.
function queries.purge(self, where, page)
  return count_each(self, where, page, function(entry) queries.forget(self, entry) end)
end

--- See apivideo.Store.expire.
function queries.expire(self, age)
  local count = 0
  for _, entry in pairs(self.entries) do
    if entry.state == "done" and now() - entry.ended_at >= age and count < stores.SCAN_MAX then
      count = count + 1
      queries.forget(self, entry)
    end
  end
  return count
end

--- See apivideo.Store.stats.
function queries.stats(self)
  local stats = { waiting = 0, claimed = 0, dead = 0, done = 0, attempts = 0, paused = self.paused,
    paused_types = pauses.list(self.pauses, now()) }
  for _, entry in pairs(self.entries) do
    local state = state_of(entry)
    stats[state] = stats[state] + 1
    if entry.state == "open" then
      stats.attempts = math.max(stats.attempts, entry.attempt)
      stats.oldest = math.max(stats.oldest or 0, now() - entry.stored_at)
    end
  end
  return stats
end

return queries
