--- /webhooks: the webhooks of an account. https://docs.api.video/reference/api/Webhooks

local ids = require "apivideo.emulator.ids"
local json = require "apivideo.util.json"
local pages = require "apivideo.emulator.pages"
local problems = require "apivideo.emulator.problems"
local query = require "apivideo.emulator.query"
local unknown = require "apivideo.events.unknown"

local webhooks = {}

--- The webhooks that subscribe to an event type, oldest first.
---@param collection apivideo.emulator.Collection
---@param event_type? string default: any
---@return apivideo.Webhook[]
function webhooks.subscribed(collection, event_type)
  return collection:select(function(webhook)
    local is_subscribed = not event_type
    for _, name in ipairs(webhook.events) do is_subscribed = is_subscribed or name == event_type end
    return is_subscribed
  end)
end

--- POST /webhooks
function webhooks.create(self, request)
  local body = json.decode(request.body)
  local problem = problems.check_webhook(body)
  if problem then return 400, problem end
  for _, name in ipairs(body.events) do
    if not self._events.types[name] then
      unknown.warn("the local api.video: POST /webhooks", name, self._events,
        "it is accepted, since it may be newer than this library")
    end
  end
  if #self.webhooks.items >= self._webhook_limit then return 400, problems.webhook_limit() end
  local webhook = {
    webhookId = ids.new "webhook_", createdAt = ids.now(), events = body.events, url = body.url,
    signatureSecret = ids.new "sig_sec_",
  }
  self.webhooks:put(webhook)
  return 201, webhook
end

--- GET /webhooks
function webhooks.list(self, request)
  return pages.paginate(request, webhooks.subscribed(self.webhooks, query.text(request, "events")),
    { uri = self.url .. "/webhooks" })
end

--- GET /webhooks/{webhookId}
function webhooks.get(self, _, id)
  local webhook = self.webhooks:find(id)
  if not webhook then return 404, problems.not_found("webhookId") end
  return 200, webhook
end

--- DELETE /webhooks/{webhookId}
function webhooks.delete(self, _, id)
  if not self.webhooks:remove(id) then return 404, problems.not_found("webhookId") end
  return 204
end

return webhooks
