--- Permanent failures: further attempts cannot succeed.

local failure = require "apivideo.util.failure"
local protected = require "apivideo.util.pcall"

---@class apivideo.Permanent
---@field cause any
local Permanent = {}
Permanent.__index = Permanent
Permanent.__name = "apivideo.Permanent"

Permanent.__tostring = function(self) return failure.message(self.cause) end

local permanent = {
  count = 0, -- how many were created
}

local MAIN = {} -- the key of the main coroutine, for which coroutine.running returns nil in Lua 5.1
local latest = setmetatable({}, { __mode = "k" }) -- task -> { count, cause } of its latest one

local function current_task()
  local co = coroutine.running()
  return co and protected.root(co) or MAIN
end

---@param err any why
---@return apivideo.Permanent
function permanent.new(err)
  local cause = err == nil and "no reason was given" or err
  permanent.count = permanent.count + 1
  latest[current_task()] = { count = permanent.count, cause = cause }
  return setmetatable({ cause = cause }, Permanent)
end

---@param value any
---@return boolean
function permanent.is(value)
  return getmetatable(value) == Permanent
end

--- The latest failure that the current task created after the first `count` ones: a handler may create one and not
--- return it.
---@param count integer
---@return boolean made
---@return any cause
function permanent.made_since(count)
  local entry = latest[current_task()]
  if not entry or entry.count <= count then return false end
  return true, entry.cause
end

return permanent
