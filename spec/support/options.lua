--- The options of every function that checks them, as the code checks them, with their annotation and their table in
--- the reference.

local apivideo = require "apivideo"
local checks = require "apivideo.util.checks"
local emulator = require "apivideo.emulator"
local nginx = require "apivideo.receiver.nginx"
local server = require "apivideo.server"

local options = {}

local function client() return apivideo.client { api_key = "key", base_url = "http://127.0.0.1:9" } end
local function webhooks() return client().webhooks end
local function inbox() return apivideo.inbox { store = apivideo.inbox.memory() } end

local function reconciliation() return apivideo.reconcile { client = client(), inbox = inbox() } end

local function receiver(settings)
  settings.handlers, settings.unsigned = apivideo.handlers(), true
  return apivideo.receiver(settings)
end

local function local_api(use)
  local running = assert(emulator.start { api_key = "key" })
  local _, problem = pcall(use, running)
  running:stop()
  error(problem, 0)
end

-- The options are checked after the phase of nginx.
local function receive_in_nginx()
  local check_phase = nginx.check_phase
  nginx.check_phase = function() end
  local _, problem = pcall(function() receiver({}):nginx {} end)
  nginx.check_phase = check_phase
  error(problem, 0)
end

local DEFINITION = "{ url: string, events: string[] }"

-- Each entry: `where`, the name that the check puts into messages; `nth`, if a call checks several tables under one
-- name; `call`, which makes the check; `class`, or the annotation of the parameter as `inline` with its `file`;
-- `section` of the reference, and the `prefix` of the names there; without a section, the function (`of`), and what
-- stands before the names (`under`).
options.list = {
  { where = "client", class = "ClientOptions", section = "apivideo.client",
    call = function() apivideo.client { api_key = "key" } end },
  { where = 'client: option "rate_limit"', of = "apivideo.client", under = "rate_limit.",
    inline = "{ store?: apivideo.RateLimitStore }",
    file = "lua/apivideo/client/options.lua",
    call = function() apivideo.client { api_key = "key", rate_limit = {} } end },
  { where = "webhooks:get", class = "CallOptions", section = "Options of a call",
    call = function() webhooks():get("webhook_x", {}) end },
  { where = "tracing", class = "TracingOptions", section = "apivideo.tracing",
    call = function() apivideo.tracing {} end },
  { where = "client:request", class = "RequestArguments", section = "client:request", prefix = "arguments.",
    call = function() client():request("GET", "/x", {}) end },
  { where = "webhooks:create", inline = DEFINITION, file = "lua/apivideo/resources/webhooks/init.lua",
    section = "client.webhooks:create", prefix = "webhook.", call = function() webhooks():create {} end },
  { where = "webhooks:create", nth = 2, class = "WebhookCreateOptions", section = "client.webhooks:create",
    prefix = "options.",
    call = function() webhooks():create({ url = "https://example.com/", events = { "x" } }, {}) end },
  { where = "webhooks:sync", class = "SyncOptions", section = "client.webhooks:sync", prefix = "options.",
    call = function() webhooks():sync({}, {}) end },
  { where = "webhooks:rotate", class = "RotateOptions", section = "client.webhooks:rotate", prefix = "options.",
    call = function() webhooks():rotate("webhook_x", {}) end },
  { where = "webhooks:secret_source", class = "SecretsOptions", section = "client.webhooks:secret_source",
    call = function() webhooks():secret_source {} end },
  { where = "webhooks:list", class = "WebhookQuery", section = "client.webhooks:list", prefix = "query.",
    call = function() webhooks():list {} end },
  { where = "videos:list", class = "VideoQuery", section = "client.videos:list", prefix = "query.",
    call = function() client().videos:list {} end },
  { where = "videos:wait", class = "WaitOptions", section = "client.videos:wait",
    call = function() client().videos:wait("vi1", "mp4", {}) end },
  { where = "live_streams:list", class = "LiveStreamQuery", section = "client.live_streams:list", prefix = "query.",
    call = function() client().live_streams:list {} end },
  { where = "captions:list", class = "CaptionQuery", section = "client.captions:list", prefix = "query.",
    call = function() client().captions:list("vi1", {}) end },
  { where = "summaries:list", class = "SummaryQuery", section = "client.summaries:list", prefix = "query.",
    call = function() client().summaries:list {} end },
  { where = "handlers", class = "HandlersOptions",
    section = "apivideo.handlers", call = function() apivideo.handlers {} end },
  { where = 'events:extend: type "x"', class = "EventType", section = "apivideo.events:extend", prefix = "definition.",
    call = function() apivideo.events:extend { x = {} } end },
  { where = "log", class = "LogOptions", section = "apivideo.log", call = function() apivideo.log {} end },
  { where = "receiver", class = "ReceiverOptions", section = "apivideo.receiver",
    call = function() receiver {} end },
  { where = "receiver:health", class = "HealthLimits", section = "inbox:health", prefix = "limits.",
    call = function() receiver({}):health {} end },
  { where = "metrics", class = "MetricsOptions", section = "apivideo.metrics",
    call = function() apivideo.metrics {} end },
  { where = 'receiver: option "dedupe"', class = "DedupeOptions", of = "apivideo.receiver", under = "dedupe.",
    call = function() receiver { dedupe = {} } end },
  { where = 'receiver: option "freshness"', class = "FreshnessOptions", of = "apivideo.receiver", under = "freshness.",
    call = function() receiver { freshness = {} } end },
  { where = "receiver:nginx", class = "NginxOptions", section = "receiver:nginx", call = receive_in_nginx },
  { where = "inbox", class = "InboxOptions", section = "apivideo.inbox", call = function() apivideo.inbox {} end },
  { where = "inbox.sqlite", class = "SqliteOptions", section = "apivideo.inbox.sqlite",
    call = function() apivideo.inbox.sqlite {} end },
  { where = "inbox.redis", class = "RedisOptions", section = "apivideo.inbox.redis",
    call = function() apivideo.inbox.redis {} end },
  { where = "inbox:work", class = "WorkOptions", section = "inbox:work",
    call = function() inbox():work(apivideo.handlers(), {}) end },
  { where = "inbox:health", class = "HealthLimits", section = "inbox:health", prefix = "limits.",
    call = function() inbox():health {} end },
  { where = "inbox:claim", inline = "{ limit?: integer, lease?: number }", file = "lua/apivideo/inbox/init.lua",
    section = "inbox:claim", call = function() inbox():claim {} end },
  { where = "inbox:pause", inline = "{ type?: string }", file = "lua/apivideo/inbox/init.lua", section = "inbox:pause",
    call = function() inbox():pause {} end },
  { where = "inbox:resume", inline = "{ type?: string }", file = "lua/apivideo/inbox/init.lua",
    section = "inbox:resume", call = function() inbox():resume {} end },
  { where = "inbox:list: filter", class = "InboxFilter", section = "Filters", call = function() inbox():list {} end },
  { where = "inbox:list", inline = "{ limit?: integer, after?: integer, newest?: boolean }",
    file = "lua/apivideo/inbox/operator.lua", section = "inbox:list", call = function() inbox():list({}, {}) end },
  { where = "inbox:activity", inline = "{ seconds?: integer, step?: integer }",
    file = "lua/apivideo/inbox/activity.lua", section = "inbox:activity", call = function() inbox():activity {} end },
  { where = "inbox:redrive", class = "BulkOptions", section = "inbox:redrive",
    call = function() inbox():redrive({}, {}) end },
  { where = "inbox:replay", class = "BulkOptions", section = "inbox:replay",
    call = function() inbox():replay({}, {}) end },
  { where = "inbox:purge", class = "PurgeOptions", section = "inbox:purge",
    call = function() inbox():purge({ state = "dead" }, {}) end },
  { where = "reconcile", class = "ReconcileOptions", section = "apivideo.reconcile",
    call = function() apivideo.reconcile {} end },
  { where = "reconciliation:once", inline = "{ since?: number, cancel?: apivideo.Cancellation }",
    file = "lua/apivideo/reconcile/init.lua", call = function() reconciliation():once {} end },
  { where = "reconciliation:run", inline = "{ cancel?: apivideo.Cancellation }",
    file = "lua/apivideo/reconcile/init.lua", call = function() reconciliation():run {} end },
  { where = "page", class = "PageOptions", section = "apivideo.page",
    call = function() apivideo.page { receiver = receiver {} } end },
  { where = "server.listen", class = "ServerOptions", section = "apivideo.server.listen",
    call = function() server.listen {} end },
  { where = "emulator.start", class = "EmulatorOptions", section = "apivideo.emulator.start",
    call = function() emulator.start {} end },
  { where = 'emulator.start: option "rate_limits"', of = "apivideo.emulator.start", under = "rate_limits.",
    inline = "{ reads: integer, writes: integer }",
    file = "lua/apivideo/emulator/options.lua",
    call = function() emulator.start { api_key = "key", rate_limits = {} } end },
  { where = "emulator:set_encoding", class = "EncodingOptions", section = "emulator:set_encoding",
    call = function() local_api(function(running) running:set_encoding {} end) end },
  { where = "emulator:set_deliveries", class = "DeliveryOptions", section = "emulator:set_deliveries",
    call = function() local_api(function(running) running:set_deliveries {} end) end },
  { where = "videos:all", nth = 2, class = "AllOptions", of = "client.videos:all", under = "options.",
    call = function() client().videos:all({}, {}) end },
  { where = "emulator:fault", class = "emulator.Fault", section = "emulator:fault",
    call = function() local_api(function(running) running:fault {} end) end },
  { where = "emulator:fault: rate_limited", of = "emulator:fault", under = "rate_limited.",
    file = "lua/apivideo/emulator/faults.lua",
    inline = '{ header?: "X-RateLimit-Retry-After"|"Retry-After"|"date"|"none", seconds?: number }',
    call = function() local_api(function(running) running:fault { rate_limited = {} } end) end },
}

