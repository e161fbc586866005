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

return tables
