--- Converters for argparse that read durations and points in time.

local core = require "apivideo.core"

local UNITS = { s = 1, m = 60, h = 3600, d = 86400 }
local MAX_S = 10 * 365 * 86400

local times = {}

-- The seconds of `90s`, `30m`, `2h` or `1d`; otherwise nil.
local function seconds_of(text)
  local count, unit = text:match "^(%d+)([smhd])$"
  local seconds = count and tonumber(count) * UNITS[unit]
  return seconds and seconds <= MAX_S and seconds or nil
end

--- Creates a converter for a duration: `90s`, `30m`, `2h`, `1d`, in seconds.
---@param name string of the option, for messages
---@return fun(text: string): number?, string?
function times.duration(name)
  return function(text)
    local seconds = seconds_of(text)
    if seconds and seconds > 0 then return seconds end
    return nil, ("%s must be a duration such as 90s, 30m, 2h or 1d, got '%s'"):format(name, text)
  end
end

--- Creates a converter for a point in time: a duration ago, or a date such as 2026-01-31T12:00:00Z.
---@param name string of the option, for messages
---@return fun(text: string): number?, string? seconds since 1970
function times.point(name)
  return function(text)
    local ago = seconds_of(text)
    if ago then return core.now() - ago end
    local seconds = core.timestamp(text)
    if seconds then return seconds end
    return nil, ("%s must be a duration ago, such as 30m, 2h or 1d, or a date such as 2026-01-31T12:00:00Z, got '%s'")
      :format(name, text)
  end
end

--- A point in time for people: UTC, to the second.
---@param seconds number since 1970
---@return string
function times.text(seconds)
  return os.date("!%Y-%m-%d %H:%M:%SZ", math.floor(seconds))
end

--- A duration for people: `4.2 s`, `12 min`, `3.5 h`, `2.1 days`.
---@param seconds number
---@return string
function times.span(seconds)
  if seconds < 120 then return ("%.1f s"):format(seconds) end
  if seconds < 2 * 3600 then return ("%.0f min"):format(seconds / 60) end
  if seconds < 2 * 86400 then return ("%.1f h"):format(seconds / 3600) end
  return ("%.1f days"):format(seconds / 86400)
end

return times
