--- A new signature secret for a webhook, without a delivery lost.

local call_options = require "apivideo.call_options"
local errors = require "apivideo.error"
local protected = require "apivideo.pcall"
local resource = require "apivideo.resource"
local runtime = require "apivideo.runtime"
local webhook = require "apivideo.webhook"

local OVERLAP = 15 -- seconds: longer than api.video goes on trying to deliver an event

local known = { overlap = "number?", on_created = "function?" }

---@class apivideo.RotateOptions: apivideo.CallOptions
---@field overlap? number seconds for which both webhooks live, default 15
---@field on_created? fun(new: apivideo.Webhook, old: apivideo.Webhook) called once the new one is there: a receiver with secrets of its own has to be told now

-- Waits for the time that both live; nil and an error when it is cut short.
local function wait(given)
  local seconds = given.overlap or OVERLAP
  if not given.cancel then
    runtime.sleep(seconds)
    return true
  elseif not given.cancel.latch:wait(seconds) then
    return true
  end
  return nil, errors.new("cancelled", "the rotation was cancelled: both webhooks are there")
end

-- Tells the application of the new webhook; nil and an error when it fails: the old one must stay then.
local function tell(given, new, old)
  if not given.on_created then return true end
  local ok, problem = protected.call(given.on_created, new, old)
  if ok then return true end
  return nil, errors.new("cancelled", "on_created failed, so that both webhooks are there: " .. tostring(problem))
end

-- The webhook to replace; nil and an error when there is none, or none that can be made again.
local function get(webhooks, webhookId, limits)
  local old, err = webhooks:get(webhookId, limits)
  if old and not (type(old.url) == "string" and type(old.events) == "table" and not webhook.problem(old)) then
    return nil, resource.unexpected(webhooks.client, "GET", "/webhooks/" .. webhookId,
      "the webhook has no url or no events")
  end
  return old, err
end

--- Replaces a webhook by an equal one, which has another secret (and another id): creates it, waits
--- while both deliver, deletes the old one. Meanwhile each event comes by both, with one `delivery.key`.
---@param webhooks apivideo.Webhooks
---@param webhookId string
---@param given? apivideo.RotateOptions
---@return apivideo.Webhook|nil new
---@return apivideo.Error? err
---@return apivideo.Webhook? new after an error: the new one, if it was created; the old one is there, too
local function rotate(webhooks, webhookId, given)
  resource.client_of(webhooks, "webhooks:rotate")
  given = call_options.check("webhooks:rotate", given, known)
  if given.overlap and not (given.overlap >= 0 and given.overlap <= 86400) then
    error("webhooks:rotate: option \"overlap\" must be a number of seconds from 0 to 86400", 2)
  end
  local limits = call_options.only(given)
  local ok, err, old, new
  ok, err = resource.check_id("webhooks:rotate", "webhookId", webhookId, "webhook_")
  if not ok then return nil, err end
  old, err = get(webhooks, webhookId, limits)
  if not old then return nil, err end
  webhooks.made[webhookId] = runtime.monotonic() -- so that it is not taken for the new one, if the answer is lost
  new, err = webhooks:create({ url = old.url, events = old.events }, limits)
  if not new then return nil, err end
  ok, err = tell(given, new, old)
  if ok then ok, err = wait(given) end
  if ok then ok, err = webhooks:delete(webhookId, limits) end
  if ok or err.kind == "not_found" then return new end
  return nil, err, new
end

return rotate
