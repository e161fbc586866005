--- One HTTP request: size -> webhook id -> secret -> signature -> event. How its bytes arrived does not matter here.

local checks = require "apivideo.util.checks"
local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local runtime = require "apivideo.runtime"
local verification = require "apivideo.receiver.verification"

---@class apivideo.Delivery
---@field event? apivideo.Event nil for signed bytes that cannot be parsed: `handlers:on_error` gets those
---@field err? apivideo.Error why there is no event
---@field webhook_id? string the webhook that the sender named; trust it only if `verified`
---@field received_at number seconds since 1970
---@field raw string the exact bytes of the body
---@field verified boolean whether the signature is valid; false only in a receiver that is `unsigned`
---@field key? string the deduplication key of the event: equal for all its deliveries, by whichever webhook
---@field origin "webhook"
---@field attempt? integer of an event from an inbox: the number of this attempt to handle it, from 1

local ORIGIN = { origin = "receiver" } -- of errors

local request = {}

--- Checks the argument of receiver:receive. Raises at level 3.
---@param incoming any
---@param path any
function request.check(incoming, path)
  if type(incoming) ~= "table" or type(incoming.method) ~= "string" or type(incoming.headers) ~= "table" then
    error("receiver:receive: a table { method = …, headers = …, body = … } expected", 3)
  end
  if incoming.body ~= nil and type(incoming.body) ~= "string" then
    error(("receiver:receive: body must be the bytes as they arrived (a string), got %s; a decoded"
      .. " body cannot be verified"):format(type(incoming.body)), 3)
  end
  checks.value("receiver:receive: size", incoming.size, "number?", 3)
  checks.value("receiver:receive: path", path, "string?", 3)
end

local function new_delivery(receiver, event, err, webhook_id, raw)
  return {
    event = event, err = err, webhook_id = webhook_id, received_at = runtime.now(), raw = raw,
    verified = not receiver._unsigned, key = event and receiver._events:key(event, raw) or nil, origin = "webhook",
  }
end

-- The error for a body that is nil although the request has one; nil for an empty body.
local function unread_body(list)
  local value, count = headers.get(list, "content-length")
  local length = count == 1 and type(value) == "string" and value:match "^%d+$"
  if not length or tonumber(length) == 0 then return nil end
  local text = "body is nil although the content-length header is " .. verification.shown(length)
    .. ": the body was not read; pass its raw bytes, or in nginx call receiver:nginx(), which reads it"
  return errors.new("invalid_request", text, ORIGIN)
end

--- Verifies a request and parses its event.
---@param receiver apivideo.Receiver
---@param method string
---@param list table<string, string|string[]> the headers
---@param raw? string nil for a body that was not passed
---@param size integer of the body, in bytes
---@return apivideo.Delivery? delivery without an event if the signature is valid, but the body cannot be parsed
---@return integer? status why it is rejected; or, of a delivery without an event, 400
---@return apivideo.Error? err
function request.accept(receiver, method, list, raw, size)
  if method ~= "POST" then
    return nil, 405, errors.new("invalid_request", "method is " .. verification.shown(method) .. ", not POST", ORIGIN)
  end
  if size > receiver.max_body then
    return nil, 413, errors.new("too_large",
      ("the body has %.0f bytes, and the option max_body allows %.0f"):format(size, receiver.max_body), ORIGIN)
  end
  if not raw then
    local err = unread_body(list)
    if err then return nil, 400, err end
    raw = ""
  end
  local webhook_id, id_problem = verification.webhook_id(list)
  if not receiver._unsigned then
    local status, err = verification.check(receiver:_secret_source(), list, raw, webhook_id, id_problem)
    if status then return nil, status, err end
  end
  local event, err = receiver._events:parse(raw)
  if event then return new_delivery(receiver, event, nil, webhook_id, raw) end
  if receiver._unsigned then return nil, 400, err end
  return new_delivery(receiver, nil, err, webhook_id, raw), 400, err
end

return request
