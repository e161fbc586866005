--- Receives webhooks: verifies each request, passes its event to handlers or to an inbox, and returns the status of the
--- response.

local checks = require "apivideo.util.checks"
local constructor = require "apivideo.util.constructor"
local dedupe = require "apivideo.receiver.dedupe"
local delivery_span = require "apivideo.receiver.delivery_span"
local errors = require "apivideo.error"
local excerpt = require "apivideo.util.excerpt"
local failure = require "apivideo.util.failure"
local health = require "apivideo.inbox.health"
local log = require "apivideo.runtime.log"
local members = require "apivideo.util.members"
local metrics = require "apivideo.runtime.metrics"
local monitor = require "apivideo.runtime.monitor"
local nginx = require "apivideo.receiver.nginx"
local outage = require "apivideo.receiver.outage"
local outcome_log = require "apivideo.receiver.outcome_log"
local protected = require "apivideo.util.pcall"
local receiver_counts = require "apivideo.receiver.metrics"
local receiver_options = require "apivideo.receiver.options"
local requests = require "apivideo.receiver.request"
local runtime = require "apivideo.runtime"
local secret_source = require "apivideo.receiver.secret_source"
local tables = require "apivideo.util.tables"
local timed = require "apivideo.runtime.timed"
local tracing = require "apivideo.runtime.tracing"

local enabled = log.enabled

local MAX_BODY_BYTES = 1024 * 1024 -- default of the option max_body

---@class apivideo.Receiver
---@field max_body integer bytes
local Receiver = {}
Receiver.__index = Receiver
Receiver.__name = "apivideo.Receiver"

-- Receiver -> its source of secrets, false without secrets. Not a field, so that no secret is printed with the object.
local sources = setmetatable({}, { __mode = "k" })

function Receiver:__tostring()
  return self._unsigned and "apivideo.receiver (unsigned)" or "apivideo.receiver"
end

---@private
function Receiver:_secret_source()
  return sources[self] or nil
end

-- Calls a function with an outcome. If it fails, the outcome stays as it is.
local function call_with(outcome, name, fn, argument)
  local ok, problem = protected.call(fn, outcome, argument)
  if not ok then log.error(("receiver: %s failed: %s"):format(name, failure.message(problem))) end
end

runtime.forbid_exit(call_with, "the option \"on_outcome\" of a receiver")

-- Logs an outcome, then passes it to the option `on_outcome`. `list` are the headers of the request.
local function report(self, outcome, list)
  if tracing.is_on then delivery_span.set_error(outcome) end
  call_with(outcome, "the log of an outcome", outcome_log.write, self._outage)
  if not self._on_outcome then return end
  outcome.headers = list
  outcome.raw = outcome.raw or outcome.delivery and outcome.delivery.raw
  call_with(outcome, "option \"on_outcome\"", self._on_outcome)
end

-- `delivery` is that of a valid signature whose event will not be handled; `raw` is the body, if it was read.
local function reject(self, status, err, started, list, delivery, raw)
  self._counts:rejected(status, err)
  report(self, { status = status, err = err, event = delivery and delivery.event, delivery = delivery,
    raw = raw, seconds = runtime.monotonic() - started }, list)
  return status
end

-- Runs the handlers. Returns 204 if all succeeded, or if the response was sent before; otherwise 500. `key` and `token`
-- are those of a claim. It is settled at once: on_outcome may wait, and the store of the metrics may raise.
local function run(self, delivery, started, list, key, token)
  local event = delivery.event
  local handled, errs, tracebacks = self._handlers:dispatch(event, delivery)
  if token then self._dedupe:settle(key, token, not errs) end
  local seconds = runtime.monotonic() - started
  local status = (self._defer or not errs) and 204 or 500
  self._counts:handled(event.type, handled, seconds)
  if self._on_outcome or not handled or handled == 0 or enabled.info then -- a success has no line below that level
    report(self, { status = status, event = event, delivery = delivery, handled = handled, errors = errs,
      tracebacks = tracebacks, seconds = seconds }, list)
  end
  return status
end

-- Runs the handlers, unless they have succeeded for another delivery of the event. The option `dedupe`.
local function run_once(self, delivery, started, list)
  local event, key = delivery.event, delivery.key -- a handler may change the delivery
  local state, token = self._dedupe:claim(key)
  if state == "claimed" then
    return run(self, delivery, started, list, key, token)
  elseif state == "in_progress" then
    return reject(self, 503, errors.new("in_progress", "another delivery of this event is being handled: "
      .. excerpt(event.type) .. "; api.video retries"), started, list, nil, delivery.raw)
  end
  self._counts:duplicate(event.type)
  if self._on_outcome or enabled.info then
    report(self, { status = 204, event = event, delivery = delivery, is_new = false,
      seconds = runtime.monotonic() - started }, list)
  end
  return 204
end

