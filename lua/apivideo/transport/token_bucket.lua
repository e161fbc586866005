--- A token bucket: it holds a limited number of tokens, which time and the caller refill.

local runtime = require "apivideo.runtime"

---@class apivideo.TokenBucket
---@field private _capacity number
---@field private _rate number tokens that one second refills
---@field private _tokens number
---@field private _since number the monotonic time of the last refill
local TokenBucket = {}
TokenBucket.__index = TokenBucket
TokenBucket.__name = "apivideo.TokenBucket"

local function refill(self, tokens)
  local now = runtime.monotonic()
  self._tokens = math.min(self._capacity, self._tokens + tokens + (now - self._since) * self._rate)
  self._since = now
end

--- Takes one token.
---@return boolean taken false when the bucket holds less than one
function TokenBucket:take()
  refill(self, 0)
  if self._tokens < 1 then return false end
  self._tokens = self._tokens - 1
  return true
end

--- Adds tokens, up to the capacity.
---@param tokens number
function TokenBucket:add(tokens)
  if self._tokens < self._capacity then refill(self, tokens) end
end

local token_bucket = {}

--- Creates a full bucket.
---@param capacity number the most tokens that it holds
---@param rate number tokens that one second refills
---@return apivideo.TokenBucket
function token_bucket.new(capacity, rate)
  return setmetatable({ _capacity = capacity, _rate = rate, _tokens = capacity, _since = runtime.monotonic() },
    TokenBucket)
end

return token_bucket
