--- The webhooks of an account. https://docs.api.video/reference/api/Webhooks

local call_options = require "apivideo.transport.call_options"
local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local protected = require "apivideo.util.pcall"
local resource = require "apivideo.resources.collection"
local retry = require "apivideo.transport.retry"
local runtime = require "apivideo.runtime"
local secrets = require "apivideo.resources.webhooks.secrets"
local timestamp = require("apivideo.core").timestamp
local webhook = require "apivideo.resources.webhooks.definition"

---@class apivideo.Webhook
---@field webhookId string `webhook_…`
---@field url string where its events are sent
---@field events string[] the types it subscribes to
---@field createdAt string such as 2019-06-24T11:45:01+00:00
---@field signatureSecret? string `sig_sec_…`; accounts from before signatures have none

---@class apivideo.WebhookPage
---@field data apivideo.Webhook[]
---@field pagination apivideo.Pagination

---@class apivideo.WebhookQuery
---@field events? string one event type
---@field currentPage? integer from 1; not for `each`
---@field pageSize? integer 1 to 100, 25 by default in `list`

---@class apivideo.Webhooks
---@field sync fun(self, wanted: { url: string, events: string[] }[], options?: apivideo.SyncOptions): apivideo.SyncPlan|nil, apivideo.Error? makes the account's webhooks match a list
---@field rotate fun(self, webhookId: string, options?: apivideo.RotateOptions): apivideo.Webhook|nil, apivideo.Error? replaces a webhook by one with another secret
---@field list fun(self, query?: apivideo.WebhookQuery, options?: apivideo.CallOptions): apivideo.WebhookPage|nil, apivideo.Error?, apivideo.Response? one page
---@field pages fun(self, query?: apivideo.WebhookQuery, options?: apivideo.CallOptions): fun(): apivideo.WebhookPage|nil, apivideo.Response? an iterator over the pages; raises a failure as an error object
---@field each fun(self, query?: apivideo.WebhookQuery, options?: apivideo.CallOptions): fun(): apivideo.Webhook|nil an iterator over all; raises a failure as an error object
local Webhooks = resource.class {
  name = "webhooks", path = "/webhooks", id = "webhookId", filters = { events = "string?" },
}

Webhooks.sync = require "apivideo.resources.webhooks.sync"
Webhooks.rotate = require "apivideo.resources.webhooks.rotate"

-- The time by the server's clock when the call began, in whole seconds; ours where it tells none.
local function server_time(response, began)
  local now = retry.http_date((headers.get(response.headers, "date"))) or runtime.now()
  return math.floor(now - (runtime.monotonic() - began)) - 1
end

-- After a POST whose answer did not come: the webhook that it made, if it made one. There may be equal
-- ones: it is none that is older than the call, and none that another call has returned.
local function find_made(self, wanted, began, given, seconds)
  local ends, limits = runtime.monotonic() + seconds, call_options.only(given)
  local next_page, since = self:pages({ pageSize = 100 }, limits), nil
  while true do
    limits.total_timeout = math.max(0.001, ends - runtime.monotonic())
    local ok, page, response = protected.call(next_page)
    if not ok then return nil, page end
    if not page then return nil end
    since = since or server_time(response, began)
    for _, item in ipairs(page.data) do
      local created = timestamp(item.createdAt)
      if created and created >= since and not self.made[item.webhookId] and webhook.equal(item, wanted) then
        return item
      end
    end
  end
end

-- Notes the id of a webhook that was created here, and forgets those that no call can take for its own:
-- they were there well before the oldest call under way began.
local function note_made(self, id)
  local now = runtime.monotonic()
  local oldest = now
  for _, turn in pairs(self.turns) do
    if now < turn.ends then oldest = math.min(oldest, turn.began) end
  end
  for other, at in pairs(self.made) do
    if at < oldest - 10 then self.made[other] = nil end
  end
  self.made[id] = now
end

