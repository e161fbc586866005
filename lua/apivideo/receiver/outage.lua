--- Limits the lines of a receiver about deliveries that it rejects with 503, because it cannot store or verify them: in
--- an outage there is one for each attempt of each delivery, and all say the same. It also tells health checks of the last.

local failure = require "apivideo.util.failure"
local health = require "apivideo.inbox.health"
local log = require "apivideo.runtime.log"
local runtime = require "apivideo.runtime"

local outage = {
  INTERVAL_S = 10, -- between two lines about the same kind of error, and between two ends: an outage may come and go
}

local CAUSE_INTERVAL_S = 1 -- before the line about an outage with another cause

---@class apivideo.receiver.Outage
---@field is_on boolean whether no delivery was accepted since the last rejection
---@field private _err? apivideo.Error of the last rejection
---@field private _at number monotonic time of the last rejection
---@field private _since number of the first one
---@field private _count integer rejections since then
---@field private _logged_at table<string, number> monotonic times of the last lines, by kind of error
---@field private _left_out table<string, integer> rejections since the last line, by kind of error
---@field private _cause? string of the last line
---@field private _line_at number monotonic time of the last line
---@field private _is_logged boolean whether this outage has a line
---@field private _ended_at number monotonic time of the last line about an end
local Outage = {}
Outage.__index = Outage
Outage.__name = "apivideo.receiver.Outage"

-- The text of an error without numbers, such as of milliseconds, which differ each time.
local function cause_of(err)
  return (failure.message(err):gsub("[0-9]+", ""))
end

-- Whether an outage begins whose cause is not that of the last line.
local function is_other_cause(self, cause, now)
  return not self.is_on and cause ~= self._cause and now - self._line_at >= CAUSE_INTERVAL_S
end

--- Counts a rejection.
---@param err apivideo.Error
---@return integer|nil left_out rejections since the last line, if this one is to be logged
function Outage:note(err)
  local kind, now = err.kind, runtime.monotonic()
  local left_out, cause = self._left_out[kind] or 0, cause_of(err)
  local is_other = is_other_cause(self, cause, now)
  if not self.is_on then self.is_on, self._since, self._count, self._is_logged = true, now, 0, false end
  self._err, self._at, self._count = err, now, self._count + 1
  if now - (self._logged_at[kind] or -math.huge) < outage.INTERVAL_S and not is_other then
    self._left_out[kind] = left_out + 1
    return nil
  end
  self._logged_at[kind], self._left_out[kind] = now, nil
  self._cause, self._line_at, self._is_logged = cause, now, true
  return left_out
end

--- Logs that deliveries are accepted again.
function Outage:finish()
  local now = runtime.monotonic()
  self.is_on = false
  if now - self._ended_at < outage.INTERVAL_S and not self._is_logged then return end
  self._ended_at, self._left_out = now, {}
  log.warn(("receiver: deliveries are accepted again, after %.1f s; rejected with 503 in that time: %.0f;"
    .. " api.video retries each for ten seconds"):format(now - self._since, self._count))
end

--- The reason for health checks.
---@return string? text nil if a delivery was accepted since the last rejection, or that is some time ago
function Outage:reason()
  local seconds = self.is_on and runtime.monotonic() - self._at
  if not seconds or seconds > health.FAILURE_MAX_AGE_S then return nil end
  return ("a delivery was rejected with 503 %.0f s ago, and none has been accepted since: %s"):format(seconds,
    failure.message(self._err))
end

---@return apivideo.receiver.Outage
function outage.new()
  return setmetatable({
    is_on = false, _at = 0, _since = 0, _count = 0, _logged_at = {}, _left_out = {}, _ended_at = -math.huge,
    _line_at = -math.huge, _is_logged = false,
  }, Outage)
end

return outage
