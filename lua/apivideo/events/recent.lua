--- A map of limited size: it keeps at least the last `limit` keys that were set, and at most twice as many.

local sign = require("apivideo.core").signature.sign

local KEY_MAX_BYTES = 200 -- api.video's ids have about 25

---@class apivideo.events.Recent
local Recent = {}
Recent.__index = Recent
Recent.__name = "apivideo.events.Recent"

-- A key in the map. The sender of an event chooses its length, so a long one is replaced by its hash.
local function short(key)
  return #key <= KEY_MAX_BYTES and key or sign(key, "recent")
end

---@param key string
---@return any value nil if it was not set, or long ago
function Recent:get(key)
  key = short(key)
  local value = self.new[key]
  if value == nil then return self.old[key] end
  return value
end

---@param key string
---@param value any not nil
function Recent:set(key, value)
  key = short(key)
  if self.new[key] == nil then
    if self.count >= self.limit then self.old, self.new, self.count = self.new, {}, 0 end
    self.count = self.count + 1
  end
  self.new[key] = value
end

---@param key string
function Recent:remove(key)
  key = short(key)
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