-- Stores a delivery in the inbox. The status is 204 once it is durable.
local function store(self, delivery, started, list)
  local event = delivery.event
  local is_new, err = self._inbox:put(delivery)
  if is_new == nil then return reject(self, 503, err, started, list, nil, delivery.raw) end
  if self._outage.is_on then self._outage:finish() end
  local counts = self._counts
  local count = is_new and counts.stored or counts.duplicate
  count(counts, event and event.type or "other")
  if self._on_outcome or not event and is_new or enabled.info then
    report(self, { status = 204, event = event, delivery = delivery, is_new = is_new, err = delivery.err,
      seconds = runtime.monotonic() - started }, list)
  end
  return 204
end

-- Rejects a delivery whose signature is valid and whose body cannot be parsed, in a receiver without an inbox. The
-- bytes go to on_error and to the log, because api.video stops retrying after about ten seconds.
local function reject_unparsed(self, delivery, started, list)
  local err, errs, tracebacks = delivery.err, {}, {}
  self._handlers:_report(err, nil, delivery, nil, errs, tracebacks)
  self._counts:rejected(400, err)
  report(self, { status = 400, err = err, delivery = delivery, errors = errs[1] ~= nil and errs or nil,
    tracebacks = tracebacks, seconds = runtime.monotonic() - started }, list)
  return 400
end

-- Whether a request may be a health check: only then is its path needed.
local function may_be_health_check(self, method)
  return self._health and (method == "GET" or method == "HEAD")
end

-- Handles a request that is not a health check: see `handle`.
local function handle_delivery(self, method, list, raw, size)
  local started = runtime.monotonic()
  local delivery, err, status, signed = requests.accept(self, method, list, raw, size)
  if tracing.is_on then delivery_span.describe(self, delivery or signed) end
  if not delivery and not (signed and signed.err) then
    return reject(self, status, err, started, list, signed, size <= self.max_body and raw or nil)
  end
  if self._inbox then return store(self, delivery or signed, started, list) end
  if self._outage.is_on then self._outage:finish() end
  if not delivery then return reject_unparsed(self, signed, started, list) end
  if self._dedupe then return run_once(self, delivery, started, list) end
  if not self._defer then return run(self, delivery, started, list) end
  if enabled.info then outcome_log.deferred(delivery) end
  runtime.spawn(tracing.is_on and delivery_span.deferred(run) or run, self, delivery, started, list)
  return 204
end

-- Rejects a request of nginx whose body cannot be read, so that api.video retries it.
local function reject_unread(self, _, list, err)
  return reject(self, 503, err, runtime.monotonic(), list)
end

-- Handles one request, and returns the status of the response. `raw` is nil for a body that was not passed.
local function handle(self, method, list, raw, size, path)
  if path and path == self._health and may_be_health_check(self, method) then
    return (not self._inbox or self._inbox:_is_available()) and 200 or 503
  end
  if tracing.is_on then return delivery_span.call(handle_delivery, self, method, list, raw, size) end
  return handle_delivery(self, method, list, raw, size)
end

local function headers_of(status)
  return status == 405 and { Allow = "POST" } or {}
end

--- Handles one request, however it arrived, and returns the response. The status of a delivery is 2xx only after the
--- handlers of the event have succeeded (unless they are deferred), or after the inbox has stored it.
---@param incoming { method: string, headers: table<string, string|string[]>, body?: string, size?: integer, path?: string } `size` instead of `body`: for a body that was not read because it is larger than `max_body`; `path`, without a query, for the option `health`
---@return integer status
---@return table<string, string> headers
---@return string body always empty: the reason for a rejection is only logged
function Receiver:receive(incoming)
  if sources[self] == nil then checks.self(self, Receiver, "receiver", "receive") end -- getmetatable is slow in PUC Lua
  requests.check("receiver:receive", incoming)
  local path = may_be_health_check(self, incoming.method) and incoming.path or nil
  if path ~= nil then checks.value("receiver:receive: path", path, "string", 2) end
  local raw, size = requests.body(incoming)
  local status = handle(self, incoming.method, incoming.headers, raw, size, path)
  return status, headers_of(status), ""
end

--- Verifies a request and parses its event, for an application that sends the response itself: as `receive`, but no
--- handler runs, and nothing is stored, counted or logged.
---@param incoming { method: string, headers: table<string, string|string[]>, body?: string, size?: integer } as for `receive`
---@return apivideo.Event? event nil if the request is rejected
---@return apivideo.Delivery|apivideo.Error delivery or why it is rejected: `bad_signature`, `bad_json`, `bad_event`, `too_large`, `invalid_request`, `stale`; or why the secret is unavailable: those of every call except `not_found`, and `store_unavailable`
---@return integer? status for the response to a rejection
function Receiver:verify(incoming)
  checks.self(self, Receiver, "receiver", "verify")
  requests.check("receiver:verify", incoming)
  local raw, size = requests.body(incoming)
  return requests.result(requests.accept(self, incoming.method, incoming.headers, raw, size))
