--- Delivers one event to one URL as api.video does: signed, and retried until the response is 2xx.
--- https://docs.api.video/delivery-analytics/create-and-manage-webhooks

local http = require "apivideo.transport.http"
local outgoing = require "apivideo.events.outgoing"
local runtime = require "apivideo.runtime"
local version = require "apivideo.version"

local sender = {}

---@class apivideo.emulator.Attempt
---@field at number seconds since 1970
---@field seconds number duration
---@field status? integer of the response
---@field err? apivideo.Error if there was no response

---@class apivideo.emulator.Delivery
---@field url string
---@field raw string the body
---@field webhookId? string
---@field attempts apivideo.emulator.Attempt[]
---@field state "pending"|"delivered"|"failed"|"lost" lost: by the option `deliveries`, without an attempt

local function header_lines(message)
  local lines = { "User-Agent: apivideo-emulator/" .. version }
  for name, value in pairs(outgoing.headers(message.raw, message.webhookId, message.secret)) do
    lines[#lines + 1] = name .. ": " .. value
  end
  return lines
end

-- Sends a message once, unless it is cancelled. A redirect is a failure, and is not followed.
local function send_once(message, timeout, cancel)
  local attempt = { at = runtime.now() }
  local started = runtime.monotonic()
  local response, err = http.request({
    method = "POST", url = message.url, headers = header_lines(message), body = message.raw,
    timeout = timeout,
  }, cancel)
  attempt.seconds = runtime.monotonic() - started
  attempt.status, attempt.err = response and response.status, err
  return attempt
end

---@class apivideo.emulator.Policy
---@field max_attempts integer
---@field interval number seconds between two attempts
---@field timeout number seconds for one attempt

--- As api.video documents it. Its newer guide says "retries 3 times", which would be max_attempts = 4.
---@type apivideo.emulator.Policy
sender.policy = { max_attempts = 3, interval = 3, timeout = 10 }

--- Creates a delivery that has not been sent yet.
---@param message { url: string, raw: string, webhookId?: string, secret?: string }
---@return apivideo.emulator.Delivery
function sender.new(message)
  return { url = message.url, raw = message.raw, webhookId = message.webhookId,
    attempts = {}, state = "pending" }
end

--- Sends a delivery until the response is 2xx or no attempt is left, and waits for that.
---@param delivery apivideo.emulator.Delivery its attempts and state are updated
---@param secret? string without one, the delivery is not signed
---@param policy apivideo.emulator.Policy
---@param on_attempt? fun(attempt: apivideo.emulator.Attempt)
---@param cancel? apivideo.Latch when it opens, the delivery has failed
function sender.send(delivery, secret, policy, on_attempt, cancel)
  cancel = cancel or runtime.latch()
  local message = { url = delivery.url, raw = delivery.raw, webhookId = delivery.webhookId,
    secret = secret }
  for number = 1, policy.max_attempts do
    if number > 1 then cancel:wait(policy.interval) end
    if cancel:is_open() then
      delivery.state = "failed"
      return
    end
    local attempt = send_once(message, policy.timeout, cancel)
    delivery.attempts[number] = attempt
    if attempt.status and attempt.status < 300 then
      delivery.state = "delivered"
    elseif number == policy.max_attempts then
      delivery.state = "failed"
    end
    if on_attempt then on_attempt(attempt) end
    if delivery.state == "delivered" then return end
  end
end

return sender
