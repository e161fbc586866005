--- Verification of a delivery without a receiver, for an application that sends the response itself.

local checks = require "apivideo.util.checks"
local events = require "apivideo.events"
local host = require "apivideo.runtime.host"
local request = require "apivideo.receiver.request"
local secret_source = require "apivideo.receiver.secret_source"

local WHERE = "construct_event: argument \"secrets\""

-- See `apivideo.construct_event`, which calls this: errors are raised at its caller.
return function(raw, headers, secrets, extra)
  if type(raw) == "table" then checks.dot("construct_event", raw, 3) end
  request.check_body("construct_event: argument \"raw\"", raw, 3)
  if type(headers) ~= "table" then
    error("construct_event: argument \"headers\" must be a table of the request's headers, name -> text, got "
      .. type(headers), 3)
  end
  if secrets == nil then
    error(WHERE .. " is missing, so that any sender could send events: pass a signatureSecret, or"
      .. " client.webhooks:secret_source()" .. host.variable_hint "WEBHOOK_SECRET", 3)
  end
  if extra ~= nil then
    error("construct_event takes three arguments; to reject old events, call receiver:verify with the option freshness",
      3)
  end
  checks.value(WHERE, secrets, "string|table|function", 3)
  local source = secret_source.new(WHERE, secrets, 4)
  return request.result(request.verify(source, events, headers, raw))
end
