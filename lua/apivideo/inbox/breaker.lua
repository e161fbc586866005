--- The circuit breaker of a worker: when so many attempts in a row have failed for one type, it pauses the type in the
--- store, for all workers. Probes, which the store lets through one at a time, end the pause.

local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local utf8 = require "apivideo.util.utf8"

local REASON_MAX_BYTES = 200

---@class apivideo.inbox.Breaker
---@field private _store apivideo.Store
---@field private _pause_after integer|nil failures in a row
---@field private _probe_interval number seconds
---@field private _failures table<string, integer> in a row, by type
local Breaker = {}
Breaker.__index = Breaker
Breaker.__name = "apivideo.inbox.Breaker"

-- Pauses a type. An error of the store is logged: the next failures, or another probe, do it again.
local function pause(self, type, interval, reason, message, is_probe)
  local changed, err = self._store:pause(type, interval, utf8.repaired(reason:sub(1, REASON_MAX_BYTES)), is_probe)
  local name = failure.message(type)
  if changed then
    log.error(("inbox: events of type %s are paused%s; a probe follows in %g s, and inbox:resume { type = %q } ends "
      .. "the pause: %s"):format(name, message, interval, name, reason))
  elseif changed == nil then
    log.error(("inbox: events of type %s could not be paused: %s"):format(name, failure.text(err)))
  end
end

local function on_probe(self, type, interval, reason)
  if reason then return pause(self, type, interval, reason, " still, since the probe has failed", true) end
  local changed, err = self._store:resume(type, true)
  local name = failure.message(type)
  if changed then
    log.warn(("inbox: events of type %s are resumed, since the probe has succeeded"):format(name))
  elseif changed == nil then
    log.error(("inbox: events of type %s could not be resumed: %s"):format(name, failure.text(err)))
  end
end

--- Notes the result of an attempt. A failure that is permanent is one of the event: it is not counted.
---@param type string
---@param probe? number as of the claim
---@param reason? string the failure
function Breaker:note(type, probe, reason)
  if probe then on_probe(self, type, probe, reason) end
  if not self._pause_after then return end
  local count = reason and (self._failures[type] or 0) + 1 or nil
  self._failures[type] = count ~= self._pause_after and count or nil
  if count == self._pause_after and not probe then
    pause(self, type, self._probe_interval, reason, (" after %d failures in a row"):format(count))
  end
end

local breaker = {}

---@param store apivideo.Store
---@param pause_after? integer failures in a row; nil: it pauses no type, and handles the probes of other workers
---@param probe_interval number seconds
---@return apivideo.inbox.Breaker
function breaker.new(store, pause_after, probe_interval)
  return setmetatable({ _store = store, _pause_after = pause_after, _probe_interval = probe_interval, _failures = {} },
    Breaker)
end

return breaker
