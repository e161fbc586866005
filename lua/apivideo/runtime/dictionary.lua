--- A dictionary of one process, with the functions of nginx's shared dictionaries. An `exptime` is in seconds; 0 means
--- that the value does not expire.

local runtime = require "apivideo.runtime"

local SWEEP_INTERVAL = 1000 -- values with an expiry that are added, at least, before expired ones are removed

---@class apivideo.Dictionary
---@field get fun(self, key: string): any
---@field set fun(self, key: string, value: any, exptime?: number)
---@field add fun(self, key: string, value: any, exptime?: number): boolean, string?
---@field incr fun(self, key: string, value: number, init?: number, init_ttl?: number): number|nil, string?
---@field delete fun(self, key: string)
local Dictionary = {}
Dictionary.__index = Dictionary
Dictionary.__name = "apivideo.Dictionary"

-- Removes expired values. The next sweep follows after as many additions as values are left, so that the cost for each
-- addition does not depend on their number.
local function sweep(self)
  local now, left = runtime.monotonic(), 0
  for key, expires in pairs(self.expires) do
    if now >= expires then
      self.values[key], self.expires[key] = nil, nil
    else
      left = left + 1
    end
  end
  self.additions, self.sweep_after = 0, math.max(SWEEP_INTERVAL, left)
end

function Dictionary:get(key)
  local expires = self.expires[key]
  if expires and runtime.monotonic() >= expires then return nil end
  return self.values[key]
end

function Dictionary:set(key, value, exptime)
  if exptime and exptime > 0 then
    self.additions = self.additions + 1
    if self.additions > self.sweep_after then sweep(self) end
    self.expires[key] = runtime.monotonic() + exptime
  else
    self.expires[key] = nil
  end
  self.values[key] = value
  return true
end

function Dictionary:add(key, value, exptime)
  if self:get(key) ~= nil then return false, "exists" end
  return self:set(key, value, exptime)
end

function Dictionary:incr(key, value, init, init_ttl)
  local old = self:get(key)
  if old then
    self.values[key] = old + value
  elseif init then
    self:set(key, init + value, init_ttl)
  else
    return nil, "not found"
  end
  return self.values[key]
end

function Dictionary:delete(key)
  self.values[key], self.expires[key] = nil, nil
end

local dictionary = {}

---@return apivideo.Dictionary
function dictionary.new()
  return setmetatable({ values = {}, expires = {}, additions = 0, sweep_after = SWEEP_INTERVAL }, Dictionary)
end

--- Raises an error unless a value has functions of a dictionary.
---@param where string the option, for the message
---@param value table
---@param names string[] the functions
---@param level integer at which it raises, as seen from the caller
function dictionary.check(where, value, names, level)
  for _, name in ipairs(names) do
    if type(value[name]) ~= "function" then
      error(("%s must have %s, as nginx's shared dictionaries have"):format(where,
        table.concat(names, ", ")), level + 1)
    end
  end
end

return dictionary
