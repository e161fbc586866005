--- The methods of an inbox for its start, and for a monitoring system.

local checks = require "apivideo.util.checks"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local health = require "apivideo.inbox.health"
local Inbox = require "apivideo.inbox.class"
local monitor = require "apivideo.runtime.monitor"
local protected = require "apivideo.util.pcall"
local timed = require "apivideo.runtime.timed"

-- Whether a store responds. An application's own store may raise an error.
local function responds(store)
  local ok, entries, err = protected.call(store.list, store, { state = "waiting" }, { limit = 1 })
  if ok and entries then return true end
  if ok and errors.is(err) then return nil, err end
  return nil, errors.new("store_unavailable", failure.message(ok and err or entries), { origin = "inbox" })
end

--- Whether the store or the spool responds in time, so that a delivery can most likely be stored.
---@private
---@return boolean
function Inbox:_is_available()
  local wait_for_store = timed.start(health.RESPONSE_MAX_S, responds, self._store)
  if not self._spool then return wait_for_store() == true end
  local wait_for_spool = timed.start(health.RESPONSE_MAX_S, responds, self._spool.spool)
  return (wait_for_store() or wait_for_spool()) == true
end

--- Reads the numbers of events from the store, for the next text of the metrics.
---@private
function Inbox:_measure()
  self._counts:set((self:stats()))
end

--- The metrics of the inbox, and of all that shares its option `metrics`, in Prometheus' text format.
---@return string text
function Inbox:metrics()
  checks.self(self, Inbox, "inbox", "metrics")
  self:_measure()
  return self._counts:text()
end

--- Whether all is well, and what is not: see apivideo.HealthReason.
---@param limits? apivideo.HealthLimits
---@return apivideo.Health
function Inbox:health(limits)
  checks.self(self, Inbox, "inbox", "health")
  local reasons = health.reasons(self, health.limits("inbox:health", limits, 3))
  return { ok = next(reasons) == nil, reasons = reasons }
end

--- Responds to requests for the metrics (a path that ends in `/metrics`) and for the health (`/health`: 200, or 503 if
--- it is not ok, with the result of `inbox:health` as JSON).
---@param request? { method: string, path: string } default: the current request of nginx, to which the response is sent
---@param limits? apivideo.HealthLimits
---@return integer|nil status nil in nginx
---@return table<string, string>|nil headers
---@return string|nil body
function Inbox:monitor(request, limits)
  checks.self(self, Inbox, "inbox", "monitor")
  limits = health.limits("inbox:monitor", limits, 3)
  local status, list, body = monitor.respond("inbox:monitor", self, request, limits)
  return status, list, body
end
