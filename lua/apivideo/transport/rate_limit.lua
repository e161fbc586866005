--- Keeps a client below api.video's rate limits. It counts the calls of each class (`reads`, `writes`) and uses
--- the X-RateLimit headers of responses, so that a burst waits for the next window instead of being rejected with 429.

local dictionary = require "apivideo.runtime.dictionary"
local headers = require "apivideo.util.headers"
local retry = require "apivideo.transport.retry"
local runtime = require "apivideo.runtime"

local TOLERANCE_S = 1.5 -- reset times that differ by no more belong to one window: they are rounded
local MAX_WINDOW_S = 60 -- api.video counts by the minute
local UNLIMITED = 2 ^ 52

-- Used until a response describes the window: the lowest documented limits, and a short window, so that a wrong guess
-- delays calls by at most 1 s.
local GUESSED_LIMITS = { reads = 100, writes = 40 }
local GUESSED_WINDOW_S = 1

---@class apivideo.RateLimitStore
---@field get fun(self, key: string): number|nil
---@field set fun(self, key: string, value: number)
---@field incr fun(self, key: string, value: number, init: number): number|nil nil when it fails

---@class apivideo.RateLimitClass
---@field limit integer calls in a window
---@field remaining integer calls left in the window
---@field resets_in number seconds until the next window; 0 if no call has begun one

--- The known limits: `reads` and `writes`, nil before the first response, and if the server has no rate limits.
---@class apivideo.RateLimit
---@field reads apivideo.RateLimitClass|nil
---@field writes apivideo.RateLimitClass|nil

---@class apivideo.RateLimiter
local RateLimiter = {}
RateLimiter.__index = RateLimiter
RateLimiter.__name = "apivideo.RateLimiter"

-- The end of the current window; nil when it is unknown. A window that would be too long was stored before the system's
-- clock was set back.
local function window_end(self, class, now)
  local resets = self._store:get(self._keys[class].resets)
  return resets and now < resets and resets <= now + MAX_WINDOW_S + TOLERANCE_S and resets or nil
end

local function snapshot(self, class)
  local keys, now = self._keys[class], runtime.now()
  local limit, resets = self._store:get(keys.limit), window_end(self, class, now)
  if not limit or limit >= UNLIMITED then return nil end
  local taken = resets and self._store:get(keys.taken) or 0
  return { limit = limit, remaining = math.max(0, limit - taken), resets_in = resets and resets - now or 0 }
end

-- The calls of this process that are in flight. An abandoned call is collected, and no longer counts.
local function count_in_flight(self, class)
  local count = 0
  for _ in pairs(self._in_flight[class]) do count = count + 1 end
  return count
end

--- Counts a call in the current window, if the limit allows it. When the call has ended, the caller must call `finished`.
---@param class "reads"|"writes"
---@param call table the call
---@return number|nil seconds to wait before the next attempt; nil when the call may be sent
function RateLimiter:acquire(class, call)
  local store, keys, now = self._store, self._keys[class], runtime.now()
  local resets = window_end(self, class, now)
  if not resets then
    resets = now + GUESSED_WINDOW_S
    store:set(keys.resets, resets)
    store:set(keys.reported, 0)
    store:set(keys.taken, count_in_flight(self, class))
  end
  -- A store that fails (because it is full, for instance) must not prevent calls.
  local taken = store:incr(keys.taken, 1, 0)
  if not taken or taken <= (store:get(keys.limit) or GUESSED_LIMITS[class]) then
    self._in_flight[class][call] = true
    return nil
  end
  store:incr(keys.taken, -1, 0)
  return math.max(0.01, resets - now)
end

local function number_of(response, name)
  local value = tonumber((headers.get(response.headers, name)))
  return value and value >= 0 and value % 1 == 0 and value or nil
end

local function set_window(self, class, limit, taken, resets)
  local store, keys = self._store, self._keys[class]
  store:set(keys.limit, limit)
  store:set(keys.taken, taken)
  store:set(keys.resets, resets)
  store:set(keys.reported, 1)
end

-- Updates the window with what a response reports about it.
local function update(self, class, limit, used, seconds)
  local store, keys, now = self._store, self._keys[class], runtime.now()
  local known, taken = window_end(self, class, now), store:get(keys.taken) or 0
  local resets = now + seconds
  if store:get(keys.reported) ~= 1 then -- the current values are guesses
    set_window(self, class, limit, math.max(used, taken), resets)
  elseif not known or resets > known + TOLERANCE_S then
    -- The next window has begun, and calls in flight may count for it.
    set_window(self, class, limit, used + count_in_flight(self, class), resets)
  elseif resets >= known - TOLERANCE_S then -- otherwise the response is late, and about the previous window
    if resets > known then store:set(keys.resets, resets) end
    if used > taken then store:set(keys.taken, used) end
    if limit ~= store:get(keys.limit) then store:set(keys.limit, limit) end
  end
end

--- Reports the response of a call, or its end without a response.
---@param class "reads"|"writes"
---@param call table
---@param response apivideo.Response|nil
function RateLimiter:finished(class, call, response)
  self._in_flight[class][call] = nil
  if not response then return end
  local limit = number_of(response, "x-ratelimit-limit")
  local remaining = number_of(response, "x-ratelimit-remaining")
  local is_limited = response.status == 429
  local seconds = is_limited and retry.requested_delay(response) or number_of(response, "x-ratelimit-retry-after")
  if seconds then seconds = math.min(seconds, MAX_WINDOW_S) end
  if limit == 0 then limit = nil end
  if is_limited then
    limit = limit or self._store:get(self._keys[class].limit) or GUESSED_LIMITS[class]
    set_window(self, class, limit, limit, runtime.now() + (seconds or GUESSED_WINDOW_S))
  elseif limit and remaining and seconds then
    update(self, class, limit, math.max(0, limit - remaining), seconds)
  elseif response.status < 300 and not self._store:get(self._keys[class].limit) then
    self._store:set(self._keys[class].limit, UNLIMITED) -- a server without rate limits
  end
end

local rate_limit = {}

--- The class that a method counts for.
---@param method string
---@return "reads"|"writes"
function rate_limit.class_of(method)
  return (method == "GET" or method == "HEAD") and "reads" or "writes"
end

--- Creates the rate limiter of an account.
---@param account string the account's identifier in the store; not a secret
---@param store? apivideo.RateLimitStore shared with other clients, such as a shared dictionary of nginx
---@return apivideo.RateLimiter
function rate_limit.new(account, store)
  local keys = {}
  for _, class in ipairs { "reads", "writes" } do
    keys[class] = {}
    for _, name in ipairs { "limit", "resets", "reported", "taken" } do
      keys[class][name] = ("apivideo:%s:%s:%s"):format(account, class, name)
    end
  end
  return setmetatable({
    _store = store or dictionary.new(),
    _keys = keys,
    _in_flight = { -- calls
      reads = setmetatable({}, { __mode = "k" }),
      writes = setmetatable({}, { __mode = "k" }),
    },
  }, RateLimiter)
end

--- The limits that an application can read, without the limiter's functions and fields.
---@param limiter apivideo.RateLimiter
---@return apivideo.RateLimit
function rate_limit.view(limiter)
  return setmetatable({}, {
    __index = function(_, class) return limiter._keys[class] and snapshot(limiter, class) end,
  })
end

return rate_limit
