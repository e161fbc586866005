--- The deliveries of an emulator's events to its webhooks, with their faults.

local delivery_faults = require "apivideo.emulator.delivery_faults"
local sender = require "apivideo.emulator.sender"

local deliveries = {}

-- Sends a delivery as its fault demands; whether it is to be sent a second time.
local function send(self, delivery, webhook, fault)
  local was_reset = self._was_reset
  delivery_faults.wait(fault, was_reset)
  sender.send(delivery, webhook.signatureSecret, self._policy, function(attempt)
    if self._on_attempt then self._on_attempt(delivery, attempt) end
  end, was_reset)
  if fault.overtakes then fault.overtakes:open(true) end
  return fault.is_repeated and not was_reset:is_open()
end

local function deliver(self, webhook, raw, fault)
  local delivery = sender.new { url = webhook.url, raw = raw, webhookId = webhook.webhookId }
  self._deliveries:add(delivery)
  if fault.is_lost then
    delivery.state = "lost"
    return delivery
  end
  self:_spawn("a delivery", function()
    if send(self, delivery, webhook, fault) then deliver(self, webhook, raw, delivery_faults.NONE) end
  end, function() delivery.state = "failed" end)
  return delivery
end

--- Starts the delivery of an event to a webhook, and returns at once.
---@param self apivideo.Emulator
---@param webhook apivideo.Webhook
---@param raw string
---@return apivideo.emulator.Delivery
function deliveries.start(self, webhook, raw)
  return deliver(self, webhook, raw, self._delivery_faults:next(webhook.webhookId))
end

return deliveries