end

---@class apivideo.NginxOptions
---@field respond? boolean default true; false: the status, headers and body are returned, and nothing is sent

--- Handles the current request of nginx, and sends the response. A content handler needs nothing else.
---@param options? apivideo.NginxOptions
---@return integer|nil status only with `respond = false`: as `receive` returns it
---@return table<string, string>|nil headers
---@return string|nil body
function Receiver:nginx(options)
  checks.self(self, Receiver, "receiver", "nginx")
  nginx.check_phase()
  if options then checks.options("receiver:nginx", options, { respond = "boolean?" }) end
  local method, list, raw, size, err = nginx.read(self.max_body)
  local path = may_be_health_check(self, method) and nginx.path() or nil
  local status
  if err then
    status = tracing.is_on and delivery_span.call(reject_unread, self, method, list, err)
      or reject_unread(self, method, list, err)
  else
    status = handle(self, method, list, raw, size, path)
  end
  if options and options.respond == false then return status, headers_of(status), "" end
  return nginx.respond(status, headers_of(status))
end

--- Calls a function with each outcome from now on, before the option `on_outcome`.
---@private
---@param fn fun(outcome: apivideo.Outcome)
function Receiver:_observe(fn)
  local on_outcome = self._on_outcome
  self._on_outcome = not on_outcome and fn or function(outcome)
    call_with(outcome, "an observer of outcomes", fn)
    on_outcome(outcome)
  end
end

--- The metrics of the receiver, and of its inbox if it has one, in Prometheus' text format.
---@return string text
function Receiver:metrics()
  checks.self(self, Receiver, "receiver", "metrics")
  if self._inbox then self._inbox:_measure() end
  return self._metrics:text()
end

--- Whether deliveries can be accepted: without an inbox, always; with one, while its store or its spool responds. The
--- reasons are `delivery`, if one was rejected with 503 and none accepted since, such as without its secret, and those of
--- `inbox:health`, so there may be some although deliveries can be accepted.
---@param limits? apivideo.HealthLimits
---@return apivideo.Health
function Receiver:health(limits)
  checks.self(self, Receiver, "receiver", "health")
  limits = health.limits("receiver:health", limits, 3)
  if not self._inbox then return { ok = true, reasons = { delivery = self._outage:reason() } } end
  -- At once, since each waits until the store responds. The second limit is not reached: `reasons` has its own.
  local wait_for_reasons = timed.start(10 * health.RESPONSE_MAX_S, health.reasons, self._inbox, limits)
  local is_available = self._inbox:_is_available()
  local reasons = wait_for_reasons()
  reasons.delivery = self._outage:reason()
  return { ok = is_available, reasons = reasons }
end

--- Responds to requests for the metrics (a path that ends in `/metrics`) and for the health (`/health`: 200, or 503 if
--- it is not ok, with the result of `receiver:health` as JSON).
---@param request? { method: string, path: string } default: the current request of nginx, to which the response is sent
---@param limits? apivideo.HealthLimits
---@return integer|nil status nil in nginx
---@return table<string, string>|nil headers
---@return string|nil body
function Receiver:monitor(request, limits)
  checks.self(self, Receiver, "receiver", "monitor")
  limits = health.limits("receiver:monitor", limits, 3)
  local status, list, body = monitor.respond("receiver:monitor", self, request, limits)
  return status, list, body
end

local function create(options)
  receiver_options.check(options)
  local events = (options.inbox or options.handlers).events
  local registry = options.metrics or options.inbox and options.inbox._metrics or metrics.new()
  local self = setmetatable({
    max_body = options.max_body or MAX_BODY_BYTES,
    _events = events,
    _handlers = options.handlers,
    _unsigned = options.unsigned or false,
    -- Not nil, which would be looked up in the class for each request.
    _inbox = options.inbox or false,
    _on_outcome = options.on_outcome or false,
    _health = options.health or false,
    _defer = options.defer or false,
    _freshness = options.freshness and tables.copy(options.freshness) or false,
    _dedupe = false,
    _outage = outage.new(),
    _counts = receiver_counts.new(events:names(), registry),
    _metrics = registry,
  }, Receiver)
  sources[self] = options.secrets ~= nil and secret_source.new("receiver: option \"secrets\"", options.secrets, 4)
  -- After the check of the secrets, which name its scope.
  if options.dedupe then self._dedupe = dedupe.new(options.dedupe, secret_source.scope(options.secrets)) end
  return self
end

--- Creates a receiver: `receiver.new(options)`, or `receiver(options)`.
---@class apivideo.receiver
---@field new fun(options: apivideo.ReceiverOptions): apivideo.Receiver
---@overload fun(options: apivideo.ReceiverOptions): apivideo.Receiver
local receiver = {}

return constructor(members.strict("apivideo.receiver", receiver, Receiver), create)
