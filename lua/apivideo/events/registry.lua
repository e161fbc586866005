--- Functions by type of event, or by pattern of types, in the order of their registration.

local spelling = require "apivideo.util.spelling"

local MAX_CACHED_TYPES = 256 -- the sender can invent types, so the cache is bounded

---@class apivideo.events.Registry
local Registry = {}
Registry.__index = Registry
Registry.__name = "apivideo.events.Registry"

-- The prefix that a pattern matches ("video." for "video.*", "" for "*"), or nil for the name of a type.
local function prefix_of(name)
  return name:match("^(.*%.)%*$") or (name == "*" and "") or nil
end

-- The table that has the functions of a type or pattern, and their key in it.
local function slot_of(self, name)
  local prefix = prefix_of(name)
  if prefix then return self.by_prefix, prefix end
  return self.by_type, name
end

local function clear_cache(self)
  self.cache, self.cached = {}, 0
end

--- What is wrong with a type or pattern, or nil. One that matches no type of the catalogue is most likely mistyped, and
--- its events would be left without a handler.
---@param name any
---@return string?
function Registry:problem_of(name)
  if type(name) ~= "string" then return "an event type must be a string, got " .. type(name) end
  local prefix, names = prefix_of(name), self.events:names()
  for _, known in ipairs(names) do
    if known == name or prefix and known:sub(1, #prefix) == prefix then return nil end
  end
  local near = not prefix and spelling.nearest(name, names)
  return ("no event type is \"%s\" (%s). A type newer than this library: add it with events:extend, or handle it with"
    .. " handlers:otherwise"):format(name,
    near and ("did you mean \"" .. near .. "\"?") or "known: " .. table.concat(names, ", "))
end

--- Adds a function for a type or pattern.
---@param name string
---@param fn function
function Registry:add(name, fn)
  local slots, key = slot_of(self, name)
  slots[key] = slots[key] or {}
  self.last = self.last + 1
  table.insert(slots[key], { order = self.last, fn = fn })
  clear_cache(self)
end

--- Removes a function from those of a type or pattern.
---@param name string
---@param fn function
---@return integer count how often it was registered
function Registry:remove(name, fn)
  local slots, key = slot_of(self, name)
  local remaining, count = {}, 0
  for _, entry in ipairs(slots[key] or {}) do
    if entry.fn == fn then
      count = count + 1
    else
      remaining[#remaining + 1] = entry
    end
  end
  slots[key] = remaining[1] and remaining
  clear_cache(self)
  return count
end

local function append(entries, more)
  for _, entry in ipairs(more or {}) do entries[#entries + 1] = entry end
end

local function is_earlier(a, b)
  return a.order < b.order
end

--- The functions that match a type. They are cached, so that the cost of a dispatch does not grow with the functions
--- that do not match.
---@param name string
---@return function[]
function Registry:matching(name)
  local functions = self.cache[name]
  if functions then return functions end
  local entries = {}
  append(entries, self.by_type[name])
  for prefix, more in pairs(self.by_prefix) do
    if name:sub(1, #prefix) == prefix then append(entries, more) end
  end
  table.sort(entries, is_earlier)
  functions = {}
  for i, entry in ipairs(entries) do functions[i] = entry.fn end
  if self.cached >= MAX_CACHED_TYPES then clear_cache(self) end
  self.cache[name] = functions
  self.cached = self.cached + 1
  return functions
end

local registry = {}

---@param events apivideo.Catalogue
---@return apivideo.events.Registry
function registry.new(events)
  return setmetatable({
    events = events,
    by_type = {}, by_prefix = {}, -- lists of { order, fn }
    last = 0,                     -- order of the latest registration
    cache = {}, cached = 0,       -- type -> functions; number of types
  }, Registry)
end

return registry