-- Creates a webhook, and notes its id before anybody else can look for it.
local function create(self, wanted, limits)
  local arguments, began = call_options.only(limits), runtime.monotonic()
  arguments.body = { url = wanted.url, events = wanted.events }
  local created, err, response = self.client:request("POST", "/webhooks", arguments, function(seconds)
    return find_made(self, wanted, began, limits, seconds)
  end)
  if not created then return nil, err end
  if created == true or type(created.webhookId) ~= "string" then
    return nil, resource.unexpected(self.client, "POST", "/webhooks", "the answer has no webhookId", response)
  end
  note_made(self, created.webhookId)
  return created, nil, response
end

-- Waits until no equal webhook is being created by this client: each must find its own one when its
-- answer is lost. (A turn that outlived its time was abandoned.)
local function take_turn(self, key, limits)
  local now = runtime.monotonic()
  local ends = now + (limits.total_timeout or self.client.account().limits.total_timeout)
  while self.turns[key] and now < self.turns[key].ends do
    local ok, reason = self.turns[key].latch:wait(math.max(0, ends - now), limits.cancel and limits.cancel.latch)
    if not ok then
      return nil, errors.new(reason, "an equal webhook is being created, and this one waited for it",
        { attempts = 0, origin = "webhooks" })
    end
    now = runtime.monotonic()
  end
  self.turns[key] = { latch = runtime.latch(), began = now, ends = ends }
  return self.turns[key]
end

--- Creates a webhook. The same one may be created several times: each call makes another. When the
--- answer is lost, it looks whether the webhook is there before it tries again.
--- An account holds a few webhooks only; beyond that: `invalid_request`, 400.
---@param wanted { url: string, events: string[] }
---@param given? apivideo.CallOptions
---@return apivideo.Webhook|nil webhook with its id and signatureSecret
---@return apivideo.Error? err `in_doubt` when nobody knows whether it was created
---@return apivideo.Response? response not after an error
function Webhooks:create(wanted, given)
  resource.client_of(self, "webhooks:create")
  webhook.check("webhooks:create", wanted, 3)
  local limits, key = call_options.check("webhooks:create", given), webhook.key(wanted)
  local turn, late = take_turn(self, key, limits)
  if not turn then return nil, late end
  local ok, created, err, response = protected.call(create, self, wanted, limits)
  if self.turns[key] == turn then self.turns[key] = nil end
  turn.latch:open(true)
  if not ok then error(created, 0) end
  if not created then return nil, err end
  return created, nil, response
end

--- Gets one webhook.
---@param webhookId string
---@param given? apivideo.CallOptions
---@return apivideo.Webhook|nil webhook
---@return apivideo.Error? err `not_found` when there is none
---@return apivideo.Response? response not after an error
function Webhooks:get(webhookId, given)
  local client = resource.client_of(self, "webhooks:get")
  local limits = call_options.check("webhooks:get", given)
  local ok, err = resource.check_id("webhooks:get", "webhookId", webhookId, "webhook_")
  if not ok then return nil, err end
  return resource.get(client, "/webhooks/" .. webhookId, "webhookId", limits)
end

--- Deletes a webhook, for good.
---@param webhookId string
---@param given? apivideo.CallOptions
---@return true|nil done
---@return apivideo.Error? err `not_found` when there is none
---@return apivideo.Response? response not after an error
function Webhooks:delete(webhookId, given)
  local client = resource.client_of(self, "webhooks:delete")
  local limits = call_options.check("webhooks:delete", given)
  local ok, err = resource.check_id("webhooks:delete", "webhookId", webhookId, "webhook_")
  if not ok then return nil, err end
  return client:request("DELETE", "/webhooks/" .. webhookId, limits)
end

-- A delivery waits for the secret, and api.video gives up on deliveries within ten seconds.
local SECRET_LIMITS = { total_timeout = 5 }

--- The secrets of the account's webhooks, for a receiver: looked up by id when a delivery needs one,
--- and kept.
---@param given? apivideo.SecretsOptions
---@return apivideo.Secrets
function Webhooks:secrets(given)
  local account = resource.client_of(self, "webhooks:secrets").account()
  return (secrets.new(function(webhookId)
    return self:get(webhookId, SECRET_LIMITS)
  end, given, account.name))
end

return {
  new = function(client)
    local self = resource.new(Webhooks, client)
    self.made = {}  -- ids of those that were created here of late -> when
    self.turns = {} -- what is being created -> who does
    return self
  end,
}
