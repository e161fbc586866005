--- One call at a time for each key: who asks while it is under way waits for its answer.

local protected = require "apivideo.pcall"
local runtime = require "apivideo.runtime"

---@class apivideo.SingleFlight
local SingleFlight = {}
SingleFlight.__index = SingleFlight

--- Calls fn(...) in a task of its own, unless a call for the key is under way.
---@param key any
---@param fn function
---@param ... any
---@return apivideo.Latch answer opens with what pcall(fn, ...) returns
function SingleFlight:start(key, fn, ...)
  local answer = self.calls[key]
  if answer then return answer end
  answer = runtime.latch()
  self.calls[key] = answer
  local function finish(...)
    self.calls[key] = nil
    answer:open(...)
  end
  runtime.spawn(function(...) finish(protected.call(fn, ...)) end, ...)
  return answer
end

return {
  ---@return apivideo.SingleFlight
  new = function() return setmetatable({ calls = {} }, SingleFlight) end,
}
