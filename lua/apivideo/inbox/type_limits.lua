--- The option `concurrency` of inbox:work: how many events are handled at the same time, in all and by type.

local covers = require("apivideo.inbox.pattern").covers
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local CLAIM_TIMEOUT_S = 5 -- after which a claim no longer waits for that of another task

---@class apivideo.inbox.TypeLimits
---@field private _limits apivideo.inbox.Limit[] types before patterns, longer patterns before shorter ones
---@field private _claims table<apivideo.Claim, { limit: apivideo.inbox.Limit, ends: number }> that are or will be handled
local TypeLimits = {}
TypeLimits.__index = TypeLimits
TypeLimits.__name = "apivideo.inbox.TypeLimits"

-- How many more events of each limit may be handled.
local function remaining(self)
  local rest, counts, now = {}, {}, runtime.monotonic()
  for claim, place in pairs(self._claims) do
    if place.ends <= now then
      self._claims[claim] = nil
    else
      counts[place.limit] = (counts[place.limit] or 0) + 1
    end
  end
  for i, limit in ipairs(self._limits) do
    rest[i] = { type = limit.type, count = math.max(0, limit.count - (counts[limit] or 0)) }
  end
  return rest
end

-- Counts a claim, until `remove`; or until its lease expires, if its handling does not begin: the task that waited for
-- the claim may no longer want it.
local function add(self, claim, lease)
  for _, limit in ipairs(self._limits) do
    if claim.type and covers(limit.type, claim.type) then
      self._claims[claim] = { limit = limit, ends = runtime.monotonic() + lease }
      return
    end
  end
end

--- Claims events within the limits. One claim at a time: each must know what the one before it has got.
---@param inbox apivideo.Inbox
---@param count integer
---@param lease number
---@return apivideo.Claim[]|nil claims
---@return apivideo.Error? err `store_unavailable`
function TypeLimits:claim(inbox, count, lease)
  while self._claiming do
    if select(2, self._claiming:wait(CLAIM_TIMEOUT_S)) == "timeout" then break end
  end
  local done = runtime.latch()
  self._claiming = done
  local ok, claims, err = protected.call(inbox._claim, inbox, count, lease, remaining(self))
  for _, claim in ipairs(ok and claims or {}) do add(self, claim, lease) end
  if self._claiming == done then self._claiming = nil end
  done:open(true)
  if not ok then error(claims, 0) end
  return claims, err
end

--- Notes that the handling of a claim begins.
---@param claim apivideo.Claim
function TypeLimits:begin(claim)
  if self._claims[claim] then self._claims[claim].ends = math.huge end
end

--- Notes that a claim is settled.
---@param claim apivideo.Claim
function TypeLimits:remove(claim)
  self._claims[claim] = nil
end

local type_limits = {}

-- Types before patterns, longer patterns before shorter ones: the first that matches applies.
local function is_more_special(one, other)
  local is_pattern, is_other_pattern = one.type:sub(-1) == "*", other.type:sub(-1) == "*"
  if is_pattern ~= is_other_pattern then return is_other_pattern end
  if #one.type ~= #other.type then return #one.type > #other.type end
  return one.type < other.type
end

--- The number of events in all, and the limits by type, or nil.
---@param concurrency integer|table<string, integer>|nil
---@return integer total
---@return apivideo.inbox.TypeLimits|nil
function type_limits.new(concurrency)
  if type(concurrency) ~= "table" then return concurrency or 1 end
  local limits = {}
  for name, count in pairs(concurrency) do
    if name ~= "default" then limits[#limits + 1] = { type = name, count = count } end
  end
  table.sort(limits, is_more_special)
  return concurrency.default or 1, limits[1] and setmetatable({ _limits = limits, _claims = {} }, TypeLimits) or nil
end

return type_limits
