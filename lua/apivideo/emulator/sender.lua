--- Delivers one event to one URL as api.video does: signed, and retried until the response is 2xx.
--- https://docs.api.video/delivery-analytics/create-and-manage-webhooks

local headers = require "apivideo.util.headers"
local http = require "apivideo.transport.http"
local outgoing = require "apivideo.events.outgoing"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"
local version = require "apivideo.version"

local sender = {}

---@class apivideo.emulator.Attempt
---@field at number seconds since 1970
---@field seconds number duration
---@field status? integer of the response
---@field err? apivideo.Error if there was no response
---@field sent? boolean of an attempt with `err`: whether any part of the request may have reached the receiver

---@class apivideo.emulator.Delivery
---@field url string
---@field raw string the body
---@field webhookId? string
---@field attempts apivideo.emulator.Attempt[]
---@field state "pending"|"delivered"|"failed"|"lost" lost: by the option `deliveries`, without an attempt

local USER_AGENT = { ["User-Agent"] = "apivideo-emulator/" .. version }

-- The request for each attempt of a delivery.
local function request_of(delivery, secret, policy)
  return tables.merge(policy.connection, {
    method = "POST", url = delivery.url, body = delivery.raw, timeout = policy.timeout,
    headers = headers.lines(USER_AGENT, outgoing.headers(delivery.raw, delivery.webhookId, secret), policy.headers),
  })
end

-- Sends a request once, unless it is cancelled. A redirect is a failure, and is not followed.
local function send_once(request, cancel)
  local attempt = { at = runtime.now() }
  local started = runtime.monotonic()
  local response, err, sent = http.request(request, cancel)
  attempt.seconds = runtime.monotonic() - started
  attempt.status, attempt.err = response and response.status, err
  if err then attempt.sent = sent or false end
  return attempt
end

---@class apivideo.emulator.Policy
---@field max_attempts integer
---@field interval number seconds between two attempts
---@field timeout number seconds for one attempt
---@field headers? table<string, string> more headers, which replace those of the same names
---@field connection? { ca_file?: string, insecure?: boolean } of each request

--- As api.video documents it. Its newer guide says "retries 3 times", which would be max_attempts = 4.
---@type apivideo.emulator.Policy
sender.policy = { max_attempts = 3, interval = 3, timeout = 10 }

--- Creates a delivery that has not been sent yet.
---@param message { url: string, raw: string, webhookId?: string }
---@return apivideo.emulator.Delivery
function sender.new(message)
  return { url = message.url, raw = message.raw, webhookId = message.webhookId,
    attempts = {}, state = "pending" }
end

-- Whether another attempt would fail in the same way: the request was not sent, because it is invalid.
local function is_invalid(attempt)
  return attempt.err ~= nil and attempt.err.kind == "invalid_request"
end

--- Sends a delivery until the response is 2xx or no attempt is left, and waits for that.
---@param delivery apivideo.emulator.Delivery its attempts and state are updated
---@param secret? string without one, the delivery is not signed
---@param policy apivideo.emulator.Policy
---@param on_attempt? fun(attempt: apivideo.emulator.Attempt)
---@param cancel? apivideo.Latch when it opens, the delivery has failed
function sender.send(delivery, secret, policy, on_attempt, cancel)
  cancel = cancel or runtime.latch()
  local request = request_of(delivery, secret, policy)
  for number = 1, policy.max_attempts do
    if number > 1 then cancel:wait(policy.interval) end
    if cancel:is_open() then
      delivery.state = "failed"
      return
    end
    local attempt = send_once(request, cancel)
    delivery.attempts[number] = attempt
    if attempt.status and attempt.status < 300 then
      delivery.state = "delivered"
    elseif number == policy.max_attempts or is_invalid(attempt) then
      delivery.state = "failed"
    end
    if on_attempt then on_attempt(attempt) end
    if delivery.state ~= "pending" then return end
  end
end

return sender
