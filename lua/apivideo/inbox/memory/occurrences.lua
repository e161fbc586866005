--- The occurrences of the store in memory: which entries were the same event, and which entries came between.

---@class apivideo.inbox.Occurrences
---@field private _sets table<string, table<table, true>> occurrence -> set of entries
local Occurrences = {}
Occurrences.__index = Occurrences
Occurrences.__name = "apivideo.inbox.Occurrences"

-- Whether one entry came before another. Entries of one batch have the same time.
local function is_earlier(entry, other)
  if entry.stored_at ~= other.stored_at then return entry.stored_at < other.stored_at end
  return entry.id < other.id
end

-- The last entry of an occurrence until the time `came`, and the first one after it; nil for either that is missing.
local function neighbors(self, occurrence, came)
  local before, after
  for entry in pairs(occurrence and self._sets[occurrence] or {}) do
    if entry.stored_at <= came then
      if not before or is_earlier(before, entry) then before = entry end
    elseif not after or is_earlier(entry, after) then
      after = entry
    end
  end
  return before, after
end

--- Whether an item repeats an occurrence: an entry of it came within the window, and no entry of the opposite occurrence
--- came between the two.
---@param item apivideo.StoredItem
---@param came number
---@param window number
---@return boolean
function Occurrences:is_retry(item, came, window)
  local before, after = neighbors(self, item.occurrence, came)
  local opposite_before, opposite_after = neighbors(self, item.opposite, came)
  if before and came - before.stored_at < window
    and not (opposite_before and is_earlier(before, opposite_before)) then return true end
  return after ~= nil and after.stored_at - came < window
    and not (opposite_after and is_earlier(opposite_after, after))
end

--- Whether an item with a condition is to be put: the last entry of its opposite came early enough, and no entry of its
--- occurrence came after that one.
---@param item apivideo.StoredItem
---@param came number
---@return boolean
function Occurrences:is_wanted(item, came)
  local bounds = item.opposite_age
  if not bounds then return true end
  local opposite, later_opposite = neighbors(self, item.opposite, came)
  if not opposite or later_opposite then return false end
  local age = came - opposite.stored_at
  if age < bounds.min or age > bounds.max then return false end
  local before, after = neighbors(self, item.occurrence, came)
  return not after and not (before and is_earlier(opposite, before))
end

--- Adds an entry to the set of its occurrence.
function Occurrences:add(entry)
  if not entry.occurrence then return end
  local entries = self._sets[entry.occurrence] or {}
  entries[entry] = true
  self._sets[entry.occurrence] = entries
end

--- Removes an entry.
function Occurrences:remove(entry)
  local entries = entry.occurrence and self._sets[entry.occurrence]
  if not entries then return end
  entries[entry] = nil
  if not next(entries) then self._sets[entry.occurrence] = nil end
end

local occurrences = {}

---@return apivideo.inbox.Occurrences
function occurrences.new()
  return setmetatable({ _sets = {} }, Occurrences)
end

return occurrences
