--- One delivery in, one answer out: size -> webhook id -> secret -> signature -> parse -> dispatch
--- -> status. How the bytes arrive is somebody else's concern.

local errors = require "apivideo.error"
local headers = require "apivideo.headers"
local options = require "apivideo.options"
local protected = require "apivideo.pcall"
local redact = require "apivideo.redact"
local runtime = require "apivideo.runtime"
local secret_store = require "apivideo.secrets"
local signature = require("apivideo.core").signature

---@class apivideo.Delivery
---@field event apivideo.Event
---@field webhookId? string the webhook that the sender named; trust it only if `verified`
---@field received_at number seconds since 1970
---@field raw string the exact bytes of the body
---@field verified boolean whether the signature holds; false only in a receiver that is `unsigned`
---@field key string the identity of the event: equal for all its deliveries, by whichever webhook
---@field origin "webhook"

---@class apivideo.Outcome what became of one request, for the log
---@field status integer the answer
---@field seconds number how long it took
---@field err? apivideo.Error why it was refused
---@field event? apivideo.Event
---@field delivery? apivideo.Delivery
---@field handled? integer how many handlers ran
---@field errors? any[] of handlers that failed

local HEX_64 = "^" .. ("%x"):rep(64) .. "$"

---@class apivideo.Receiver
---@field max_body integer bytes
local Receiver = {}
Receiver.__index = Receiver

-- No secret shows when the object is printed.
local resolvers = setmetatable({}, { __mode = "k" })

function Receiver:__tostring()
  return self.unsigned and "apivideo.receiver (unsigned)" or "apivideo.receiver"
end

local function new_delivery(self, event, webhook_id, raw)
  return {
    event = event, webhookId = webhook_id, received_at = runtime.now(), raw = raw,
    verified = not self.unsigned, key = self.handlers.events:key(event, raw), origin = "webhook",
  }
end

-- The one value of a header; nil and a reason when it is missing or repeated.
local function single(request, name)
  local value, count = headers.get(request.headers, name)
  if count == 1 then return value end
  return nil, count == 0 and "no " .. name .. " header" or "more than one " .. name .. " header"
end

local function bad_signature(reason, webhook_id)
  return errors.new("bad_signature", webhook_id and reason .. " (" .. webhook_id .. ")" or reason)
end

-- Checks the signature. nil when it holds; or a status and the error.
local function verify(self, request, webhook_id, id_problem)
  local hex, problem = single(request, "x-api-video-signature")
  if not hex then return 401, bad_signature(problem, webhook_id) end
  -- Before anybody is asked for a secret: what cannot hold is not worth the question.
  if not hex:find(HEX_64) then return 401, bad_signature("signature malformed", webhook_id) end
  local secret, err = resolvers[self](webhook_id)
  if err then return 503, err end
  if not secret then
    return 401, bad_signature(id_problem or "no secret is known for this webhook", webhook_id)
  end
  local holds, reason = signature.verify(request.body or "", hex, secret)
  if not holds then return 401, bad_signature("signature " .. reason, webhook_id) end
end

