--- Keeps a client under api.video's limits: it counts the calls of each class (reads, writes) and the
--- answers' X-RateLimit headers, so that a burst waits for the next window before it is refused.

local headers = require "apivideo.util.headers"
local retry = require "apivideo.transport.retry"
local runtime = require "apivideo.runtime"

local TOLERANCE = 1.5 -- seconds by which two answers about one window may differ: they are rounded
local LONGEST_WINDOW = 60 -- seconds: api.video counts by the minute
local UNLIMITED = 2 ^ 52

-- Of a window that no answer has told of yet: the lowest limits documented, and a guess at its length
-- that soon gives way to an answer.
local GUESSED = { reads = 100, writes = 40 }
local GUESSED_WINDOW = 1 -- seconds

---@class apivideo.RateLimitStore
---@field get fun(self, key: string): number|nil
---@field set fun(self, key: string, value: number)
---@field incr fun(self, key: string, value: number, init: number): number|nil nil when it cannot

-- A store for one process, with the functions of nginx's shared dictionaries.
local Memory = {}
Memory.__index = Memory
function Memory:get(key) return self[key] end
function Memory:set(key, value) self[key] = value end
function Memory:incr(key, value, init)
  self[key] = (self[key] or init) + value
  return self[key]
end

---@class apivideo.RateLimitClass
---@field limit integer|nil calls in a window; nil while nothing is known
---@field remaining integer|nil how many are left
---@field resets_in number|nil seconds until the next window

--- The limits as they are known: `reads` and `writes`, nil before the first answer.
---@class apivideo.RateLimit
---@field reads apivideo.RateLimitClass|nil
---@field writes apivideo.RateLimitClass|nil

---@class apivideo.RateGovernor
local Governor = {}
Governor.__index = Governor

-- When the present window ends; nil when none is known. One that is too long to be true is from
-- before somebody set the clock back.
local function window_end(self, class, now)
  local resets = self.store:get(self.keys[class].resets)
  return resets and now < resets and resets <= now + LONGEST_WINDOW + TOLERANCE and resets or nil
end

local function snapshot(self, class)
  local keys, now = self.keys[class], runtime.now()
  local limit, resets = self.store:get(keys.limit), window_end(self, class, now)
  if not limit or limit >= UNLIMITED then return nil end
  local taken = resets and self.store:get(keys.taken) or 0
  return { limit = limit, remaining = math.max(0, limit - taken), resets_in = resets and resets - now or 0 }
end

-- How many calls are under way here. One that was abandoned is collected, and counts no more.
local function count_under_way(self, class)
  local count = 0
  for _ in pairs(self.under_way[class]) do count = count + 1 end
  return count
end

--- Takes a place in the present window, or says how long it is until the next one. The call gives its
--- place back to `finished`.
---@param class "reads"|"writes"
---@param call table the call that asks
---@return number|nil seconds to wait and ask again; nil when there was a place
function Governor:acquire(class, call)
  local store, keys, now = self.store, self.keys[class], runtime.now()
  local resets = window_end(self, class, now)
  if not resets then
    resets = now + GUESSED_WINDOW
    store:set(keys.resets, resets)
    store:set(keys.told, 0)
    store:set(keys.taken, count_under_way(self, class))
  end
  -- A store that fails (one that is full, say) must not keep calls from being made.
  local taken = store:incr(keys.taken, 1, 0)
  if not taken or taken <= (store:get(keys.limit) or GUESSED[class]) then
    self.under_way[class][call] = true
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
  local store, keys = self.store, self.keys[class]
  store:set(keys.limit, limit)
  store:set(keys.taken, taken)
  store:set(keys.resets, resets)
  store:set(keys.told, 1)
end

-- What an answer tells of its window.
local function learn(self, class, limit, used, seconds)
  local store, keys, now = self.store, self.keys[class], runtime.now()
  local known, taken = window_end(self, class, now), store:get(keys.taken) or 0
  local resets = now + seconds
  if store:get(keys.told) ~= 1 then -- so far it was a guess
    set_window(self, class, limit, math.max(used, taken), resets)
  elseif not known or resets > known + TOLERANCE then
    -- The next window has begun, and those under way may count for it.
    set_window(self, class, limit, used + count_under_way(self, class), resets)
  elseif resets >= known - TOLERANCE then -- or else it is late, and about the window before
    if resets > known then store:set(keys.resets, resets) end
    if used > taken then store:set(keys.taken, used) end
    if limit ~= store:get(keys.limit) then store:set(keys.limit, limit) end
  end
end

--- Counts an answer, or a call that got none.
---@param class "reads"|"writes"
---@param call table
---@param response apivideo.Response|nil
function Governor:finished(class, call, response)
  self.under_way[class][call] = nil
  if not response then return end
  local known = self.store:get(self.keys[class].limit)
  local limit = number_of(response, "x-ratelimit-limit")
  local remaining = number_of(response, "x-ratelimit-remaining")
  local refused = response.status == 429
  local seconds = refused and retry.requested_delay(response) or number_of(response, "x-ratelimit-retry-after")
  if seconds then seconds = math.min(seconds, LONGEST_WINDOW) end
  if limit == 0 then limit = nil end
  if refused then
    limit = limit or known or GUESSED[class]
    set_window(self, class, limit, limit, runtime.now() + (seconds or GUESSED_WINDOW))
  elseif limit and remaining and seconds then
    learn(self, class, limit, math.max(0, limit - remaining), seconds)
  elseif response.status < 300 and not known then
    self.store:set(self.keys[class].limit, UNLIMITED) -- a server that does not count
  end
end

local rate_limit = {}

--- The class that a method counts for.
---@param method string
---@return "reads"|"writes"
function rate_limit.class_of(method)
  return (method == "GET" or method == "HEAD") and "reads" or "writes"
end

--- Makes the governor of an account's calls.
---@param account string what tells the account from others in the store; no secret
---@param store? apivideo.RateLimitStore shared with others, such as a dictionary of nginx
---@return apivideo.RateGovernor
function rate_limit.new(account, store)
  local keys = {}
  for _, class in ipairs { "reads", "writes" } do
    keys[class] = {}
    for _, name in ipairs { "limit", "resets", "told", "taken" } do
      keys[class][name] = ("apivideo:%s:%s:%s"):format(account, class, name)
    end
  end
  return setmetatable({
    store = store or setmetatable({}, Memory),
    keys = keys,
    under_way = { -- calls
      reads = setmetatable({}, { __mode = "k" }),
      writes = setmetatable({}, { __mode = "k" }),
    },
  }, Governor)
end

--- What an application sees of it.
---@param governor apivideo.RateGovernor
---@return apivideo.RateLimit
function rate_limit.view(governor)
  return setmetatable({}, {
    __index = function(_, class) return governor.keys[class] and snapshot(governor, class) end,
  })
end

return rate_limit
