--- Checks the types of the fields that a test sets, which its routes rely on.

local json = require "apivideo.util.json"

local schema = {}

local function type_of(value)
  return value == json.null and "null" or type(value)
end

--- What is wrong with a value, or nil.
---@param value any
---@param expected string|table a type, or a table with what is expected of each field; `[1]`: of each item of a list
---@param path? string of the value, for the message
---@return string?
function schema.problem(value, expected, path)
  local is_table = type(expected) == "table"
  if type_of(value) ~= (is_table and "table" or expected) then
    local name = is_table and (expected[1] and "list" or "table") or expected
    return ('field "%s" must be a %s, got %s'):format(path, name, type_of(value))
  end
  if not is_table then return nil end
  for field, child in pairs(expected) do
    local problem
    if field == 1 then
      for i = 1, #value do
        problem = problem or schema.problem(value[i], child, ("%s[%d]"):format(path, i))
      end
    elseif value[field] ~= nil then
      problem = schema.problem(value[field], child, path and path .. "." .. field or field)
    end
    if problem then return problem end
  end
end

return schema
