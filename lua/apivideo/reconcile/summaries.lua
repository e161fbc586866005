--- The summaries of a pass: those that were created since the last one, and since the oldest one that is being made.

local found = require "apivideo.reconcile.found"

local BATCH = 200 -- events that are put at once

local summaries = {}

--- Reads the summaries, newest first.
---@param pass apivideo.reconcile.Pass
---@param from number the time of the cursor
function summaries.list(pass, from)
  local events, oldest = {}, nil
  from = math.max(math.min(from, pass.state.summaries or from), pass:horizon())
  pass:read_list(pass.client.summaries, { sortBy = "createdAt", sortOrder = "desc" }, function(summary)
    local created = pass.time_of(summary.createdAt) or pass:now()
    if created < from then return false end
    local event = found.of_summary(summary)
    events[#events + 1] = event
    if not event and pass:now() - created < pass.options.lookback then oldest = created end
    if #events >= BATCH then
      pass:put(events)
      events = {}
    end
  end)
  pass:put(events)
  pass.state.summaries = oldest
end

return summaries
