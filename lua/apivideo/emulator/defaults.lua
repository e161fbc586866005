--- Fills in the fields that a test leaves out of an object.

local json = require "apivideo.util.json"
local tables = require "apivideo.util.tables"

local LIST = getmetatable(json.array {})

local defaults = {}

--- Returns a deep copy of `fields` with `values` for the fields that are missing. If the default of a
--- field is a list, the field is marked as one, so that an empty table is encoded as `[]`.
---@param fields table
---@param values table
---@return table
function defaults.apply(fields, values)
  local object = tables.copy(fields)
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
