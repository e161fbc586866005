--- Failures that no other attempt would mend.

---@class apivideo.Permanent
---@field cause any
local Permanent = {}
Permanent.__index = Permanent
Permanent.__name = "apivideo.permanent"

Permanent.__tostring = function(self) return tostring(self.cause) end

local permanent = {}

---@param err any why
---@return apivideo.Permanent
function permanent.new(err)
  return setmetatable({ cause = err == nil and "no reason was given" or err }, Permanent)
end

---@param value any
---@return boolean
function permanent.is(value)
  return getmetatable(value) == Permanent
end

return permanent