--- Checks of functions that have no options, by the name in their messages.
options.others = { ["inbox.memory"] = true, settings = true }

--- The kinds of an entry's options, by name, which the code passes to `checks.options`.
---@param entry table
---@return table<string, string>
function options.checked(entry)
  local original, count, found = checks.options, 0, nil
  checks.options = function(where, value, known, level)
    if where == entry.where then
      count = count + 1
      if count == (entry.nth or 1) then
        found = known
        error("found", 0)
      end
    end
    return original(where, value, known, level)
  end
  pcall(entry.call)
  checks.options = original
  return assert(found, entry.where .. ": its call checks no options")
end

local LUA_TYPES = { seconds = "number", wholeseconds = "integer", bytes = "integer", huge = "integer",
  strings = "table", values = "table" }

--- A kind of `checks.options` as the reference and the annotations name it: its types, and whether it is optional.
---@param kind string
---@return string[] types sorted
---@return boolean optional
function options.types_of(kind)
  local types = {}
  for name in kind:gsub("%?$", ""):gmatch "[^|]+" do
    name = name:match "^%a+"
    name = LUA_TYPES[name] or name
    if name ~= types[#types] then types[#types + 1] = name end -- "integer|huge"
  end
  table.sort(types)
  return types, kind:sub(-1) == "?"
end

return options
