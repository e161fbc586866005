--- Fills in the fields that a test leaves out of an object.

local json = require "apivideo.util.json"

local LIST = getmetatable(json.array {})

local defaults = {}

--- Copies a value deeply. Lists keep their metatable, so that an empty one is still encoded as `[]`.
function defaults.copy(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = defaults.copy(item) end
  return setmetatable(copy, getmetatable(value))
end

--- Returns a deep copy of `fields` with `values` for the fields that are missing. If the default of a
--- field is a list, the field is marked as one, so that an empty table is encoded as `[]`.
---@param fields table
---@param values table
---@return table
function defaults.apply(fields, values)
  local object = defaults.copy(fields)
  for name, value in pairs(values) do
    if object[name] == nil then
      object[name] = value
    elseif type(object[name]) == "table" and getmetatable(value) == LIST then
      json.array(object[name])
    end
  end
  return object
end

return defaults
