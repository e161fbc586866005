--- Paces the calls of a reconciliation: they take a share of the account's rate limit for reads, on average. Calls that
--- were not made for up to a minute can be made up for.

local runtime = require "apivideo.runtime"

local GUESSED_LIMIT = 100 -- until a response reports the limit: the sandbox's, the lowest documented one
local WINDOW_S = 60       -- api.video counts by the minute
local STEP_S = 5          -- the longest pause between two calls of `while_waiting`
local STEP_MIN_S = 0.01   -- no busy loop when the credit is almost 1

---@class apivideo.reconcile.Pace
---@field calls integer how many calls were charged
---@field private _client apivideo.Client
---@field private _share number
---@field private _credit number calls that may be made now; negative after retries
---@field private _since number monotonic time of the last refill
local Pace = {}
Pace.__index = Pace
Pace.__name = "apivideo.reconcile.Pace"

-- The share of the limit, in calls per window.
local function allowance(self)
  local reads = self._client.rate_limit and self._client.rate_limit.reads
  return self._share * (reads and reads.limit or GUESSED_LIMIT)
end

-- Adds the credit for the time since the last refill. Returns the credit of a second.
local function refill(self)
  local now, most = runtime.monotonic(), allowance(self)
  local rate = most / WINDOW_S
  self._credit = math.min(math.max(most, 1), (self._credit or most) + (now - self._since) * rate)
  self._since = now
  return rate
end

--- Waits until a call may be made.
---@param cancel? apivideo.Cancellation ends the wait
---@param while_waiting fun() called at least every 5 s during the wait
function Pace:wait(cancel, while_waiting)
  while true do
    local rate = refill(self)
    if self._credit >= 1 or cancel and cancel:is_cancelled() then return end
    local seconds = math.min(STEP_S, math.max(STEP_MIN_S, (1 - self._credit) / rate))
    if cancel then cancel.latch:wait(seconds) else runtime.sleep(seconds) end
    while_waiting()
  end
end

--- Counts calls.
---@param count integer
function Pace:charge(count)
  refill(self)
  self._credit, self.calls = self._credit - count, self.calls + count
end

local pace = {}

---@param client apivideo.Client
---@param share number of the rate limit, above 0
---@return apivideo.reconcile.Pace
function pace.new(client, share)
  return setmetatable({ calls = 0, _client = client, _share = share, _since = runtime.monotonic() }, Pace)
end

return pace
