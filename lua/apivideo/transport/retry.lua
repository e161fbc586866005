--- When a call is tried again, and how long after.

local core = require "apivideo.core"
local headers = require "apivideo.util.headers"
local runtime = require "apivideo.runtime"

local retry = {}

--- Seconds, but for the budget's.
retry.policy = {
  base = 0.5,         -- the first back-off is up to this long, each further one up to twice as long
  cap = 8,            -- but no back-off is longer than this
  longest_asked = 60, -- of what a server asks for: api.video counts calls by the minute
  budget = 20,        -- retries that a client may make at once
  per_success = 0.2,  -- what a success adds to the budget
  per_second = 0.1,   -- what a second adds
}

--- A number from 0 on and under 1. (Lua's own generator starts alike in each process.)
---@return number
function retry.random()
  local a, b, c = core.random(3):byte(1, 3)
  return (a * 65536 + b * 256 + c) / 16777216
end

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9,
  Oct = 10, Nov = 11, Dec = 12 }

--- Seconds since 1970 of an HTTP date (RFC 9110, IMF-fixdate); nil for what is none.
---@param text? string
---@return integer?
function retry.http_date(text)
  local day, month, year, time = (text or ""):match("^%a%a%a, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d:%d%d:%d%d) GMT$")
  if not MONTHS[month] then return nil end
  local seconds = core.timestamp(("%s-%02d-%sT%sZ"):format(year, MONTHS[month], day, time))
  return seconds
end

-- Seconds that a `Retry-After` asks for: a number of them, or until a date by the server's clock.
local function seconds_of(value, response)
  if not value then return nil end
  if value:find("^%d+$") then return tonumber(value) end
  local date = retry.http_date(value)
  local now = retry.http_date((headers.get(response.headers, "date"))) or runtime.now()
  return date and math.max(0, date - now)
end

--- The seconds that a response asks to wait for, or nil. api.video's own header stands on every
--- response, so it is about this one only where it was refused for it.
---@param response apivideo.Response
---@return number?
function retry.asked(response)
  local own = response.status == 429
    and seconds_of(headers.get(response.headers, "x-ratelimit-retry-after"), response)
  return own or seconds_of(headers.get(response.headers, "retry-after"), response)
end

--- How long to wait before the next attempt: what the server asked for and a little more, so that not
--- all come back at once; else an exponential back-off with full jitter.
---@param attempts integer made so far
---@param asked? number
---@return number seconds
function retry.delay(attempts, asked)
  local policy = retry.policy
  if asked then
    asked = math.min(asked, policy.longest_asked)
    return asked + retry.random() * math.min(policy.cap, math.max(policy.base, asked / 10))
  end
  return retry.random() * math.min(policy.cap, policy.base * 2 ^ (attempts - 1))
end

--- A token bucket: in an outage a client soon has no retries left, and does not multiply it.
---@class apivideo.RetryBudget
local Budget = {}
Budget.__index = Budget

local function refill(self, amount)
  local now = runtime.monotonic()
  local earned = amount + (now - self.since) * retry.policy.per_second
  self.tokens, self.since = math.min(retry.policy.budget, self.tokens + earned), now
end

--- Takes one retry; false when there is none.
---@return boolean
function Budget:take()
  refill(self, 0)
  if self.tokens < 1 then return false end
  self.tokens = self.tokens - 1
  return true
end

--- Counts a call that went well.
function Budget:succeeded()
  if self.tokens < retry.policy.budget then refill(self, retry.policy.per_success) end
end

---@return apivideo.RetryBudget
function retry.budget()
  return setmetatable({ tokens = retry.policy.budget, since = runtime.monotonic() }, Budget)
end

return retry
