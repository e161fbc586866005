--- The account's rate limit: a number of calls in each fixed window. Reads and writes are counted separately.
--- https://docs.api.video/reference/limitation

local runtime = require "apivideo.runtime"

---@class apivideo.emulator.Limits
---@field private _calls { reads: integer, writes: integer }
---@field private _window_s number
---@field private _windows table<string, { used: integer, ends: number }>
local Limits = {}
Limits.__index = Limits
Limits.__name = "apivideo.emulator.Limits"

-- The current window of a class. A window begins with its first call.
local function current_window(self, class)
  local now, window = runtime.monotonic(), self._windows[class]
  if not window or now >= window.ends then
    window = { used = 0, ends = now + self._window_s }
    self._windows[class] = window
  end
  return window, math.ceil(window.ends - now)
end

--- Counts a call.
---@param class "reads"|"writes"
---@return boolean allowed
---@return table<string, string> headers X-RateLimit-…
function Limits:count(class)
  local window, seconds = current_window(self, class)
  local limit = self._calls[class]
  window.used = window.used + 1
  return window.used <= limit, {
    ["X-RateLimit-Limit"] = ("%d"):format(limit),
    ["X-RateLimit-Remaining"] = ("%d"):format(math.max(0, limit - window.used)),
    ["X-RateLimit-Retry-After"] = ("%d"):format(seconds),
  }
end

local limits = {}

--- Creates unused limits.
---@param calls { reads: integer, writes: integer } allowed in one window
---@param window_s number seconds
---@return apivideo.emulator.Limits
function limits.new(calls, window_s)
  return setmetatable({ _calls = calls, _window_s = window_s, _windows = {} }, Limits)
end

return limits
