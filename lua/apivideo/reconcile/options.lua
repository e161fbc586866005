--- The options of a reconciliation.

local cancellation = require "apivideo.runtime.cancellation"
local checks = require "apivideo.util.checks"
local inboxes = require "apivideo.inbox"
local runtime = require "apivideo.runtime"

local known = {
  client = "table", inbox = "table", every = "seconds>0?", lookback = "seconds>0?", budget = "number>0<=1?",
  captions = "boolean?",
}

---@class apivideo.ReconcileOptions
---@field client apivideo.Client
---@field inbox apivideo.Inbox gets the events that had not come
---@field every? number seconds between two passes of `run`, default 300
---@field lookback? number seconds: how far back the first pass reads, and for how long a video is read until it is encoded; default a day, and less than the inbox's retention
---@field budget? number the share of the account's rate limit for reads that the calls take at most, on average; default 0.2
---@field captions? boolean default false; true: also reads the captions of each video, which is one more call for each

local options = {}

options.EVERY_S, options.LOOKBACK_S, options.BUDGET = 300, 86400, 0.2

--- Checks the options of a reconciliation. Raises at level 4.
---@param settings any
---@return apivideo.ReconcileOptions options with their defaults
function options.check(settings)
  checks.options("reconcile", settings, known, 5)
  if type(settings.client.request) ~= "function" or type(settings.client.videos) ~= "table" then
    error("reconcile: option \"client\" must be a client, from apivideo.client", 4)
  end
  if not inboxes.is(settings.inbox) then error("reconcile: option \"inbox\" must come from apivideo.inbox", 4) end
  local store = settings.inbox._store
  if not store.acquire or not store.save then
    error("reconcile: the inbox's store lacks acquire and save; use a store of apivideo.inbox", 4)
  end
  local lookback = settings.lookback or math.min(options.LOOKBACK_S, settings.inbox._retention / 2)
  if lookback >= settings.inbox._retention then
    error(("reconcile: option \"lookback\" (%.14g s) must be less than the option \"retention\" of the inbox (%.14g s):"
      .. " it would not know older events any more"):format(lookback, settings.inbox._retention), 4)
  end
  return {
    client = settings.client, inbox = settings.inbox, every = settings.every or options.EVERY_S, lookback = lookback,
    budget = settings.budget or options.BUDGET, captions = settings.captions or false,
  }
end

--- Checks the options of `once`. Raises at level 3.
---@param settings any
---@param retention number
function options.check_once(settings, retention)
  checks.options("reconciliation:once", settings, { since = "seconds>0?", cancel = "table?" }, 4)
  cancellation.check("reconciliation:once", settings.cancel, 4)
  if settings.since and settings.since >= retention then
    error(("reconciliation:once: option \"since\" must be less than the option \"retention\" of the inbox (%.14g s)")
      :format(retention), 3)
  end
end

--- Checks the options of `run`. Raises at level 3.
---@param settings any
function options.check_run(settings)
  checks.options("reconciliation:run", settings, { cancel = "table?" }, 4)
  cancellation.check("reconciliation:run", settings.cancel, 4)
  local refusal = runtime.refusal()
  if refusal then error("reconciliation:run: " .. refusal, 3) end
end

return options
