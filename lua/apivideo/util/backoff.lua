--- Exponential backoff with jitter: how long to wait before a retry.

local random = require "apivideo.util.random"

local backoff = {}

local function longest(attempts, base, cap)
  return math.min(cap, base * 2 ^ (attempts - 1))
end

--- With full jitter: from 0 to the backoff, so that many callers that failed at the same time spread out most.
---@param attempts integer made so far, at least 1
---@param base number seconds: the backoff after the first attempt
---@param cap number seconds: the maximum of the backoff
---@return number seconds
function backoff.full_jitter(attempts, base, cap)
  return random.fraction() * longest(attempts, base, cap)
end

--- With 50 % jitter: from half the backoff to the backoff.
---@param attempts integer made so far, at least 1
---@param base number seconds: the backoff after the first attempt
---@param cap number seconds: the maximum of the backoff
---@return number seconds
function backoff.half_jitter(attempts, base, cap)
  return (1 + random.fraction()) / 2 * longest(attempts, base, cap)
end

return backoff
