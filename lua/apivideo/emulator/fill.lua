--- Objects that a test gives in part, made whole.

local json = require "apivideo.util.json"

local LIST = getmetatable(json.array {})

local fill = {}

--- A deep copy, in which lists stay lists.
function fill.copy(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = fill.copy(item) end
  return setmetatable(copy, getmetatable(value))
end

--- A deep copy of what is given, with the defaults of what is not. What is a list by default is
--- written as one, also when it is empty.
---@param given table
---@param defaults table
---@return table
function fill.with(given, defaults)
  local whole = fill.copy(given)
  for name, default in pairs(defaults) do
    if whole[name] == nil then
      whole[name] = default
    elseif type(whole[name]) == "table" and getmetatable(default) == LIST then
      json.array(whole[name])
    end
  end
  return whole
end

return fill
