--- What an operator asks of the store in memory, and does to its entries.

local core = require "apivideo.core"

local PURGE_BATCH = 1000 -- entries that one purge removes at most

local queries = {}

local function now() return core.monotonic() end

--- The public form of an entry.
---@param entry table
---@return apivideo.StoredEntry
function queries.copy(entry)
  return {
    id = entry.id, token = entry.token, attempt = entry.attempt, raw = entry.raw, error = entry.error,
    webhook_id = entry.webhook_id, verified = entry.verified, received_at = entry.received_at,
    age = now() - entry.stored_at, origin = entry.origin,
  }
end

-- The public state of an entry.
local function state_of(entry)
  if entry.state ~= "open" then return entry.state end
  return entry.claimed and now() < entry.due and "claimed" or "waiting"
end

--- See apivideo.Store.list.
function queries.list(self, state, limit, after)
  local listed = {}
  for id = (after or 0) + 1, self.last do
    local entry = self.entries[id]
    if entry and state_of(entry) == state and #listed < limit then
      local item = queries.copy(entry)
      item.state = state
      listed[#listed + 1] = item
    end
  end
  return listed
end

--- See apivideo.Store.redrive.
function queries.redrive(self, id)
  local count = 0
  for i = id or 1, id or self.last do
    local entry = self.entries[i]
    if entry and entry.state == "dead" then
      count = count + 1
      entry.attempt = 0
      self.queue:open(entry)
    end
  end
  return count
end

--- See apivideo.Store.purge.
function queries.purge(self, state, age)
  local count = 0
  for _, entry in pairs(self.entries) do
    if entry.state == state and now() - entry.ended_at >= age and count < PURGE_BATCH then
      count = count + 1
      self:_forget(entry)
    end
  end
  return count
end

--- See apivideo.Store.stats.
function queries.stats(self)
  local stats = { waiting = 0, claimed = 0, dead = 0, done = 0, attempts = 0, paused = self.paused }
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
