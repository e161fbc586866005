--- One HTTP request: size -> webhook id -> secret -> signature -> event. How its bytes arrived does not matter here.

local checks = require "apivideo.util.checks"
local errors = require "apivideo.error"
local excerpt = require "apivideo.util.excerpt"
local freshness = require "apivideo.receiver.freshness"
local headers = require "apivideo.util.headers"
local key = require "apivideo.events.key"
local mismatch = require "apivideo.receiver.mismatch"
local runtime = require "apivideo.runtime"
local verification = require "apivideo.receiver.verification"

---@class apivideo.Delivery
---@field event? apivideo.Event nil for signed bytes that cannot be parsed: `handlers:on_error` gets those
---@field err? apivideo.Error why there is no event
---@field webhook_id? string the webhook that the sender named; trust it only if `verified`
---@field received_at number seconds since 1970: when the request arrived, before its secret was requested
---@field raw string the exact bytes of the body
---@field verified boolean whether the signature is valid; false only in a receiver that is `unsigned`
---@field key? string the deduplication key of the event: equal for all its deliveries, by whichever webhook
---@field origin apivideo.Origin
---@field stale? true of a receiver with `freshness`: the event is older than its limit, or from the future
---@field undated? true of a receiver with `freshness`: the event has no readable `emittedAt`
---@field video? apivideo.DeliveredVideo of an event with a `videoId`, if the handlers have a client
---@field attempt? integer of an event from an inbox: the number of this attempt to handle it, from 1
---@field replay? true of an event from an inbox that was handled before: `inbox:replay` hands it over again

local type = type

local ORIGIN = { origin = "receiver" } -- of errors

local request = {}

--- Raises unless a body is a string.
---@param where string the function and the argument, for the message
---@param raw any
---@param level integer at which it raises, as seen from the caller
function request.check_body(where, raw, level)
  if type(raw) ~= "string" then
    error(("%s must be the bytes as they arrived (a string), got %s; %s"):format(where, type(raw),
      raw == nil and "read the body first" .. mismatch.IN_FILE or "a decoded body cannot be verified"), level + 1)
  end
end

--- Checks the argument of receiver:receive or receiver:verify. Raises at level 3.
---@param where string the function, for the message
---@param incoming any
function request.check(where, incoming)
  local method = type(incoming) == "table" and incoming.method
  if method ~= "POST" and type(method) ~= "string" or type(incoming.headers) ~= "table" then
    error(where .. ": a table { method = …, headers = …, body = … } expected", 3)
  end
  -- This runs for each request: no text is concatenated for a valid one, and type() is slow in PUC Lua.
  local body, size = incoming.body, incoming.size
  if body ~= nil and type(body) ~= "string" then request.check_body(where .. ": body", body, 3) end
  if size ~= nil then checks.value(where .. ": size", size, "bytes>=0|huge", 3) end
end

--- The body of such an argument, nil if it was not passed, and its size.
---@param incoming { body?: string, size?: integer }
---@return string? raw
---@return integer size in bytes
function request.body(incoming)
  local raw, size = incoming.body, incoming.size
  if size then return raw or "", size end
  return raw, raw and #raw or 0
end

local function new_delivery(source, events, event, err, webhook_id, received_at, raw)
  return {
    event = event, err = err, webhook_id = webhook_id, received_at = received_at, raw = raw,
    verified = source ~= nil, key = event and key.of(events.types, event, raw) or nil, origin = "webhook",
  }
end

-- The error for a body that is nil although the request has one; nil for an empty body.
local function unread_body(list)
  local value, count = headers.get(list, "content-length")
  local length = count == 1 and type(value) == "string" and value:match "^%d+$"
  if not length or tonumber(length) == 0 then return nil end
  local text = "body is nil although the content-length header is " .. excerpt(length)
    .. ": the body was not read; pass its raw bytes, or in nginx call receiver:nginx(), which reads it"
  return errors.new("invalid_request", text, ORIGIN)
end

--- Verifies the signature of a body and parses its event.
---@param source? apivideo.SecretSource nil: no signature is needed
---@param events apivideo.Catalogue
---@param list table<string, string|string[]> the headers
---@param raw string
---@return apivideo.Delivery? delivery nil if it is rejected
---@return apivideo.Error? err
---@return integer? status for the response to a rejection
---@return apivideo.Delivery? signed of a rejection, if the signature is valid: without an event, since the body cannot be parsed
function request.verify(source, events, list, raw)
  local received_at = runtime.now() -- before the request for a secret, which may take seconds
  local webhook_id, id_problem = verification.webhook_id(list)
  if source then
    local ok, err, status = verification.check(source, list, raw, webhook_id, id_problem)
    if not ok then return nil, err, status end
  end
  local event, err = events:parse(raw)
  if event then return new_delivery(source, events, event, nil, webhook_id, received_at, raw) end
  return nil, err, 400, source and new_delivery(source, events, nil, err, webhook_id, received_at, raw)
end

--- Accepts or rejects a request.
---@param receiver apivideo.Receiver
---@param method string
---@param list table<string, string|string[]> the headers
---@param raw? string nil for a body that was not passed
---@param size integer of the body, in bytes
---@return apivideo.Delivery? delivery nil if it is rejected
---@return apivideo.Error? err
---@return integer? status for the response to a rejection
---@return apivideo.Delivery? signed as of `request.verify`; with an event if `freshness` rejects it
function request.accept(receiver, method, list, raw, size)
  if method ~= "POST" then
    return nil, errors.new("invalid_request", "method is " .. excerpt(method) .. ", not POST", ORIGIN), 405
  end
  if size > receiver.max_body then
    local message = "the body is larger than the option max_body: %.0f > %.0f bytes"
    return nil, errors.new("too_large", message:format(size, math.floor(receiver.max_body)), ORIGIN), 413
  end
  if not raw then
    local err = unread_body(list)
    if err then return nil, err, 400 end
    raw = ""
  end
  if not receiver._freshness then return request.verify(receiver:_secret_source(), receiver._events, list, raw) end
  local delivery, err, status, signed = request.verify(receiver:_secret_source(), receiver._events, list, raw)
  if not delivery then return nil, err, status, signed end
  local is_fresh, problem = freshness.check(receiver._freshness, delivery)
  if is_fresh then return delivery end
  return nil, problem, 401, delivery
end

--- The results of `verify` and `accept` in the form that applications get.
---@param delivery? apivideo.Delivery
---@param err? apivideo.Error
---@param status? integer
---@return apivideo.Event? event
---@return apivideo.Delivery|apivideo.Error
---@return integer? status
function request.result(delivery, err, status)
  if delivery then return delivery.event, delivery end
  return nil, err, status
end

return request
