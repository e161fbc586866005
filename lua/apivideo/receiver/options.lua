--- The options of a receiver. All errors are raised at level 4: at the caller of the module.

local checks = require "apivideo.util.checks"
local dictionary = require "apivideo.runtime.dictionary"
local host = require "apivideo.runtime.host"
local inbox = require "apivideo.inbox"
local metrics = require "apivideo.runtime.metrics"

local known = {
  handlers = "table?", inbox = "table?", secrets = "string|table|function?", unsigned = "boolean?",
  max_body = "bytes>=0?", on_outcome = "function?", defer = "boolean?", dedupe = "table?",
  metrics = "table?", health = "string?", freshness = "table?",
}

---@class apivideo.ReceiverOptions
---@field handlers? apivideo.Handlers required unless there is an inbox
---@field inbox? apivideo.Inbox stores the events, for `inbox:work(handlers)`: instead of `handlers`
---@field secrets? apivideo.SecretsForm a webhook's secrets: `client.webhooks:secret_source()`, one secret, several (the signature must be valid for one of them), a table by webhook id, or a function
---@field unsigned? true accept deliveries without a signature: instead of `secrets`
---@field max_body? integer bytes, default 1 MiB
---@field on_outcome? fun(outcome: apivideo.Outcome) called for each request, in addition to its line in the log
---@field defer? boolean acknowledge before processing: the response is sent before the handlers run. A crash between the two loses the event
---@field dedupe? apivideo.DedupeOptions without an inbox: duplicates are acknowledged, and the handlers do not run again
---@field freshness? apivideo.FreshnessOptions what happens to events that are older than a limit, or from the future
---@field health? string a path: GET and HEAD of it get 200 without a line in the log, or 503 while the store of the inbox is unavailable
---@field metrics? apivideo.Metrics default: those of the inbox, which excludes others, or of this receiver alone

---@class apivideo.FreshnessOptions
---@field max_age number seconds from the event's `emittedAt` to its arrival, at least 10 since api.video retries for that long; also for dates in the future
---@field action "reject"|"flag" respond 401; or set `delivery.stale`

---@class apivideo.DedupeOptions
---@field store? apivideo.Dictionary default: the memory of this process; a shared dictionary of nginx for all its workers
---@field ttl? number seconds for which a handled event is known, at least 1, default 3600

local receiver_options = {}

-- Checks the option `dedupe`, and what excludes it.
local function check_dedupe(options)
  if not options.dedupe then return end
  checks.options("receiver: option \"dedupe\"", options.dedupe, { store = "table?", ttl = "seconds>=1?" }, 6)
  local store = options.dedupe.store
  if store then
    dictionary.check("receiver: option \"dedupe.store\"", store, { "get", "set", "add", "delete" }, 5)
  end
  if options.inbox then
    error("receiver: options \"dedupe\" and \"inbox\" exclude each other: an inbox recognises duplicates itself", 5)
  elseif options.defer then
    error("receiver: options \"dedupe\" and \"defer\" exclude each other: a deferred event is acknowledged before its"
      .. " handlers have succeeded; leave one out, or use an inbox, which acknowledges early and loses no event", 5)
  end
end

-- Checks the option `freshness`, and what excludes it.
local function check_freshness(options)
  local freshness = options.freshness
  if not freshness then return end
  checks.options("receiver: option \"freshness\"", freshness, { max_age = "seconds>=10", action = "string" }, 6)
  if freshness.action ~= "reject" and freshness.action ~= "flag" then
    error(('receiver: option "freshness.action" must be "reject" or "flag", got "%s"'):format(freshness.action), 5)
  elseif options.unsigned then
    error("receiver: options \"freshness\" and \"unsigned\" exclude each other: without a signature, the sender chooses"
      .. " the date", 5)
  elseif options.inbox and freshness.action == "flag" then
    error("receiver: option \"freshness.action\" must be \"reject\" with an inbox, which does not store the flag; or"
      .. " compare delivery.received_at with event.emittedAt in a handler", 5)
  end
end

-- Raises unless exactly one of `handlers` and `inbox` takes the events.
local function check_destination(options)
  if options.inbox and options.handlers then
    error("receiver: options \"inbox\" and \"handlers\" exclude each other: with an inbox, pass the"
      .. " handlers to inbox:work(handlers)", 5)
  elseif options.inbox and options.defer then
    error("receiver: option \"defer\" is for handlers; with an inbox, the response never waits for them", 5)
  elseif options.inbox and not inbox.is(options.inbox) then
    error("receiver: option \"inbox\" must come from apivideo.inbox()", 5)
  elseif not options.inbox and not options.handlers then
    error("receiver: option \"handlers\" is required, or \"inbox\"", 5)
  elseif options.handlers and type(options.handlers.dispatch) ~= "function" then
    error("receiver: option \"handlers\" must come from apivideo.handlers()", 5)
  end
end

--- Checks all options but the value of `secrets`.
---@param options apivideo.ReceiverOptions
function receiver_options.check(options)
  checks.options("receiver", options, known, 5)
  check_destination(options)
  check_dedupe(options)
  check_freshness(options)
  metrics.check("receiver", options.metrics, 5)
  if options.inbox and options.metrics and options.metrics ~= options.inbox._metrics then
    error("receiver: option \"metrics\" must be that of the inbox: pass it to apivideo.inbox { … } alone; the receiver"
      .. " counts there, too", 4)
  end
  if options.secrets == nil and not options.unsigned then
    error("receiver: option \"secrets\" is missing, so that any sender could send events: pass a"
      .. " signatureSecret (an environment variable that is not set is nil), or client.webhooks:secret_source();"
      .. " unsigned = true only if that is intended" .. host.variable_hint "WEBHOOK_SECRET", 4)
  end
  if options.secrets ~= nil and options.unsigned then
    error("receiver: options \"secrets\" and \"unsigned\" exclude each other; omit unsigned to verify signatures", 4)
  end
  if options.health and not options.health:find "^/[^%c ?#]*$" then
    error("receiver: option \"health\" must be a path such as \"/health\", without a query", 4)
  end
end

return receiver_options
