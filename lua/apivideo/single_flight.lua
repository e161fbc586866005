--- One call at a time for each key: who asks while it is under way gets its answer, too.

local protected = require "apivideo.pcall"
local runtime = require "apivideo.runtime"

---@class apivideo.SingleFlight
local SingleFlight = {}
SingleFlight.__index = SingleFlight

--- Whether a call for a key is under way.
---@param key any
---@return boolean
function SingleFlight:busy(key)
  return self.calls[key] ~= nil
end

-- Calls, and lets those who come meanwhile wait for the results.
local function lead(self, key, fn, ...)
  local answer = runtime.latch()
  self.calls[key] = answer
  local function finish(...)
    self.calls[key] = nil
    answer:open(...)
    return ...
  end
  return finish(protected.call(fn, ...))
end

local function results(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

--- Calls fn(...) unless a call for the key is under way: then waits for that one.
---@param key any
---@param fn function
---@param ... any
---@return any ... the results; its error is raised to all
function SingleFlight:run(key, fn, ...)
  local call = self.calls[key]
  -- Who cannot yield would wait on top of the one who calls, and neither would come to an end.
  if call and runtime.can_yield() then return results(call:wait()) end
  return results(lead(self, key, fn, ...))
end

return {
  ---@return apivideo.SingleFlight
  new = function() return setmetatable({ calls = {} }, SingleFlight) end,
}
