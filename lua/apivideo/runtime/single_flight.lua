--- One call at a time for each key: who asks while it is under way waits for its answer.

local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

---@class apivideo.SingleFlight
---@field longest number seconds after which a call counts as lost
local SingleFlight = {}
SingleFlight.__index = SingleFlight

--- The answer of the call for a key that is under way, or nil. One that takes too long counts no more:
--- what ran it may be gone, such as a request of nginx that was ended.
---@param key any
---@return apivideo.Latch|nil answer opens with what pcall(fn, ...) returns
function SingleFlight:under_way(key)
  local call = self.calls[key]
  return call and runtime.monotonic() < call.ends_at and call.answer or nil
end

--- Calls fn(...) in a task of its own, unless a call for the key is under way. Who waits for a call that
--- is lost gets this one's answer.
---@param key any
---@param fn function
---@param ... any
---@return apivideo.Latch answer opens with what pcall(fn, ...) returns
function SingleFlight:start(key, fn, ...)
  local answer = self:under_way(key)
  if answer then return answer end
  local lost = self.calls[key]
  answer = lost and lost.answer or runtime.latch()
  local call = { answer = answer, ends_at = runtime.monotonic() + self.longest }
  self.calls[key] = call
  local function finish(...)
    if self.calls[key] == call then self.calls[key] = nil end
    answer:open(...)
  end
  runtime.spawn(function(...) finish(protected.call(fn, ...)) end, ...)
  return answer
end

return {
  ---@param longest number seconds after which a call counts as lost, and the next is made beside it
  ---@return apivideo.SingleFlight
  new = function(longest) return setmetatable({ calls = {}, longest = longest }, SingleFlight) end,
}
