--- Limits the lines of a receiver about deliveries that it rejects with 503, because it cannot store or verify them: in
--- an outage there is one for each attempt of each delivery, and all say the same. It also tells health checks of the last.

local failure = require "apivideo.util.failure"
local health = require "apivideo.inbox.health"
local log = require "apivideo.runtime.log"
local runtime = require "apivideo.runtime"

local outage = {
  INTERVAL_S = 10, -- before the next line about the same cause, and between two ends: an outage may come and go
}

local LINES_MAX = 3 -- in that interval, since causes can alternate, or their texts differ each time

---@class apivideo.receiver.Outage
---@field is_on boolean whether no delivery was accepted since the last rejection
---@field private _err? apivideo.Error of the last rejection
---@field private _at number monotonic time of the last rejection
---@field private _since number of the first one
---@field private _count integer rejections since then
---@field private _lines { cause: string, at: number }[] the lines within the last interval, oldest first
---@field private _left_out integer rejections since the last line
---@field private _is_logged boolean whether this outage has a line
---@field private _ended_at number monotonic time of the last line about an end
local Outage = {}
Outage.__index = Outage
Outage.__name = "apivideo.receiver.Outage"

-- The text of an error without numbers, such as of milliseconds, which differ each time.
local function cause_of(err)
  return (tostring(err):gsub("[0-9]+", ""))
end

-- Whether a line about the cause is due, which counts as one of the lines then.
local function is_due(self, cause, now)
  local lines = self._lines
  while lines[1] and now - lines[1].at >= outage.INTERVAL_S do table.remove(lines, 1) end
  for _, line in ipairs(lines) do
    if line.cause == cause then return false end
  end
  if #lines == LINES_MAX then return false end
  lines[#lines + 1] = { cause = cause, at = now }
  return true
end

--- Counts a rejection.
---@param err apivideo.Error
---@return integer|nil left_out rejections since the last line, if this one is to be logged
function Outage:note(err)
  local now, left_out = runtime.monotonic(), self._left_out
  if not self.is_on then self.is_on, self._since, self._count, self._is_logged = true, now, 0, false end
  self._err, self._at, self._count = err, now, self._count + 1
  if not is_due(self, cause_of(err), now) then
    self._left_out = left_out + 1
    return nil
  end
  self._left_out, self._is_logged = 0, true
  return left_out
end

--- Logs that deliveries are accepted again.
function Outage:finish()
  local now = runtime.monotonic()
  self.is_on = false
  if now - self._ended_at < outage.INTERVAL_S and not self._is_logged then return end
  self._ended_at, self._left_out = now, 0
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
    is_on = false, _at = 0, _since = 0, _count = 0, _lines = {}, _left_out = 0, _is_logged = false,
    _ended_at = -math.huge,
  }, Outage)
end

return outage
