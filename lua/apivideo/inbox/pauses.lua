--- The paused types of a store, for the stores that keep them as a Lua table: name of a type or pattern -> its pause.

local covers = require("apivideo.inbox.pattern").covers

local pauses = {}

--- Pauses a type or pattern. A pause with probes does not replace one of an operator.
---@param paused table<string, apivideo.inbox.Pause>
---@param now number
---@param type string
---@param interval? number seconds until a probe
---@param reason? string
---@param is_probe? boolean a probe has failed: only if the type is still paused
---@return boolean changed
function pauses.add(paused, now, type, interval, reason, is_probe)
  local known = paused[type]
  if interval and known and not known.interval or is_probe and not known then return false end
  paused[type] = { interval = interval, probe_at = interval and now + interval, reason = reason }
  return true
end

--- Delays the next probe of a type by `lease` seconds, at least: the current one runs for longer than its lease.
---@param paused table<string, apivideo.inbox.Pause>
---@param now number
---@param type string
---@param lease number
---@return boolean changed
function pauses.delay(paused, now, type, lease)
  local pause = paused[type]
  if not pause or not pause.interval or pause.probe_at >= now + lease then return false end
  pause.probe_at = now + lease
  return true
end

--- Ends the pauses of all types that a name covers; with `is_probe`, only the pause with probes of this type.
---@param paused table<string, apivideo.inbox.Pause>
---@param type string
---@param is_probe? boolean
---@return boolean changed
function pauses.remove(paused, type, is_probe)
  local found = {}
  for name, pause in pairs(paused) do
    if is_probe and name == type and pause.interval or not is_probe and covers(type, name) then
      found[#found + 1] = name
    end
  end
  for _, name in ipairs(found) do paused[name] = nil end
  return #found > 0
end

--- The pauses as in apivideo.InboxStats, or nil.
---@param paused table<string, apivideo.inbox.Pause>
---@param now number
---@return apivideo.PausedType[]|nil
function pauses.list(paused, now)
  local list = {}
  for name, pause in pairs(paused) do
    list[#list + 1] = { type = name, reason = pause.reason,
      probe_in = pause.probe_at and math.max(0, pause.probe_at - now) }
  end
  table.sort(list, function(one, other) return one.type < other.type end)
  return list[1] and list or nil
end

return pauses
