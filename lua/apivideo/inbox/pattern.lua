--- The types of events that a name means: a type, or a pattern such as `video.*`, or `*` for all.

local pattern = {}

--- The prefix of the types that a pattern matches; nil for a type.
---@param name string
---@return string|nil
function pattern.prefix_of(name)
  return name:match "^(.*%.)%*$" or name == "*" and "" or nil
end

--- Whether a type or a pattern matches a type; for two patterns, whether the first one matches all types of the other.
---@param name string
---@param other string
---@return boolean
function pattern.covers(name, other)
  local prefix = pattern.prefix_of(name)
  return name == other or prefix ~= nil and other:sub(1, #prefix) == prefix
end

return pattern
