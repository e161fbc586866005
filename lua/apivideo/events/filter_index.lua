--- An index of handlers with filters by the value of one field each, so that the cost of an event does not grow with
--- the filters that do not match it. Nothing is kept of an event: the sender can invent values.

local filter = require "apivideo.events.filter"

local comparable, matches = filter.comparable, filter.matches

---@class apivideo.events.FilterIndex a list of { field, buckets: value -> entries, longest: bytes of the longest string }
local Index = {}
Index.__index = Index
Index.__name = "apivideo.events.FilterIndex"

-- The part of the index for a field.
local function part_of(self, field)
  for _, part in ipairs(self) do
    if part.field == field then return part end
  end
  local part = { field = field, buckets = {}, longest = 0 }
  self[#self + 1] = part
  return part
end

-- The number of entries in the largest bucket for a condition.
local function load_of(self, condition)
  local part, largest = part_of(self, condition.field), 0
  for value in pairs(condition.values) do largest = math.max(largest, #(part.buckets[value] or {})) end
  return largest
end

-- The condition of an entry that selects best: its values are the rarest so far.
local function rarest(self, conditions)
  local best, least
  for _, condition in ipairs(conditions) do
    local entries = load_of(self, condition)
    if not least or entries < least then best, least = condition, entries end
  end
  return best
end

--- Adds a handler with a filter.
---@param entry { order: integer, fn: function, conditions: apivideo.events.Condition[] }
function Index:add(entry)
  local condition = rarest(self, entry.conditions)
  local part = part_of(self, condition.field)
  for value in pairs(condition.values) do
    part.buckets[value] = part.buckets[value] or {}
    table.insert(part.buckets[value], entry)
  end
  part.longest = math.max(part.longest, condition.longest)
end

--- Appends the entries that match an event to a list.
---@param event apivideo.Event
---@param entries table[]
function Index:collect(event, entries)
  for i = 1, #self do
    local part = self[i]
    local bucket = part.buckets[comparable(event[part.field], part.longest)]
    for place = 1, bucket and #bucket or 0 do
      local entry = bucket[place]
      if matches(entry.conditions, event) then entries[#entries + 1] = entry end
    end
  end
end

local filter_index = {}

---@return apivideo.events.FilterIndex
function filter_index.new()
  return setmetatable({}, Index)
end

return filter_index