-- Checks a request up to its event. event, delivery; or nil, status, err.
local function accept(self, request)
  if request.method ~= "POST" then
    return nil, 405, errors.new("invalid_request", "method is " .. request.method .. ", not POST")
  end
  local raw = request.body or ""
  if #raw > self.max_body then
    return nil, 413, errors.new("too_large",
      ("a body of %d bytes; at most %d are taken"):format(#raw, self.max_body))
  end
  local webhook_id, id_problem = single(request, "x-api-video-webhookid")
  if not self.unsigned then
    local status, err = verify(self, request, webhook_id, id_problem)
    if status then return nil, status, err end
  end
  local event, err = self.handlers.events:parse(raw)
  if not event then return nil, 400, err end
  return event, new_delivery(self, event, webhook_id, raw)
end

local function write(line)
  io.stderr:write("apivideo: ", (redact.text(line):gsub("%c+", " ")), "\n")
end

local function check_request(request)
  if type(request) ~= "table" or type(request.method) ~= "string"
    or type(request.headers) ~= "table" then
    error("receiver:receive: a table { method = …, headers = …, body = … } expected", 3)
  end
  if request.body ~= nil and type(request.body) ~= "string" then
    error(("receiver:receive: body must be the bytes as they arrived (a string), got %s; a decoded"
      .. " body cannot be verified"):format(type(request.body)), 3)
  end
end

--- Takes one request, however it arrived, and says what to answer. 2xx is said only when the
--- event's handlers succeeded.
---@param request { method: string, headers: table<string, string|string[]>, body?: string }
---@return integer status
---@return table<string, string> headers
---@return string body always empty: a refusal's reason goes to the log, never to the sender
function Receiver:receive(request)
  check_request(request)
  local started = runtime.monotonic()
  local outcome = {}
  local event, second, err = accept(self, request)
  if event then
    outcome.event, outcome.delivery = event, second
    outcome.handled, outcome.errors = self.handlers:dispatch(event, second)
    outcome.status = outcome.errors and 500 or 204
  else
    outcome.status, outcome.err = second, err
  end
  outcome.seconds = runtime.monotonic() - started
  -- A log that fails changes nothing about what was done.
  local logged, problem = protected.call(self.log, outcome)
  if not logged then write("the log failed: " .. tostring(problem)) end
  return outcome.status, outcome.status == 405 and { Allow = "POST" } or {}, ""
end

-- The default log: a line on stderr for whatever a person should know of.
local function log(outcome)
  local lines = {}
  if outcome.err then
    lines[1] = ("refused with %d: %s"):format(outcome.status, tostring(outcome.err))
  elseif outcome.handled == 0 then
    lines[1] = ("acknowledged without a handler: %s; add one with handlers:on or"
      .. " handlers:otherwise"):format(outcome.event.type)
  end
  for _, err in ipairs(outcome.errors or {}) do
    lines[#lines + 1] = ("a handler of %s failed: %s"):format(outcome.event.type, tostring(err))
  end
  for _, line in ipairs(lines) do
    write(line)
  end
end

-- Raises, three calls up, unless it is a secret or a list of them: better now than with the first
-- delivery.
local function check_secret(value)
  if not pcall(signature.verify, "", ("0"):rep(64), value) then
    error("receiver: option \"secrets\" must hold signatureSecret strings, none of them empty", 4)
  end
end

-- Raises unless it is a table webhook id -> secret or list of them.
local function check_map(secrets)
  if next(secrets) == nil then error("receiver: option \"secrets\" is empty", 4) end
  for id, value in pairs(secrets) do
    if not secret_store.is_webhook_id(id) then
      error("receiver: option \"secrets\" must be client.webhooks:secrets(), a secret, a list of"
        .. " secrets, or a table of them by webhook id; it has the key " .. tostring(id), 4)
    end
    check_secret(value)
  end
end

-- Turns what was given as secrets into a function: id -> secret or list of them | nil, err.
local function resolver_of(secrets)
  if type(secrets) == "function" then return secrets end
  if type(secrets) == "table" and type(secrets.resolve) == "function" then
    return function(id) return secrets:resolve(id) end
  end
  if type(secrets) == "string" or #secrets > 0 then
    check_secret(secrets)
    return function() return secrets end
  end
  check_map(secrets)
  return function(id) return id and secrets[id] end
end

local known = {
  handlers = "table", secrets = "string|table|function?", unsigned = "boolean?",
  max_body = "number?", log = "function?",
}

---@class apivideo.ReceiverOptions
---@field handlers apivideo.Handlers
---@field secrets? apivideo.Secrets|string|string[]|table<string, string|string[]>|fun(webhookId: string?): string|string[]|nil, apivideo.Error? a webhook's secrets: `client.webhooks:secrets()`, one secret, several (any may hold), a table by webhook id, or a function
---@field unsigned? true accept deliveries that nobody signed: instead of `secrets`
---@field max_body? integer bytes, default 1 MiB
---@field log? fun(outcome: apivideo.Outcome) told of each request; the default writes refusals and failures to stderr

--- Makes a receiver.
---@param given apivideo.ReceiverOptions
---@return apivideo.Receiver
local function new(given)
  options.check("receiver", given, known)
  if type(given.handlers.dispatch) ~= "function" then
    error("receiver: option \"handlers\" must come from apivideo.handlers()", 2)
  end
  if given.secrets == nil and not given.unsigned then
    error("receiver: option \"secrets\" is missing, so that anybody could send events: pass"
      .. " client.webhooks:secrets(), or unsigned = true if that is what you want", 2)
  end
  if given.secrets ~= nil and given.unsigned then
    error("receiver: options \"secrets\" and \"unsigned\" exclude each other", 2)
  end
  if given.max_body and given.max_body < 0 then
    error("receiver: option \"max_body\" must be a number of bytes from 0 on", 2)
  end
  local self = setmetatable({
    handlers = given.handlers,
    unsigned = given.unsigned or false,
    max_body = given.max_body or 1024 * 1024,
    log = given.log or log,
  }, Receiver)
  if given.secrets ~= nil then resolvers[self] = resolver_of(given.secrets) end
  return self
end

return new
