--- Replaces a webhook by one with another signature secret, without losing a delivery.

local call_options = require "apivideo.transport.call_options"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local http_date = require "apivideo.util.http_date"
local objects = require "apivideo.resources.objects"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local webhook = require "apivideo.resources.webhooks.definition"

local MAX_CLOCK_SKEW_S = 5 -- between api.video's clocks; with more, waiting for the next second is useless

local rotate = {}

--- The options beside those of a call.
rotate.KINDS = { overlap = webhook.OVERLAP_KIND, on_created = "function?" }

---@class apivideo.RotateOptions: apivideo.CallOptions
---@field overlap? number seconds for which both webhooks deliver, default 15
---@field on_created? fun(new: apivideo.Webhook, old: apivideo.Webhook) called when the new webhook exists: a receiver that does not request secrets from api.video must get the new one now

-- Waits; nil and an error when the rotation is cancelled during the wait.
local function wait(options, seconds, state)
  if not options.cancel then
    runtime.sleep(seconds)
    return true
  elseif not options.cancel.latch:wait(seconds) then
    return true
  end
  return nil, errors.new("cancelled", "the rotation was cancelled: " .. state, { origin = "webhooks" })
end

-- Calls the application's `on_created`; nil and an error when that fails: then the old webhook must stay.
local function notify(options, new, old)
  if not options.on_created then return true end
  local ok, problem = protected.call(options.on_created, new, old)
  if ok then return true end
  return nil, errors.new("cancelled",
    "on_created failed, so both webhooks exist: " .. failure.message(problem), { origin = "webhooks" })
end

-- The webhook to replace; nil and an error when it does not exist, or lacks what is needed to create it again.
local function get(webhooks, webhookId, limits)
  local old, err, response = webhooks:get(webhookId, limits)
  if not old then return nil, err end
  if not (type(old.url) == "string" and type(old.events) == "table" and not webhook.problem(old)) then
    return nil, objects.unexpected(webhooks._client, "GET", "/webhooks/" .. webhookId,
      "the webhook has no url or no events", response)
  end
  return old, nil, response
end

local function conflict(message, method, webhooks, webhookId)
  return errors.new("conflict", message,
    {
      origin = "webhooks",
      request = { method = method, url = webhooks._client.base_url .. "/webhooks" .. (webhookId or "") },
    })
end

-- Waits until api.video's clock has left the second in which the old webhook was created: only a webhook with a
-- later `createdAt` is newer for every client.
local function wait_for_next_second(options, old, response)
  local created = webhook.created_at(old)
  local now = http_date.of_response(response)
  local seconds = created and now and created + 1 - now or 0
  if seconds <= 0 or seconds > MAX_CLOCK_SKEW_S then return true end
  return wait(options, seconds, "nothing was changed")
end

-- Creates the webhook that replaces the old one. Unless it is the newer one, another client's `sync` may delete it
-- in favour of the old one while the old one is deleted here.
local function create(webhooks, old, limits)
  webhooks._recovery:exclude(old.webhookId) -- it must not be found as the new one when the response is lost
  local new, err, response = webhook.create(webhooks, old, limits)
  if not new then return nil, err end
  if new.webhookId == old.webhookId then
    return nil, objects.unexpected(webhooks._client, "POST", "/webhooks", "the new webhook has the id of the old one",
      response)
  elseif webhook.is_newer(new, old) == false then
    local deletion, remaining = webhook.delete_again(webhooks, new, limits)
    err = conflict(("the new webhook %s is not newer than the old one (createdAt %s and %s) and %s; rotate again later")
      :format(new.webhookId, new.createdAt, old.createdAt, deletion), "POST", webhooks)
    return nil, errors.attach(err, "webhook", remaining)
  end
  return new
end

-- Deletes the old webhook, if the new one still exists: another client may have deleted it during the overlap.
local function delete(webhooks, old, new, limits)
  local found, err = webhooks:get(new.webhookId, limits)
  if not found and err.kind == "not_found" then
    return nil, conflict("another client deleted the new webhook, so the old one stays", "GET", webhooks,
      "/" .. new.webhookId)
  elseif not found then
    return nil, errors.attach(err, "webhook", new)
  end
  local ok
  ok, err = webhooks:delete(old.webhookId, limits)
  if ok or err.kind == "not_found" then return new end
  return nil, errors.attach(err, "webhook", new)
end

--- See `webhooks:rotate`.
---@param webhooks apivideo.Webhooks
---@param webhookId string a valid id
---@param options apivideo.RotateOptions valid options
---@return apivideo.Webhook|nil new
---@return apivideo.Error? err
function rotate.run(webhooks, webhookId, options)
  local limits = call_options.only(options)
  local old, err, response = get(webhooks, webhookId, limits)
  if not old then return nil, err end
  local ok, new
  ok, err = wait_for_next_second(options, old, response)
  if not ok then return nil, err end
  new, err = create(webhooks, old, limits)
  if not new then return nil, err end
  ok, err = notify(options, new, old)
  if ok then ok, err = wait(options, options.overlap or webhook.OVERLAP_S, "both webhooks exist") end
  if not ok then return nil, errors.attach(err, "webhook", new) end
  return delete(webhooks, old, new, limits)
end

return rotate
