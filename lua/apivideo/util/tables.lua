--- Copies of tables.

local tables = {}

--- A new table with the fields of all arguments; of equal names, the last one's value.
---@param ... table|nil
---@return table
function tables.merge(...)
  local merged = {}
  for i = 1, select("#", ...) do
    for name, value in pairs((select(i, ...)) or {}) do merged[name] = value end
  end
  return merged
end

--- A deep copy. Tables keep their metatables, so that an empty list stays one for `json.encode`.
---@param value any
---@return any
function tables.copy(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for name, item in pairs(value) do copy[name] = tables.copy(item) end
  return setmetatable(copy, getmetatable(value))
end

return tables
