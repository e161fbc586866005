--- One delivery in, one answer out: size -> webhook id -> secret -> signature -> parse -> dispatch, or
--- keep in an inbox -> status. How the bytes arrive is somebody else's concern.

local dictionary = require "apivideo.runtime.dictionary"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local headers = require "apivideo.util.headers"
local inbox = require "apivideo.inbox"
local log = require "apivideo.runtime.log"
local metrics = require "apivideo.receiver.metrics"
local nginx = require "apivideo.receiver.nginx"
local options = require "apivideo.util.options"
local outcome_log = require "apivideo.receiver.outcome_log"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local secret_source = require "apivideo.receiver.secret_source"
local verification = require "apivideo.receiver.verification"

---@class apivideo.Delivery
---@field event? apivideo.Event nil of signed bytes that cannot be parsed: `handlers:on_error` gets those
---@field err? apivideo.Error why there is no event
---@field webhookId? string the webhook that the sender named; trust it only if `verified`
---@field received_at number seconds since 1970
---@field raw string the exact bytes of the body
---@field verified boolean whether the signature holds; false only in a receiver that is `unsigned`
---@field key? string the deduplication key of the event: equal for all its deliveries, by whichever webhook
---@field origin "webhook"
---@field attempt? integer of an event from an inbox: which attempt to handle it this is, from 1 on

local ORIGIN = { origin = "receiver" } -- of errors

---@class apivideo.Receiver
---@field max_body integer bytes
---@field nginx fun(self, options?: apivideo.NginxOptions): integer|nil, table<string, string>|nil, string|nil takes the request that nginx has now, and answers it: the whole of a content handler
local Receiver = {}
Receiver.__index = Receiver

-- No secret shows when the object is printed.
local sources = setmetatable({}, { __mode = "k" })

function Receiver:__tostring()
  return self.unsigned and "apivideo.receiver (unsigned)" or "apivideo.receiver"
end

local function new_delivery(self, event, err, webhook_id, raw)
  return {
    event = event, err = err, webhookId = webhook_id, received_at = runtime.now(), raw = raw,
    verified = not self.unsigned, key = event and self.events:key(event, raw) or nil, origin = "webhook",
  }
end

-- Why a body that is nil is not an empty one: the error; or nil.
local function unread_body(list)
  local value, count = headers.get(list, "content-length")
  local length = count == 1 and type(value) == "string" and value:match "^%d+$"
  if not length or tonumber(length) == 0 then return nil end
  local text = "body is nil although the content-length header is " .. verification.shown(length)
    .. ": the body was not read; pass its raw bytes, or in nginx call receiver:nginx(), which reads it"
  return errors.new("invalid_request", text, ORIGIN)
end

-- Checks a request up to its event. event, delivery; or nil, status, err; and, if its signature is valid, delivery.
local function accept(self, method, list, raw, size)
  if method ~= "POST" then
    return nil, 405, errors.new("invalid_request", "method is " .. verification.shown(method) .. ", not POST", ORIGIN)
  end
  if size > self.max_body then
    return nil, 413, errors.new("too_large",
      ("a body of %.0f bytes; at most %.0f are taken"):format(size, self.max_body), ORIGIN)
  end
  if not raw then
    local err = unread_body(list)
    if err then return nil, 400, err end
    raw = ""
  end
  local webhook_id, id_problem = verification.webhook_id(list)
  if not self.unsigned then
    local status, err = verification.check(sources[self], list, raw, webhook_id, id_problem)
    if status then return nil, status, err end
  end
  local event, err = self.events:parse(raw)
  if event then return event, new_delivery(self, event, nil, webhook_id, raw) end
  if self.unsigned then return nil, 400, err end
  return nil, 400, err, new_delivery(self, nil, err, webhook_id, raw)
end

-- Tells the log. One that fails changes nothing about what was done.
local function tell(self, outcome)
  local logged, problem = protected.call(self.log or outcome_log, outcome)
  if not logged then log.error("the log failed: " .. failure.message(problem)) end
end

runtime.forbid_exit(tell, "the option \"log\" of a receiver")

local function refuse(self, status, err, started)
  self.counts:refused(status, err.kind)
  tell(self, { status = status, err = err, seconds = runtime.monotonic() - started })
  return status
end

