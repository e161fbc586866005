--- A new signature secret for a webhook, without a lost delivery.

local call_options = require "apivideo.transport.call_options"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local http_date = require "apivideo.util.http_date"
local protected = require "apivideo.util.pcall"
local resource = require "apivideo.resources.collection"
local runtime = require "apivideo.runtime"
local webhook = require "apivideo.resources.webhooks.definition"

local LONGEST_SKEW = 5 -- seconds by which api.video's clocks may differ before a wait for them is pointless

local known = { overlap = "number?", on_created = "function?" }

---@class apivideo.RotateOptions: apivideo.CallOptions
---@field overlap? number seconds for which both webhooks deliver, default 15
---@field on_created? fun(new: apivideo.Webhook, old: apivideo.Webhook) called once the new one is there: a receiver with secrets of its own has to be told now

-- Waits; nil and an error when the rotation is cancelled meanwhile.
local function wait(given, seconds, state)
  if not given.cancel then
    runtime.sleep(seconds)
    return true
  elseif not given.cancel.latch:wait(seconds) then
    return true
  end
  return nil, errors.new("cancelled", "the rotation was cancelled: " .. state, { origin = "webhooks" })
end

-- Calls the application's `on_created`; nil and an error when it fails: the old webhook must stay then.
local function notify(given, new, old)
  if not given.on_created then return true end
  local ok, problem = protected.call(given.on_created, new, old)
  if ok then return true end
  return nil, errors.new("cancelled",
    "on_created failed, so that both webhooks are there: " .. failure.message(problem), { origin = "webhooks" })
end

-- The webhook to replace; nil and an error when it does not exist or cannot be created again.
local function get(webhooks, webhookId, limits)
  local old, err, response = webhooks:get(webhookId, limits)
  if not old then return nil, err end
  if not (type(old.url) == "string" and type(old.events) == "table" and not webhook.problem(old)) then
    return nil, resource.unexpected(webhooks.client, "GET", "/webhooks/" .. webhookId,
      "the webhook has no url or no events", response)
  end
  return old, nil, response
end

local function conflict(message, method, webhooks, webhookId)
  return errors.new("conflict", message,
    {
      origin = "webhooks",
      request = { method = method, url = webhooks.client.base_url .. "/webhooks" .. (webhookId or "") },
    })
end

-- Waits until api.video's clock has left the second in which the old webhook was created: only a webhook with a
-- later `createdAt` is newer for every client.
local function wait_for_next_second(given, old, response)
  local created = webhook.created_at(old)
  local now = http_date.of_response(response)
  local seconds = created and now and created + 1 - now or 0
  if seconds <= 0 or seconds > LONGEST_SKEW then return true end
  return wait(given, seconds, "nothing was changed")
end

-- Creates the webhook that replaces the old one. Unless it is the newer one, another client's `sync` may delete it
-- in favour of the old one, at the moment in which the old one is deleted here.
local function create(webhooks, old, limits)
  webhooks.made[old.webhookId] = runtime.monotonic() -- so that it is not taken for the new one, if the response is lost
  local new, err, response = webhook.create(webhooks, old, limits)
  if not new then return nil, err end
  if new.webhookId == old.webhookId then
    return nil, resource.unexpected(webhooks.client, "POST", "/webhooks", "the new webhook has the id of the old one",
      response)
  elseif webhook.is_newer(new, old) == false then
    local deletion, left = webhook.delete_again(webhooks, new, limits)
    err = conflict(("the new webhook %s is no newer than the old one (createdAt %s and %s), and %s; rotate again later")
      :format(new.webhookId, new.createdAt, old.createdAt, deletion), "POST", webhooks)
    return nil, errors.attach(err, "webhook", left)
  end
  return new
end

-- Deletes the old webhook, if the new one is still there: another client may have deleted it in the overlap.
local function delete(webhooks, old, new, limits)
  local found, err = webhooks:get(new.webhookId, limits)
  if not found and err.kind == "not_found" then
    return nil, conflict("another client deleted the new webhook, so that the old one stays", "GET", webhooks,
      "/" .. new.webhookId)
  elseif not found then
    return nil, errors.attach(err, "webhook", new)
  end
  local ok
  ok, err = webhooks:delete(old.webhookId, limits)
  if ok or err.kind == "not_found" then return new end
  return nil, errors.attach(err, "webhook", new)
end

--- Replaces a webhook by an equal one, which has another secret (and another id): creates it, waits
--- while both deliver, looks whether it is still there, and deletes the old one. Meanwhile each event comes by
--- both, with one `delivery.key`.
---@param webhooks apivideo.Webhooks
---@param webhookId string
---@param given? apivideo.RotateOptions
---@return apivideo.Webhook|nil new
---@return apivideo.Error? err `conflict` when the new webhook was deleted meanwhile, or is no newer than the old one;
---  `err.webhook` is the new webhook, if it exists beside the old one
local function rotate(webhooks, webhookId, given)
  resource.client_of(webhooks, "webhooks:rotate")
  given = call_options.check("webhooks:rotate", given, known)
  webhook.check_overlap("webhooks:rotate", given.overlap, 3)
  local limits = call_options.only(given)
  local ok, err, old, new, response
  ok, err = resource.check_id("webhooks:rotate", "webhookId", webhookId, "webhook_")
  if not ok then return nil, err end
  old, err, response = get(webhooks, webhookId, limits)
  if not old then return nil, err end
  ok, err = wait_for_next_second(given, old, response)
  if not ok then return nil, err end
  new, err = create(webhooks, old, limits)
  if not new then return nil, err end
  ok, err = notify(given, new, old)
  if ok then ok, err = wait(given, given.overlap or webhook.OVERLAP, "both webhooks are there") end
  if not ok then return nil, errors.attach(err, "webhook", new) end
  return delete(webhooks, old, new, limits)
end

return rotate
