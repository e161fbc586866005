--- The options of a reconciliation.

local cancellation = require "apivideo.runtime.cancellation"
local checks = require "apivideo.util.checks"
local inboxes = require "apivideo.inbox"
local runtime = require "apivideo.runtime"

local known = {
  client = "table", inbox = "table", every = "seconds>0?", lookback = "seconds>0?", budget = "number>0<=1?",
}

---@class apivideo.ReconcileOptions
---@field client apivideo.Client
---@field inbox apivideo.Inbox gets the events that had not come
---@field every? number seconds between two passes of `run`, default 300
---@field lookback? number seconds: how far back the first pass reads, and for how long a video is read until it is encoded; default a day, and less than the inbox's retention
---@field budget? number the share of the account's rate limit for reads that the calls take at most, on average; default 0.2

local options = {}

options.EVERY_S, options.LOOKBACK_S, options.BUDGET = 300, 86400, 0.2

--- Checks the options of a reconciliation. Raises at level 4.
---@param given any
---@return apivideo.ReconcileOptions options with their defaults
function options.check(given)
  checks.options("reconcile", given, known, 5)
  if type(given.client.request) ~= "function" or type(given.client.videos) ~= "table" then
    error("reconcile: option \"client\" must be a client, from apivideo.client", 4)
  end
  if not inboxes.is(given.inbox) then error("reconcile: option \"inbox\" must come from apivideo.inbox", 4) end
  local store = given.inbox._store
  if not store.acquire or not store.save then
    error("reconcile: the inbox's store lacks acquire and save; use a store of apivideo.inbox", 4)
  end
  local lookback = given.lookback or math.min(options.LOOKBACK_S, given.inbox._retention / 2)
  if lookback >= given.inbox._retention then
    error(("reconcile: option \"lookback\" (%g s) must be less than the option \"retention\" of the inbox (%g s): it"
      .. " would not know older events any more"):format(lookback, given.inbox._retention), 4)
  end
  return {
    client = given.client, inbox = given.inbox, every = given.every or options.EVERY_S, lookback = lookback,
    budget = given.budget or options.BUDGET,
  }
end

--- Checks the options of `once`. Raises at level 3.
---@param given any
---@param retention number
function options.check_once(given, retention)
  checks.options("reconcile:once", given, { since = "seconds>0?", cancel = "table?" }, 4)
  options.check_cancel("reconcile:once", given, 4)
  if given.since and given.since >= retention then
    error(("reconcile:once: option \"since\" must be less than the option \"retention\" of the inbox (%g s)")
      :format(retention), 3)
  end
end

--- Checks the option `cancel`. Raises at a level, as seen from the caller.
---@param where string
---@param given table
---@param level integer
function options.check_cancel(where, given, level)
  if given.cancel and not cancellation.is(given.cancel) then
    error(where .. ": option \"cancel\" must come from apivideo.cancellation()", level)
  end
end

--- Checks the options of `run`. Raises at level 3.
---@param given any
function options.check_run(given)
  checks.options("reconcile:run", given, { cancel = "table?" }, 4)
  options.check_cancel("reconcile:run", given, 4)
  local refusal = runtime.refusal()
  if refusal then error("reconcile:run: " .. refusal, 3) end
end

return options