-- 503, so that api.video sends it again.
local function refuse_unread(self, err)
  return refuse(self, 503, err, runtime.monotonic())
end

-- Runs the handlers. The status that tells whether all succeeded.
local function run(self, event, delivery, started)
  local handled, errs, tracebacks = self.handlers:dispatch(event, delivery)
  local seconds = runtime.monotonic() - started
  local status = (self.defer or not errs) and 204 or 500
  self.counts:ran(event.type, handled, seconds)
  if self.log or not handled or handled == 0 then -- what a person should know of
    tell(self, { status = status, event = event, delivery = delivery, handled = handled, errors = errs,
      tracebacks = tracebacks, seconds = seconds })
  end
  return status
end

-- Stores a delivery in the inbox. The status: 204 once it is durable.
local function keep(self, delivery, started)
  local event = delivery.event
  local is_new, err = self.inbox:put(delivery)
  if is_new == nil then return refuse(self, 503, err, started) end
  self.counts:kept(event and event.type or "other", is_new)
  if self.log or not event and is_new then
    tell(self, { status = 204, event = event, delivery = delivery, is_new = is_new, err = delivery.err,
      seconds = runtime.monotonic() - started })
  end
  return 204
end

-- Takes a delivery whose signature is valid and whose body cannot be parsed: api.video sent it, so it must not be lost.
-- Without an inbox, on_error and the log get its bytes, and api.video retries it.
local function take_unparsed(self, delivery, started)
  if self.inbox then return keep(self, delivery, started) end
  local err = delivery.err
  local problem = self.handlers:_report(err, nil, delivery)
  self.counts:refused(400, err.kind)
  tell(self, { status = 400, err = err, delivery = delivery, errors = problem ~= nil and { problem } or nil,
    seconds = runtime.monotonic() - started })
  return 400
end

-- Whether a request may be a health check: only then is its path needed.
function Receiver:_is_probe(method)
  return self.health ~= nil and (method == "GET" or method == "HEAD")
end

-- Takes one request; the status of the response. `raw` is nil for a body that was not passed.
local function take(self, method, list, raw, size, path)
  if path and path == self.health and self:_is_probe(method) then
    return (not self.inbox or self.inbox:_is_available()) and 200 or 503
  end
  local started = runtime.monotonic()
  local event, second, err, unparsed = accept(self, method, list, raw, size)
  if unparsed then return take_unparsed(self, unparsed, started) end
  if not event then return refuse(self, second, err, started) end
  if self.inbox then return keep(self, second, started) end
  if not self.defer then return run(self, event, second, started) end
  runtime.spawn(run, self, event, second, started)
  return 204
end

local function headers_of(status)
  return status == 405 and { Allow = "POST" } or {}
end

local function check_request(request, path)
  if type(request) ~= "table" or type(request.method) ~= "string"
    or type(request.headers) ~= "table" then
    error("receiver:receive: a table { method = …, headers = …, body = … } expected", 3)
  end
  if request.body ~= nil and type(request.body) ~= "string" then
    error(("receiver:receive: body must be the bytes as they arrived (a string), got %s; a decoded"
      .. " body cannot be verified"):format(type(request.body)), 3)
  end
  if request.size ~= nil and type(request.size) ~= "number" then
    error("receiver:receive: size must be a number of bytes, got " .. type(request.size), 3)
  end
  if path ~= nil and type(path) ~= "string" then
    error("receiver:receive: path must be a string, got " .. type(path), 3)
  end
end

