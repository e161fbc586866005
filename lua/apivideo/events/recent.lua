--- A map of limited size: it keeps at least the last `limit` keys that were set, and at most twice as many.

---@class apivideo.events.Recent
local Recent = {}
Recent.__index = Recent
Recent.__name = "apivideo.events.Recent"

---@param key string
---@return any value nil if it was not set, or long ago
function Recent:get(key)
  local value = self.new[key]
  if value == nil then return self.old[key] end
  return value
end

---@param key string
---@param value any not nil
function Recent:set(key, value)
  if self.new[key] == nil then
    if self.count >= self.limit then self.old, self.new, self.count = self.new, {}, 0 end
    self.count = self.count + 1
  end
  self.new[key] = value
end

---@param key string
function Recent:remove(key)
  if self.new[key] ~= nil then self.new[key], self.count = nil, self.count - 1 end
  self.old[key] = nil
end

local recent = {}

---@param limit integer
---@return apivideo.events.Recent
function recent.new(limit)
  return setmetatable({ new = {}, old = {}, count = 0, limit = limit }, Recent)
end

return recent
