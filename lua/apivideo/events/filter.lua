--- Filters of handlers: fields of an event, and the values that they may have. Strings are compared without the case of
--- ASCII letters, because api.video's guide writes HLS where its events have hls.

local ascii = require "apivideo.util.ascii"
local checks = require "apivideo.util.checks"
local redact = require "apivideo.util.redact"
local unknown = require "apivideo.events.unknown"

local lower = ascii.lower

---@alias apivideo.FilterValue string|number|boolean
---@alias apivideo.Filter table<string, apivideo.FilterValue|apivideo.FilterValue[]> field of the event -> a value, or a list of values. All fields must match

---@class apivideo.events.Condition
---@field field string
---@field values table<apivideo.FilterValue, true> strings in lower case
---@field longest integer bytes of the longest string

local VALUES = { string = true, number = true, boolean = true }
local EXPECTED = "must be a string, a number, a boolean, or a list of these, got "

local filter = {}

--- The form in which a value of an event is compared; nil for a string that is too long to equal a value of a filter.
---@param value any
---@param longest integer bytes
---@return any
function filter.comparable(value, longest)
  if type(value) ~= "string" then return value end
  if #value > longest then return nil end
  return lower(value)
end

--- Whether an event matches all conditions.
---@param conditions apivideo.events.Condition[]
---@param event apivideo.Event
---@return boolean
function filter.matches(conditions, event)
  for i = 1, #conditions do
    local condition = conditions[i]
    if not condition.values[filter.comparable(event[condition.field], condition.longest)] then return false end
  end
  return true
end

-- The condition of a field; nil and what is wrong with its value.
local function condition_of(field, wanted)
  local list, place = wanted, " in the list"
  if type(wanted) ~= "table" then list, place = { wanted }, "" end
  if not checks.is_list(list) then return nil, EXPECTED .. "table" end
  if #list == 0 then return nil, "has an empty list, which matches nothing" end
  local condition = { field = field, values = {}, longest = 0 }
  for _, value in ipairs(list) do
    if not VALUES[type(value)] then return nil, EXPECTED .. type(value) .. place end
    if value ~= value then return nil, "is not a number, which equals nothing" end
    if type(value) == "string" then
      value = lower(value)
      condition.longest = math.max(condition.longest, #value)
    end
    condition.values[value] = true
  end
  return condition
end

-- What is wrong with a field name, or nil.
local function name_problem(field, types, schemas)
  if type(field) ~= "string" then
    return ("a field name of the filter must be a string, got %s; write { field = value }"):format(type(field))
  end
  local hint = #schemas > 0 and unknown.field(field, schemas)
  if not hint then return nil end
  return ("the filter's field \"%s\" is in no event of %s; %s For a field that is newer than this library, add it to"
    .. " the sample of the type with events:extend"):format(redact.text(field), table.concat(types, ", "), hint)
end

--- Compiles a filter.
---@param wanted any
---@param types string[] for messages
---@param schemas apivideo.EventType[] the types whose fields it may have; empty if all fields are possible
---@return apivideo.events.Condition[]|nil conditions
---@return string? problem what is wrong
function filter.compile(wanted, types, schemas)
  if type(wanted) ~= "table" then
    return nil, ("the filter must be a table of fields, got %s; write on(types, filter, fn)"):format(type(wanted))
  elseif next(wanted) == nil then
    return nil, "the filter is empty, so it has no effect; omit it"
  end
  local conditions = {}
  for field, value in pairs(wanted) do
    local problem = name_problem(field, types, schemas)
    if problem then return nil, problem end
    local condition, value_problem = condition_of(field, value)
    if not condition then return nil, ("the filter's field \"%s\" %s"):format(redact.text(field), value_problem) end
    conditions[#conditions + 1] = condition
  end
  table.sort(conditions, function(a, b) return a.field < b.field end)
  return conditions
end

return filter
