--- The webhooks of an account. https://docs.api.video/reference/api/Webhooks

local call_options = require "apivideo.transport.call_options"
local checks = require "apivideo.util.checks"
local collection = require "apivideo.resources.collection"
local objects = require "apivideo.resources.objects"
local private_url = require "apivideo.resources.webhooks.private_url"
local protected = require "apivideo.util.pcall"
local recovery = require "apivideo.resources.webhooks.recovery"
local rotate = require "apivideo.resources.webhooks.rotate"
local runtime = require "apivideo.runtime"
local secrets = require "apivideo.resources.webhooks.secrets"
local sync = require "apivideo.resources.webhooks.sync"
local definition = require "apivideo.resources.webhooks.definition"

---@class apivideo.Webhook
---@field webhookId string `webhook_…`
---@field url string to which its events are sent
---@field events string[] its event types
---@field createdAt string such as 2019-06-24T11:45:01+00:00
---@field signatureSecret? string `sig_sec_…`; missing in accounts that are older than signatures

---@class apivideo.WebhookPage
---@field data apivideo.Webhook[]
---@field pagination apivideo.Pagination

---@class apivideo.WebhookQuery
---@field events? string one event type
---@field currentPage? integer from 1; not for `each` and `all`
---@field pageSize? integer 1 to 100, 25 by default in `list`

---@class apivideo.Webhooks
---@field get fun(self, webhookId: string, options?: apivideo.CallOptions): apivideo.Webhook|nil, apivideo.Error?, apivideo.Response? one webhook; errors: those of every call, `not_found` when it does not exist
---@field list fun(self, query?: apivideo.WebhookQuery, options?: apivideo.CallOptions): apivideo.WebhookPage|nil, apivideo.Error?, apivideo.Response? one page; errors: those of every call
---@field pages fun(self, query?: apivideo.WebhookQuery, options?: apivideo.CallOptions): fun(): apivideo.WebhookPage|nil, apivideo.Response? an iterator over the pages; raises the errors of every call, as error objects
---@field each fun(self, query?: apivideo.WebhookQuery, options?: apivideo.CallOptions): fun(): apivideo.Webhook|nil an iterator over all items; raises the errors of every call, as error objects
---@field all fun(self, query?: apivideo.WebhookQuery, options?: apivideo.AllOptions): apivideo.Webhook[]|nil, apivideo.Error? all items, or at most `limit`, as a list; errors: those of every call
local Webhooks = collection.class {
  name = "webhooks", path = "/webhooks", id_field = "webhookId", id_prefix = "webhook_",
  filters = { events = "string?" }, getters = { get = "" },
}

--- Makes the account's webhooks match a list: creates the missing webhooks, then deletes those that they replace.
--- Webhooks cannot be changed, so changing the events of a url replaces its webhook. The call is idempotent: the next
--- run completes an interrupted one. Of equal webhooks the newest one stays. Urls are compared in their normal form.
---@param webhooks { url: string, events: string[] }[]
---@param options? apivideo.SyncOptions
---@return apivideo.SyncPlan|nil plan what was done; with dry_run, what would be done
---@return apivideo.Error? err those of every call, `unexpected_response` when api.video creates another webhook than the
---  wanted one; `err.plan`, once it exists, contains what was planned, and in `created` what was done
function Webhooks:sync(webhooks, options)
  checks.self(self, Webhooks, "webhooks", "sync")
  options = sync.check(webhooks, options, 3)
  for _, item in ipairs(options.allow_private and {} or webhooks) do
    private_url.check("webhooks:sync", item.url, self._client.base_url, 3)
  end
  return sync.run(self, webhooks, options)
end