--- Takes one request, however it arrived, and says what to answer. 2xx is said only when the
--- event's handlers succeeded (unless they are deferred), or when the inbox has it.
---@param request { method: string, headers: table<string, string|string[]>, body?: string, size?: integer, path?: string } `size` instead of `body`: of one that was not read because it is larger than `max_body`; `path`, without a query, for the option `health`
---@return integer status
---@return table<string, string> headers
---@return string body always empty: a refusal's reason goes to the log, never to the sender
function Receiver:receive(request)
  options.check_self(self, Receiver, "receiver", "receive")
  local path = type(request) == "table" and self:_is_probe(request.method) and request.path or nil
  check_request(request, path)
  local raw, size = request.body, request.size
  if size then raw = raw or "" end
  local status = take(self, request.method, request.headers, raw, size or raw and #raw or 0, path)
  return status, headers_of(status), ""
end

Receiver.nginx = nginx(take, refuse_unread, headers_of)

--- What became of all requests so far, and what the inbox holds, in Prometheus' text format.
---@return string text
function Receiver:metrics()
  options.check_self(self, Receiver, "receiver", "metrics")
  local stats = self.inbox and self.inbox:stats() -- none while its store is away
  return self.counts:text(stats)
end

local known = {
  handlers = "table?", inbox = "table?", secrets = "string|table|function?", unsigned = "boolean?",
  max_body = "number?", log = "function?", defer = "boolean?", metrics = "table?", health = "string?",
}

---@class apivideo.ReceiverOptions
---@field handlers? apivideo.Handlers needed unless there is an inbox
---@field inbox? apivideo.Inbox keeps the events, for `inbox:work(handlers)`: instead of `handlers`
---@field secrets? apivideo.Secrets|string|string[]|table<string, string|string[]>|fun(webhookId: string?): string|string[]|nil, apivideo.Error? a webhook's secrets: `client.webhooks:secrets()`, one secret, several (any may hold), a table by webhook id, or a function
---@field unsigned? true accept deliveries that nobody signed: instead of `secrets`
---@field max_body? integer bytes, default 1 MiB
---@field log? fun(outcome: apivideo.Outcome) told of each request; the default writes refusals and failures to nginx's error log or stderr
---@field defer? boolean answer first, run the handlers then: a crash between the two loses the event
---@field health? string a path: GET and HEAD of it get 200 without a line in the log, or 503 while the store of the inbox is away
---@field metrics? { store?: apivideo.Dictionary } a store shares the counts, such as a shared dictionary of nginx

-- The store of the option `metrics`, or nil.
local function store_of(given)
  options.check("receiver: option \"metrics\"", given or {}, { store = "table?" }, 4)
  local store = given and given.store
  if store then dictionary.check("receiver: option \"metrics.store\"", store, { "get", "incr" }, 3) end
  return store
end

-- Raises unless there is one who takes the events: handlers, or an inbox.
local function check_taker(given)
  if given.inbox and given.handlers then
    error("receiver: options \"inbox\" and \"handlers\" exclude each other: with an inbox, they go to"
      .. " inbox:work(handlers)", 3)
  elseif given.inbox and given.defer then
    error("receiver: option \"defer\" is for handlers; an inbox always answers before they run", 3)
  elseif given.inbox and not inbox.is(given.inbox) then
    error("receiver: option \"inbox\" must come from apivideo.inbox()", 3)
  elseif not given.inbox and not given.handlers then
    error("receiver: option \"handlers\" is required, or \"inbox\"", 3)
  elseif given.handlers and type(given.handlers.dispatch) ~= "function" then
    error("receiver: option \"handlers\" must come from apivideo.handlers()", 3)
  end
end

--- Makes a receiver.
---@param given apivideo.ReceiverOptions
---@return apivideo.Receiver
local function new(given)
  options.check("receiver", given, known)
  check_taker(given)
  if given.secrets == nil and not given.unsigned then
    error("receiver: option \"secrets\" is missing, so that anybody could send events: pass"
      .. " client.webhooks:secrets(), or unsigned = true if that is what you want", 2)
  end
  if given.secrets ~= nil and given.unsigned then
    error("receiver: options \"secrets\" and \"unsigned\" exclude each other", 2)
  end
  if given.max_body and (given.max_body ~= given.max_body or given.max_body < 0) then
    error("receiver: option \"max_body\" must be a number of bytes from 0 on", 2)
  end
  if given.health and not given.health:find "^/[^%c ?#]*$" then
    error("receiver: option \"health\" must be a path such as \"/health\", without a query", 2)
  end
  local events = (given.inbox or given.handlers).events
  local self = setmetatable({
    events = events,
    handlers = given.handlers,
    inbox = given.inbox,
    unsigned = given.unsigned or false,
    max_body = given.max_body or 1024 * 1024,
    log = given.log,
    health = given.health,
    defer = given.defer or false,
    counts = metrics.new(events:names(), store_of(given.metrics)),
  }, Receiver)
  if given.secrets ~= nil then sources[self] = secret_source(given.secrets) end
  return self
end

return new
