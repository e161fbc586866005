--- How many calls an account may make in each window of time: reads and writes are counted apart.
--- https://docs.api.video/reference/limitation

local runtime = require "apivideo.runtime"

---@class apivideo.emulator.Limits
local Limits = {}
Limits.__index = Limits

-- The window that a class is in, which began with its first call.
local function window_of(self, class)
  local now, window = runtime.monotonic(), self.windows[class]
  if not window or now >= window.ends then
    window = { used = 0, ends = now + self.seconds }
    self.windows[class] = window
  end
  return window, math.ceil(window.ends - now)
end

--- Counts a call.
---@param class "reads"|"writes"
---@return boolean allowed
---@return table<string, string> headers X-RateLimit-…
function Limits:count(class)
  local window, seconds = window_of(self, class)
  local limit = self.calls[class]
  window.used = window.used + 1
  return window.used <= limit, {
    ["X-RateLimit-Limit"] = ("%d"):format(limit),
    ["X-RateLimit-Remaining"] = ("%d"):format(math.max(0, limit - window.used)),
    ["X-RateLimit-Retry-After"] = ("%d"):format(seconds),
  }
end

local limits = {}

--- Makes limits of which nothing is used.
---@param calls { reads: integer, writes: integer } in a window
---@param seconds number of a window
---@return apivideo.emulator.Limits
function limits.new(calls, seconds)
  return setmetatable({ calls = calls, seconds = seconds, windows = {} }, Limits)
end

return limits