--- Replaces a webhook by an equal one, which has another secret (and another id): creates it, waits while both deliver,
--- checks that it still exists, and deletes the old one. During the overlap both deliver each event, with the same
--- `delivery.key`.
---@param webhookId string
---@param options? apivideo.RotateOptions
---@return apivideo.Webhook|nil new
---@return apivideo.Error? err those of every call, `conflict` when the new webhook was deleted during the overlap, or is not
---  newer than the old one; `err.webhook` is the new webhook, if both exist
function Webhooks:rotate(webhookId, options)
  checks.self(self, Webhooks, "webhooks", "rotate")
  options = call_options.check("webhooks:rotate", options, rotate.KINDS)
  local ok, err = objects.check_id("webhooks:rotate", "webhookId", webhookId, "webhook_")
  if not ok then return nil, err end
  return rotate.run(self, webhookId, options)
end

-- Creates a webhook, and excludes its id before another call can search for its own webhook.
local function create(self, wanted, limits)
  local arguments, began = call_options.only(limits), runtime.monotonic()
  arguments.body = { url = wanted.url, events = wanted.events }
  local created, err, response = self._client:request("POST", "/webhooks", arguments, function(seconds)
    return self._recovery:find(self, wanted, began, limits, seconds)
  end)
  if not created then return nil, err end
  if created == true or type(created.webhookId) ~= "string" then
    return nil, objects.unexpected(self._client, "POST", "/webhooks", "the response has no webhookId", response)
  end
  self._recovery:exclude(created.webhookId)
  return created, nil, response
end

--- Creates a webhook. Equal webhooks may be created: each call creates another one. When the response is lost, the call
--- searches the account for the webhook before it retries.
--- An account can have only a few webhooks; more are rejected with `invalid_request`, 400.
---@param webhook { url: string, events: string[] }
---@param options? apivideo.WebhookCreateOptions
---@return apivideo.Webhook|nil webhook with its id and signatureSecret
---@return apivideo.Error? err those of every call; `err.in_doubt` when it is unknown whether the webhook was created
---@return apivideo.Response? response not after an error
function Webhooks:create(webhook, options)
  checks.self(self, Webhooks, "webhooks", "create")
  definition.check("webhooks:create", webhook, 3)
  local limits, key = call_options.check("webhooks:create", options, private_url.KINDS), definition.key(webhook)
  if not limits.allow_private then private_url.check("webhooks:create", webhook.url, self._client.base_url, 3) end
  definition.warn_of_unknown("webhooks:create", webhook)
  local creation, late = self._recovery:begin(key,
    limits.total_timeout or self._client._account().limits.total_timeout, limits.cancel)
  if not creation then return nil, late end
  local ok, created, err, response = protected.call(create, self, webhook, limits)
  self._recovery:finish(key, creation)
  if not ok then error(created, 0) end
  if not created then return nil, err end
  return created, nil, response
end

--- Deletes a webhook permanently.
---@param webhookId string
---@param options? apivideo.CallOptions
---@return true|nil done
---@return apivideo.Error? err those of every call, `not_found` when the webhook does not exist
---@return apivideo.Response? response not after an error
function Webhooks:delete(webhookId, options)
  checks.self(self, Webhooks, "webhooks", "delete")
  local limits = call_options.check("webhooks:delete", options)
  local ok, err = objects.check_id("webhooks:delete", "webhookId", webhookId, "webhook_")
  if not ok then return nil, err end
  return self._client:request("DELETE", "/webhooks/" .. webhookId, limits)
end

-- A delivery waits for the secret, and api.video abandons a delivery after about ten seconds.
local SECRET_LIMITS = { total_timeout = 5 }

--- The secrets of the account's webhooks, for a receiver: each is requested when a delivery needs it, and cached.
---@param options? apivideo.SecretsOptions
---@return apivideo.Secrets
function Webhooks:secret_source(options)
  checks.self(self, Webhooks, "webhooks", "secret_source")
  local source = secrets.new(function(webhookId)
    return self:get(webhookId, SECRET_LIMITS)
  end, options, self._client._account().name)
  return source
end

secrets.method = Webhooks.secret_source

return {
  ---@param client apivideo.Client
  ---@return apivideo.Webhooks
  new = function(client) return setmetatable({ _client = client, _recovery = recovery.new() }, Webhooks) end,
}
