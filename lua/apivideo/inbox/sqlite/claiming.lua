--- How the SQLite store claims entries, within a transaction. Entries that a claim must leave out because of their types
--- get the state "parked", which has an index by type: they are looked at once.

local allowances = require "apivideo.inbox.allowance"
local json = require "apivideo.util.json"
local pauses = require "apivideo.inbox.pauses"
local stores = require "apivideo.inbox.store"

local FIRST_PAGE_MIN = 8 -- ready entries that a claim looks at first

local claiming = {}

--- An entry from the columns of statements.lua.
---@param row any[]
---@param now number
---@return apivideo.StoredEntry
function claiming.entry_of(row, now)
  return {
    id = math.floor(row[1]), token = row[2], attempt = row[3], raw = row[4], webhook_id = row[5],
    verified = row[6] ~= 0, received_at = row[7], age = math.max(0, now - row[8]), error = row[9], origin = row[10],
    replay = row[11] ~= 0 or nil,
  }
end

--- Whether the inbox is paused; its paused types; and whether entries are parked.
---@param db apivideo.inbox.SqliteConnection
---@return boolean
---@return table<string, apivideo.inbox.Pause>
---@return boolean
function claiming.pauses(db)
  local row = db:rows("pauses")[1]
  return row[1] ~= 0, row[2] and json.decode_own(row[2]) or {}, row[3] ~= 0
end

-- Stores the paused types.
local function save(db, paused)
  db:run("set_pauses", next(paused) and assert(json.encode(paused)) or nil)
end

-- Claims the entry of a row.
local function claim_row(db, now, lease, row)
  local entry = claiming.entry_of(row, now)
  entry.attempts = row[12]
  entry.token, entry.attempt = entry.token + 1, entry.attempt + 1
  db:run("claim", now + lease, entry.id)
  return entry
end

-- The oldest parked entries of each type, at most `limit` of each: { id, type } in the order of ids.
local function parked_heads(db, limit)
  local heads, type = {}, ""
  while true do
    local row = db:rows("parked_type", type)[1]
    if not row then break end
    type = row[1]
    for _, head in ipairs(db:rows("parked", type, limit)) do heads[#heads + 1] = { head[1], type } end
  end
  table.sort(heads, function(one, other) return one[1] < other[1] end)
  return heads
end

---@class apivideo.inbox.SqliteSelectionOfClaim
---@field limit integer
---@field allowance apivideo.inbox.Allowance
---@field ids { id: number, probe?: number }[] that are selected

-- Selects an entry if the claim may have it.
local function take(self, id, type)
  local is_allowed, probe = self.allowance:take(type)
  if is_allowed then self.ids[#self.ids + 1] = { id = id, probe = probe } end
  return is_allowed
end

-- Selects among the parked entries with ids below `id`, from a place on; the next place.
local function take_parked(self, heads, place, id)
  while #self.ids < self.limit and heads[place] and heads[place][1] < id do
    take(self, heads[place][1], heads[place][2])
    place = place + 1
  end
  return place
end

-- Selects entries in the order of ids, and parks those ready ones that it leaves out. Returns whether there may be
-- others that it has not seen (nil: no).
local function select(db, self, heads)
  local place, after, parked, size = 1, 0, 0, math.max(FIRST_PAGE_MIN, self.limit)
  local rows
  repeat
    rows = db:rows("ready_types", after, size)
    for _, row in ipairs(rows) do
      place = take_parked(self, heads, place, row[1])
      if #self.ids == self.limit then return nil end
      if not take(self, row[1], row[2]) then
        db:run("park", row[1])
        parked = parked + 1
      end
      after = row[1]
    end
    local is_end = #rows < size
    size = stores.PARK_MAX
    if is_end then break end
  until parked >= stores.PARK_MAX
  take_parked(self, heads, place, math.huge)
  return parked >= stores.PARK_MAX and #self.ids < self.limit or nil
end

-- A claim while types are paused or limited, or entries are parked.
local function claim_selected(db, now, limit, lease, paused, limits, has_parked)
  local self = { limit = limit, allowance = allowances.new(paused, limits, now), ids = {} }
  local more = select(db, self, has_parked and parked_heads(db, limit) or {})
  local entries = {}
  for i, selected in ipairs(self.ids) do
    entries[i] = claim_row(db, now, lease, db:rows("entry", selected.id)[1])
    entries[i].probe = selected.probe
  end
  if self.allowance:delay_probes(lease) then save(db, paused) end
  return { entries, more }
end

--- See apivideo.Store.claim.
function claiming.claim(db, now, limit, lease, limits)
  local is_paused, paused, has_parked = claiming.pauses(db)
  if is_paused then return { {} } end
  db:run("wake", now)
  if limits or has_parked or next(paused) then
    return claim_selected(db, now, limit, lease, paused, limits, has_parked)
  end
  local entries = {}
  for i, row in ipairs(db:rows("ready", limit)) do entries[i] = claim_row(db, now, lease, row) end
  return { entries }
end

--- See apivideo.Store.extend.
function claiming.extend(db, now, id, token, lease, probed)
  if db:run("extend", now + lease, id, token, now) == 0 then return false end
  if probed then
    local _, paused = claiming.pauses(db)
    if pauses.delay(paused, now, probed, lease) then save(db, paused) end
  end
  return true
end

--- Makes the probes of all paused types due.
---@param db apivideo.inbox.SqliteConnection
---@param now number
function claiming.end_delays(db, now)
  local _, paused = claiming.pauses(db)
  for _, pause in pairs(paused) do pause.probe_at = pause.interval and now end
  save(db, paused)
end

--- See apivideo.Store.pause.
function claiming.pause(db, now, type, interval, reason, is_probe)
  if not type then
    db:run("pause", true)
    return true
  end
  local _, paused = claiming.pauses(db)
  local changed = pauses.add(paused, now, type, interval, reason, is_probe)
  if changed then save(db, paused) end
  return changed
end

--- See apivideo.Store.resume.
function claiming.resume(db, _, type, is_probe)
  if not type then
    db:run("pause", false)
    return true
  end
  local _, paused = claiming.pauses(db)
  local changed = pauses.remove(paused, type, is_probe)
  if changed then save(db, paused) end
  return changed
end

return claiming
