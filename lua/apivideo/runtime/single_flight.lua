--- One call at a time for each key: callers during a call wait for the same result.

local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

---@class apivideo.SingleFlight
---@field private _timeout number seconds after which a call counts as lost
local SingleFlight = {}
SingleFlight.__index = SingleFlight
SingleFlight.__name = "apivideo.SingleFlight"

--- The result of the call in progress for a key, or nil. A call that exceeds the timeout counts as lost: the task that
--- ran it may have been ended, for instance with its nginx request.
---@param key any
---@return apivideo.Latch|nil result opens with the results of pcall(fn, ...)
function SingleFlight:in_progress(key)
  local call = self._calls[key]
  return call and runtime.monotonic() < call.deadline and call.result or nil
end

--- Calls fn(...) in its own task, unless a call for the key is in progress. Tasks that wait for a lost call receive the
--- result of this one.
---@param key any
---@param fn function
---@param ... any
---@return apivideo.Latch result opens with the results of pcall(fn, ...)
function SingleFlight:start(key, fn, ...)
  local result = self:in_progress(key)
  if result then return result end
  local lost = self._calls[key]
  result = lost and lost.result or runtime.latch()
  local call = { result = result, deadline = runtime.monotonic() + self._timeout }
  self._calls[key] = call
  local function finish(...)
    if self._calls[key] == call then self._calls[key] = nil end
    result:open(...)
  end
  runtime.spawn(function(...) finish(protected.call(fn, ...)) end, ...)
  return result
end

return {
  ---@param timeout number seconds after which a call counts as lost, and another one may start
  ---@return apivideo.SingleFlight
  new = function(timeout) return setmetatable({ _calls = {}, _timeout = timeout }, SingleFlight) end,
}
