--- The options of a receiver. All errors are raised at level 4: at the caller of the module.

local checks = require "apivideo.util.checks"
local dictionary = require "apivideo.runtime.dictionary"
local inbox = require "apivideo.inbox"

local known = {
  handlers = "table?", inbox = "table?", secrets = "string|table|function?", unsigned = "boolean?",
  max_body = "number>=0?", log = "function?", defer = "boolean?", metrics = "table?", health = "string?",
}

---@class apivideo.ReceiverOptions
---@field handlers? apivideo.Handlers required unless there is an inbox
---@field inbox? apivideo.Inbox stores the events, for `inbox:work(handlers)`: instead of `handlers`
---@field secrets? apivideo.Secrets|string|string[]|table<string, string|string[]>|fun(webhookId: string?): string|string[]|nil, apivideo.Error? a webhook's secrets: `client.webhooks:secret_source()`, one secret, several (the signature must be valid for one of them), a table by webhook id, or a function
---@field unsigned? true accept deliveries without a signature: instead of `secrets`
---@field max_body? integer bytes, default 1 MiB
---@field log? fun(outcome: apivideo.Outcome) called for each request; the default writes rejections and failures to nginx's error log or stderr
---@field defer? boolean acknowledge before processing: the response is sent before the handlers run. A crash between the two loses the event
---@field health? string a path: GET and HEAD of it get 200 without a line in the log, or 503 while the store of the inbox is unavailable
---@field metrics? { store?: apivideo.Dictionary } a store shares the counts, such as a shared dictionary of nginx

local receiver_options = {}

--- The store of the option `metrics`, or nil.
---@param options apivideo.ReceiverOptions
---@return apivideo.Dictionary?
function receiver_options.metrics_store(options)
  checks.options("receiver: option \"metrics\"", options.metrics or {}, { store = "table?" }, 5)
  local store = options.metrics and options.metrics.store
  if store then dictionary.check("receiver: option \"metrics.store\"", store, { "get", "incr" }, 4) end
  return store
end

-- Raises unless exactly one of `handlers` and `inbox` takes the events.
local function check_destination(options)
  if options.inbox and options.handlers then
    error("receiver: options \"inbox\" and \"handlers\" exclude each other: with an inbox, they go to"
      .. " inbox:work(handlers)", 5)
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

--- Checks all options but the values of `secrets` and `metrics`.
---@param options apivideo.ReceiverOptions
function receiver_options.check(options)
  checks.options("receiver", options, known, 5)
  check_destination(options)
  if options.secrets == nil and not options.unsigned then
    error("receiver: option \"secrets\" is missing, so that any sender could send events: pass"
      .. " client.webhooks:secret_source(), or unsigned = true if that is intended", 4)
  end
  if options.secrets ~= nil and options.unsigned then
    error("receiver: options \"secrets\" and \"unsigned\" exclude each other", 4)
  end
  if options.health and not options.health:find "^/[^%c ?#]*$" then
    error("receiver: option \"health\" must be a path such as \"/health\", without a query", 4)
  end
end

return receiver_options
