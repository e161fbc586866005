--- Which events a command is about: types or patterns of them, and values of fields.

local events = require "apivideo.events"
local filter = require "apivideo.events.filter"
local output = require "apivideo.cli.output"
local unknown = require "apivideo.events.unknown"

---@class apivideo.cli.Selection
---@field types string[] the types that the catalogue has and, named exactly, others; sorted
---@field private _patterns string[]
---@field private _conditions apivideo.events.Condition[]
local Selection = {}
Selection.__index = Selection
Selection.__name = "apivideo.cli.Selection"

-- Whether a type or pattern matches a type.
local function matches(pattern, name)
  if pattern == "*" or pattern == name then return true end
  local prefix = pattern:match "^(.*%.)%*$"
  return prefix ~= nil and name:sub(1, #prefix) == prefix
end

--- Whether an event is selected.
---@param event apivideo.Event
---@return boolean
function Selection:has(event)
  for _, pattern in ipairs(self._patterns) do
    if matches(pattern, event.type) then return filter.matches(self._conditions, event) end
  end
  return false
end

local selection = {}

-- The types that the patterns match; warns about a pattern that matches none, which may be misspelled.
local function types_of(patterns, option)
  local set, types = {}, {}
  for _, pattern in ipairs(patterns) do
    local found = false
    for _, name in ipairs(events:names()) do
      if matches(pattern, name) then found, set[name] = true, true end
    end
    if not found then
      local near = unknown.nearest(pattern, events)
      output.warn(("%s: unknown event type %s; it may be newer than this version%s"):format(option, pattern,
        near and "; did you mean " .. near .. "?" or ""))
      if not pattern:find("*", 1, true) then set[pattern] = true end
    end
  end
  for name in pairs(set) do types[#types + 1] = name end
  table.sort(types)
  return types
end

-- The values that a text may stand for: `3` selects the number, and the string.
local function values_of(text)
  local values = { text }
  if tonumber(text) and tonumber(text) == tonumber(text) then values[2] = tonumber(text) end
  if text == "true" or text == "false" then values[2] = text == "true" end
  return values
end

-- Warns about a field that is in no event of the types: it may be misspelled, or newer than this version.
local function warn_of_field(name, types)
  local schemas = {}
  for _, each in ipairs(types) do
    if not events.types[each] then return end
    schemas[#schemas + 1] = events.types[each]
  end
  local hint = schemas[1] and unknown.field(name, schemas)
  if hint then output.warn(("--where: no selected event has a field %s; %s"):format(name, hint)) end
end

-- The conditions of `name=value` texts: several values of one field are alternatives.
local function conditions_of(where, types)
  local wanted = {}
  for _, text in ipairs(where) do
    local name, value = text:match "^([^=]+)=(.*)$"
    if not name then
      return nil, ("--where must have the form name=value, got '%s'; write, for example, --where quality=720p")
        :format(text)
    end
    if not wanted[name] then
      warn_of_field(name, types)
      wanted[name] = {}
    end
    for _, each in ipairs(values_of(value)) do table.insert(wanted[name], each) end
  end
  if next(wanted) == nil then return {} end
  return filter.compile(wanted, types, {})
end

--- What is wrong with a type or pattern; otherwise nil.
---@param pattern string
---@param option string that it is from
---@return string?
function selection.problem(pattern, option)
  if pattern == "" or pattern:gsub("%.%*$", ""):find("*", 1, true) and pattern ~= "*" then
    return ("%s must be a type or a pattern such as 'video.*', got '%s'"):format(option, pattern)
  end
  local types = unknown.continuations(pattern, events)
  if #types == 0 then return nil end
  return ("%s: '%s' is only the beginning of %s; for all that begin with it, use '%s.*'"):format(option, pattern,
    table.concat(types, ", "), (pattern:gsub("%.$", "")))
end

--- Creates a selection.
---@param patterns string[] types, or patterns such as `video.*`; none: all
---@param where string[] `name=value`
---@param option string that the patterns are from, for messages
---@return apivideo.cli.Selection|nil
---@return string? problem
function selection.new(patterns, where, option)
  for _, pattern in ipairs(patterns) do
    local problem = selection.problem(pattern, option)
    if problem then return nil, problem end
  end
  if #patterns == 0 then patterns = { "*" } end
  local types = types_of(patterns, option)
  local conditions, problem = conditions_of(where, types)
  if not conditions then return nil, problem end
  return setmetatable({ types = types, _patterns = patterns, _conditions = conditions }, Selection)
end

return selection
