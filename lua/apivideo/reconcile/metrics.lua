--- Metrics of the passes of a reconciliation.

---@class apivideo.reconcile.Counts
---@field private _passes table<string, apivideo.metrics.Counter> by result
---@field private _events table<string, apivideo.metrics.Counter> by result
---@field private _unread apivideo.metrics.Counter
---@field private _seconds apivideo.metrics.Histogram
local Counts = {}
Counts.__index = Counts
Counts.__name = "apivideo.reconcile.Counts"

--- Counts a pass. What a pass that failed has found is in the inbox, too.
---@param summary apivideo.ReconcileSummary
---@param is_complete boolean
---@param seconds number
function Counts:pass(summary, is_complete, seconds)
  self._passes[is_complete and "completed" or "failed"]:add(1)
  self._events.found:add(summary.found)
  self._events.known:add(summary.known)
  self._unread:add(#(summary.errors or {}))
  self._seconds:observe(seconds)
end

local reconcile_metrics = {}

--- Creates the counts of a reconciliation.
---@param registry apivideo.Metrics of its inbox
---@return apivideo.reconcile.Counts
function reconcile_metrics.new(registry)
  local passes = registry:_counter("apivideo_reconcile_passes_total", "Passes of the reconciliation.", { "result" })
  local events = registry:_counter("apivideo_reconcile_events_total",
    "Events that passes have found because they had not come, and those that were known.", { "result" })
  return setmetatable({
    _passes = { completed = passes:with "completed", failed = passes:with "failed" },
    _events = { found = events:with "found", known = events:with "known" },
    _unread = registry:_counter("apivideo_reconcile_unread_total",
      "Videos and live streams that could not be read, and are read in the next pass."):with(),
    _seconds = registry:_histogram("apivideo_reconcile_pass_seconds", "Duration of a pass.", nil, true):with(),
  }, Counts)
end

return reconcile_metrics
