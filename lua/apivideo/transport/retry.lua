--- The retry policy of calls: how long to wait before the next attempt, and how many retries a client may make.

local backoff = require "apivideo.util.backoff"
local headers = require "apivideo.util.headers"
local http_date = require "apivideo.util.http_date"
local random = require "apivideo.util.random"
local runtime = require "apivideo.runtime"
local token_bucket = require "apivideo.transport.token_bucket"

local MAX_REQUESTED_S = 60 -- of the wait that a server requests: api.video counts calls by the minute

-- Each retry takes a token: when api.video is down, a client runs out of them, and does not multiply the load.
local BUDGET_TOKENS = 20
local BUDGET_TOKENS_PER_S = 0.1
local BUDGET_TOKENS_PER_SUCCESS = 0.2

local retry = {}

--- Seconds: the backoff after the first attempt, which doubles with each further one, and its maximum.
retry.policy = { base = 0.5, cap = 8 }

-- The value of a Retry-After header in seconds. It is a number of them, or a date by the server's clock.
local function seconds_of(value, response)
  if not value then return nil end
  if value:find("^%d+$") then return tonumber(value) end
  local date = http_date.parse(value)
  return date and math.max(0, date - (http_date.of_response(response) or runtime.now()))
end

--- The wait that a response requests. api.video sends X-RateLimit-Retry-After with every response, so that header
--- counts only for a 429.
---@param response apivideo.Response
---@return number? seconds
function retry.requested_delay(response)
  local own = response.status == 429
    and seconds_of(headers.get(response.headers, "x-ratelimit-retry-after"), response)
  return own or seconds_of(headers.get(response.headers, "retry-after"), response)
end

--- How long to wait before the next attempt: a little longer than the server requested, so that the clients that
--- it rejected do not return at the same moment; otherwise exponential backoff with full jitter.
---@param attempts integer made so far, at least 1
---@param requested? number seconds
---@return number seconds
function retry.delay(attempts, requested)
  local policy = retry.policy
  if not requested then return backoff.full_jitter(attempts, policy.base, policy.cap) end
  requested = math.min(requested, MAX_REQUESTED_S)
  return requested + random.fraction() * math.min(policy.cap, math.max(policy.base, requested / 10))
end

--- Creates a client's budget of retries: each takes one of its tokens.
---@return apivideo.TokenBucket
function retry.new_budget()
  return token_bucket.new(BUDGET_TOKENS, BUDGET_TOKENS_PER_S)
end

--- Counts a successful call.
---@param budget apivideo.TokenBucket
function retry.add_success(budget)
  budget:add(BUDGET_TOKENS_PER_SUCCESS)
end

return retry
