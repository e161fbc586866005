--- Functions by type of event, or by pattern of types, in the order of their registration. A pattern matches no derived
--- type.

local derived = require "apivideo.events.derived"
local filter_index = require "apivideo.events.filter_index"

local MAX_CACHED_TYPES = 256 -- the sender can invent types, so the cache is bounded

---@class apivideo.events.Registry
local Registry = {}
Registry.__index = Registry
Registry.__name = "apivideo.events.Registry"

-- The prefix that a pattern matches ("video." for "video.*", "" for "*"), or nil for the name of a type.
local function prefix_of(name)
  return name:match("^(.*%.)%*$") or (name == "*" and "") or nil
end

-- The table that has the slot of a type or pattern, and its key in it.
local function slot_of(self, name)
  local prefix = prefix_of(name)
  if prefix then return self.by_prefix, prefix end
  return self.by_type, name
end

local function clear_cache(self)
  self.cache, self.groups, self.cached = {}, {}, 0
end

--- The types of the catalogue that a type or pattern matches.
---@param name string
---@return string[]
function Registry:known(name)
  local prefix, known = prefix_of(name), {}
  if self.events.types[name] then return { name } end
  for _, candidate in ipairs(self.events:names()) do
    if prefix and candidate:sub(1, #prefix) == prefix then known[#known + 1] = candidate end
  end
  return known
end

--- The schemas of types and patterns; an empty list if one of them is not in the catalogue.
---@param names string[]
---@return apivideo.EventType[]
function Registry:schemas(names)
  local schemas = {}
  for _, name in ipairs(names) do
    local known = self:known(name)
    if #known == 0 then return {} end
    for _, each in ipairs(known) do schemas[#schemas + 1] = self.events.types[each] end
  end
  return schemas
end

-- A slot has the entries of one type or pattern: all, and those without and with a filter.
local function new_slot()
  return { entries = {}, unfiltered = {}, index = nil }
end

local function put(slot, entry)
  table.insert(slot.entries, entry)
  if not entry.conditions then
    table.insert(slot.unfiltered, entry)
    return
  end
  slot.index = slot.index or filter_index.new()
  slot.index:add(entry)
end

--- Adds a function for a type or pattern.
---@param name string
---@param fn function
---@param conditions? apivideo.events.Condition[] of a filter
function Registry:add(name, fn, conditions)
  local slots, key = slot_of(self, name)
  slots[key] = slots[key] or new_slot()
  self.last = self.last + 1
  put(slots[key], { order = self.last, fn = fn, conditions = conditions })
  clear_cache(self)
end

--- Removes a function from those of a type or pattern, with every filter.
---@param name string
---@param fn function
---@return integer count how often it was registered
function Registry:remove(name, fn)
  local slots, key = slot_of(self, name)
  local remaining, count = new_slot(), 0
  for _, entry in ipairs(slots[key] and slots[key].entries or {}) do
    if entry.fn == fn then
      count = count + 1
    else
      put(remaining, entry)
    end
  end
  slots[key] = remaining.entries[1] and remaining
  clear_cache(self)
  return count
end

-- The set of the registered types, with the causes of a derived type in its place.
local function registered(self)
  local types = {}
  for name in pairs(self.by_type) do
    local schema = self.events.types[name]
    if not derived.is(name) then types[name] = true end
    for _, cause in ipairs(schema and schema.causes or {}) do types[cause] = true end
  end
  return types
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

--- Whether a function is registered for a type, by its name or by a pattern, or for a derived type that it causes.
---@param name string
---@return boolean
function Registry:has(name)
  if registered(self)[name] then return true end
  for prefix in pairs(self.by_prefix) do
    if name:sub(1, #prefix) == prefix then return true end
  end
  return false
end

-- The names and patterns for which a function is registered, sorted.
local function names_of(self)
  local names = registered(self)
  for prefix in pairs(self.by_prefix) do names[prefix .. "*"] = true end
  return sorted(names)
end

--- The types for which a function is registered, sorted: patterns stand for the types of the catalogue, derived types
--- for their causes.
---@return string[]
function Registry:types()
  local types = registered(self)
  for _, name in ipairs(self.events:names()) do
    if self:has(name) then types[name] = true end
  end
  return sorted(types)
end

--- The names and patterns for which a function is registered, and which match none of these types; sorted.
---@param types string[]
---@return string[]
function Registry:unmatched(types)
  local names = {}
  for _, name in ipairs(names_of(self)) do
    local prefix, is_matched = prefix_of(name), false
    for _, candidate in ipairs(types) do
      is_matched = is_matched or candidate == name or prefix ~= nil and candidate:sub(1, #prefix) == prefix
    end
    if not is_matched then names[#names + 1] = name end
  end
  return names
end

local function is_earlier(a, b)
  return a.order < b.order
end

-- The functions of entries, in the order of their registration.
local function functions_of(entries)
  local functions = {}
  table.sort(entries, is_earlier)
  for i, entry in ipairs(entries) do functions[i] = entry.fn end
  return functions
end

-- What matches a type: the entries without a filter, their functions, and the indexes of the others.
local function group_of(self, name)
  local group = { entries = {}, indexes = {} }
  local function add(slot)
    for _, entry in ipairs(slot.unfiltered) do table.insert(group.entries, entry) end
    table.insert(group.indexes, slot.index)
  end
  if self.by_type[name] then add(self.by_type[name]) end
  for prefix, slot in pairs(derived.is(name) and {} or self.by_prefix) do
    if name:sub(1, #prefix) == prefix then add(slot) end
  end
  group.functions = functions_of(group.entries)
  return group
end

-- The group of a type, which is cached. `cache` has only types without a filter, for which the functions suffice.
local function cached_group(self, name)
  local group = group_of(self, name)
  if self.cached >= MAX_CACHED_TYPES then clear_cache(self) end
  self.cached = self.cached + 1
  if group.indexes[1] then
    self.groups[name] = group
  else
    self.cache[name] = group.functions
  end
  return group
end

--- The functions that match an event whose type is not in `cache`. The cost of a dispatch does not grow with the
--- functions that do not match.
---@param event apivideo.Event
---@return function[]
function Registry:matching(event)
  local group = self.groups[event.type] or cached_group(self, event.type)
  local entries = {}
  for i = 1, #group.indexes do group.indexes[i]:collect(event, entries) end
  if #entries == 0 then return group.functions end
  for i = 1, #group.entries do entries[#entries + 1] = group.entries[i] end
  return functions_of(entries)
end

local registry = {}

---@param events apivideo.Catalogue
---@return apivideo.events.Registry
function registry.new(events)
  return setmetatable({
    events = events,
    by_type = {}, by_prefix = {},       -- slots
    last = 0,                           -- order of the latest registration
    cache = {}, groups = {}, cached = 0, -- type -> functions, or type -> group; number of types in both
  }, Registry)
end

return registry
