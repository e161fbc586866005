--- What a claim of a store may have: how many entries of which types. Types may be paused in the store, and the worker
--- may limit them. The script of the Redis store does the same.

local covers = require("apivideo.inbox.pattern").covers

---@class apivideo.inbox.Limit how many entries of a type or pattern a claim may have
---@field type string
---@field count integer

---@class apivideo.inbox.Pause of a type or pattern
---@field probe_at? number on the store's clock: from then on, a claim may have one entry, as a probe
---@field interval? number seconds between two probes; without it, an operator has paused the type
---@field reason? string

---@class apivideo.inbox.Allowance
---@field probed table<string, apivideo.inbox.Pause> the pauses of the probes that were taken
---@field private _pauses table<string, apivideo.inbox.Pause> by type or pattern
---@field private _limits apivideo.inbox.Limit[] of several that match a type, the first one applies
---@field private _now number
---@field private _counts table<apivideo.inbox.Limit, integer> how many were taken
local Allowance = {}
Allowance.__index = Allowance
Allowance.__name = "apivideo.inbox.Allowance"

-- Whether a type is paused; and the name of the pause if a probe is due.
local function pause_of(self, type)
  local probe
  for name, pause in pairs(self._pauses) do
    if covers(name, type) then
      if not pause.probe_at or pause.probe_at > self._now or self.probed[name] then return true end
      probe = name
    end
  end
  return false, probe
end

local function limit_of(self, type)
  for _, limit in ipairs(self._limits) do
    if covers(limit.type, type) then return limit end
  end
end

--- Takes an entry of a type, if the claim may have one. An entry without an event has no type: it is always allowed.
---@param type string|nil
---@return boolean is_allowed
---@return number? probe seconds between two probes: the entry is a probe
function Allowance:take(type)
  if not type then return true end
  local is_paused, probe = pause_of(self, type)
  local limit = limit_of(self, type)
  local count = limit and self._counts[limit] or 0
  if is_paused or limit and count >= limit.count then return false end
  if limit then self._counts[limit] = count + 1 end
  if not probe then return true end
  self.probed[probe] = self._pauses[probe]
  return true, self._pauses[probe].interval
end

--- Notes that the probes were claimed: the next ones are due when their leases have expired.
---@param lease number seconds
---@return boolean changed
function Allowance:delay_probes(lease)
  for _, pause in pairs(self.probed) do pause.probe_at = self._now + lease end
  return next(self.probed) ~= nil
end

local allowance = {}

---@param pauses table<string, apivideo.inbox.Pause>
---@param limits apivideo.inbox.Limit[]|nil
---@param now number
---@return apivideo.inbox.Allowance
function allowance.new(pauses, limits, now)
  return setmetatable({ _pauses = pauses, _limits = limits or {}, _now = now, _counts = {}, probed = {} }, Allowance)
end

return allowance
