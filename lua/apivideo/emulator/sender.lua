--- Delivers one event to one URL as api.video does: signed, and retried until the response is 2xx.
--- https://docs.api.video/delivery-analytics/create-and-manage-webhooks

local http = require "apivideo.transport.http"
local json = require "apivideo.util.json"
local runtime = require "apivideo.runtime"
local signature = require("apivideo.core").signature
local tables = require "apivideo.util.tables"
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
---@field state "pending"|"delivered"|"failed"

-- `2023-05-23T09:29:02.154Z`
local function timestamp()
  local now = runtime.now()
  return os.date("!%Y-%m-%dT%H:%M:%S", math.floor(now)) .. (".%03dZ"):format(math.floor(now % 1 * 1000))
end

--- Encodes an event, with its fields in the order of the documentation.
---@param event apivideo.Event default of emittedAt: now
---@param catalogue apivideo.Catalogue
---@return string raw
function sender.encode(event, catalogue)
  local known = catalogue.types[event.type]
  local names, rank = {}, { type = 1, emittedAt = 2 }
  for i, name in ipairs(known and known.required or {}) do rank[name] = rank[name] or 2 + i end
  local fields = tables.merge({ emittedAt = timestamp() }, event)
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    local ra, rb = rank[a] or 1000, rank[b] or 1000
    if ra ~= rb then return ra < rb end
    return a < b
  end)
  for i, name in ipairs(names) do
    names[i] = json.encode(name) .. ":" .. assert(json.encode(fields[name]))
  end
  return "{" .. table.concat(names, ",") .. "}"
end

local function header_lines(message)
  local lines = { "Content-Type: application/json", "User-Agent: apivideo-emulator/" .. version }
  if message.webhookId then
    lines[#lines + 1] = "X-Api-Video-WebhookID: " .. message.webhookId
  end
  if message.secret then
    lines[#lines + 1] = "X-Api-Video-Signature: " .. signature.sign(message.raw, message.secret)
  end
  return lines
end

-- Sends a message once. A redirect is a failure, and is not followed.
local function send_once(message, timeout)
  local attempt = { at = runtime.now() }
  local started = runtime.monotonic()
  local response, err = http.request {
    method = "POST", url = message.url, headers = header_lines(message), body = message.raw,
    timeout = timeout,
  }
  attempt.seconds = runtime.monotonic() - started
  attempt.status, attempt.err = response and response.status, err
  return attempt
end

---@class apivideo.emulator.Policy
---@field attempts integer in total
---@field interval number seconds between two attempts
---@field timeout number seconds for one attempt

--- As api.video documents it. Its newer guide says "retries 3 times", which would be attempts = 4.
---@type apivideo.emulator.Policy
sender.policy = { attempts = 3, interval = 3, timeout = 10 }

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
function sender.send(delivery, secret, policy, on_attempt)
  local message = { url = delivery.url, raw = delivery.raw, webhookId = delivery.webhookId,
    secret = secret }
  for number = 1, policy.attempts do
    if number > 1 then runtime.sleep(policy.interval) end
    local attempt = send_once(message, policy.timeout)
    delivery.attempts[number] = attempt
    if attempt.status and attempt.status < 300 then
      delivery.state = "delivered"
    elseif number == policy.attempts then
      delivery.state = "failed"
    end
    if on_attempt then on_attempt(attempt) end
    if delivery.state == "delivered" then return end
  end
end

return sender
