--- The part of the model of an inbox's store that concerns types: pauses, probes and limits.

local pattern = require "apivideo.inbox.pattern"

local types = {}

-- The first of the limits that matches a type.
local function limit_of(limits, type)
  for _, limit in ipairs(limits or {}) do
    if pattern.covers(limit.type, type) then return limit end
  end
end

--- Whether a claim may have an entry of a type after others of these types.
function types.is_allowed(self, limits, type, others)
  if not type then return true end
  for name, pause in pairs(self.paused_types) do
    if pattern.covers(name, type) then
      if not pause.interval or self.clock.time < pause.probe_at then return false end
      for other in pairs(others) do
        if pattern.covers(name, other) then return false end -- that is the probe
      end
    end
  end
  local limit, count = limit_of(limits, type), 0
  for other, number in pairs(others) do
    if limit and limit_of(limits, other) == limit then count = count + number end
  end
  return not limit or count < limit.count
end

--- The types of the claims whose entries came before one: type -> how many.
function types.before(self, claims, place)
  local counts = {}
  for _, claim in ipairs(claims) do
    local entry = self:find("id", claim.id)
    if entry and entry.type and entry.place < place then
      counts[entry.type] = (counts[entry.type] or 0) + 1
    end
  end
  return counts
end

--- The result of pause.
function types.pause(self, type, interval)
  if not type then
    self.is_paused = true
    return true
  end
  local known = self.paused_types[type]
  if known and not known.interval and interval then return false end
  self.paused_types[type] = { interval = interval, probe_at = interval and self.clock.time + interval }
  return true
end

--- The result of resume.
function types.resume(self, type, is_probe)
  if not type then
    self.is_paused = false
    return true
  end
  local found = {}
  for name, pause in pairs(self.paused_types) do
    if is_probe and name == type and pause.interval or not is_probe and pattern.covers(type, name) then
      found[#found + 1] = name
    end
  end
  for _, name in ipairs(found) do self.paused_types[name] = nil end
  return #found > 0
end

--- Compares the paused types that a store lists with the model.
function types.check_stats(self, listed)
  for _, each in ipairs(listed) do
    local pause = self.paused_types[each.type]
    if not pause then error({ model = "stats: " .. each.type .. " is not paused" }, 0) end
    local probe_in = pause.interval and math.max(0, pause.probe_at - self.clock.time)
    if (probe_in == nil) ~= (each.probe_in == nil) or probe_in and math.abs(probe_in - each.probe_in) > 15 then
      error({ model = ("stats: probe of %s: expected %s, got %s"):format(each.type, tostring(probe_in),
        tostring(each.probe_in)) }, 0)
    end
  end
  local count = 0
  for _ in pairs(self.paused_types) do count = count + 1 end
  if count ~= #listed then error({ model = ("%d paused types, listed %d"):format(count, #listed) }, 0) end
end

return types
