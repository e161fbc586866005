--- Verification of a delivery without a receiver, for an application that sends the response itself.

local checks = require "apivideo.util.checks"
local events = require "apivideo.events"
local host = require "apivideo.runtime.host"
local request = require "apivideo.receiver.request"
local secret_source = require "apivideo.receiver.secret_source"

local WHERE = "construct_event: argument \"secrets\""

--- Verifies the signature of a delivery and parses its event.
---@param raw string the bytes of the body as they arrived
---@param headers table<string, string|string[]> of the request: names in any case, a list for a repeated header
---@param secrets apivideo.SecretsForm as the receiver's option `secrets`
---@return apivideo.Event? event nil if the delivery is rejected
---@return apivideo.Delivery|apivideo.Error delivery or why it is rejected: `bad_signature`; `bad_json`, `bad_event` or `too_large` of signed bytes; or why the secret is unavailable: those of every call except `not_found`, and `store_unavailable`
---@return integer? status for the response to a rejection: 401, 400 or 503
return function(raw, headers, secrets)
  if type(raw) == "table" then checks.dot("construct_event", raw, 2) end
  request.check_body("construct_event: argument \"raw\"", raw, 2)
  if type(headers) ~= "table" then
    error("construct_event: argument \"headers\" must be a table of the request's headers, name -> text, got "
      .. type(headers), 2)
  end
  if secrets == nil then
    error(WHERE .. " is missing, so that any sender could send events: pass a signatureSecret, or"
      .. " client.webhooks:secret_source()" .. host.variable_hint "WEBHOOK_SECRET", 2)
  end
  checks.value(WHERE, secrets, "string|table|function", 2)
  local source = secret_source.new(WHERE, secrets, 3)
  return request.result(request.verify(source, events, headers, raw))
end
