--- Recovers a webhook whose POST was processed but whose response was lost: finds it in the account's list. An account
--- may have several equal webhooks, so it is one that is not older than the call, and that no other call of this client
--- has created.

local call_options = require "apivideo.transport.call_options"
local errors = require "apivideo.error"
local http_date = require "apivideo.util.http_date"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local timestamp = require("apivideo.core").timestamp
local webhook = require "apivideo.resources.webhooks.definition"

-- Clocks and `createdAt` have errors of seconds: an id is remembered for longer than the calls in progress need it.
local REMEMBER_S = 10

---@class apivideo.WebhookRecovery
---@field private _created table<string, number> id of a recently created webhook -> monotonic time
---@field private _creations table<string, apivideo.WebhookCreation> definition -> the call that creates it
local Recovery = {}
Recovery.__index = Recovery
Recovery.__name = "apivideo.WebhookRecovery"

---@class apivideo.WebhookCreation a call in progress
---@field latch apivideo.Latch opens at its end
---@field began number monotonic time
---@field deadline number monotonic time

--- Waits until this client creates no equal webhook: each call must find its own webhook when its response is lost. A
--- call that has passed its deadline was abandoned.
---@param key string the webhook's definition
---@param total_timeout number seconds
---@param cancel? apivideo.Cancellation
---@return apivideo.WebhookCreation|nil creation
---@return apivideo.Error? err
function Recovery:begin(key, total_timeout, cancel)
  local creations, now = self._creations, runtime.monotonic()
  local deadline = now + total_timeout
  while creations[key] and now < creations[key].deadline do
    local ok, reason = creations[key].latch:wait(math.max(0, deadline - now), cancel and cancel.latch)
    if not ok then
      return nil, errors.new(reason, "another call creates an equal webhook, and this call waited for it",
        { attempts = 0, origin = "webhooks" })
    end
    now = runtime.monotonic()
  end
  creations[key] = { latch = runtime.latch(), began = now, deadline = deadline }
  return creations[key]
end

--- Ends a creation.
---@param key string
---@param creation apivideo.WebhookCreation
function Recovery:finish(key, creation)
  if self._creations[key] == creation then self._creations[key] = nil end
  creation.latch:open(true)
end

--- Excludes a webhook from those that a call may have created. Ids are forgotten once they are well older than the
--- oldest call in progress.
---@param id string
function Recovery:exclude(id)
  local now = runtime.monotonic()
  local oldest = now
  for _, creation in pairs(self._creations) do
    if now < creation.deadline then oldest = math.min(oldest, creation.began) end
  end
  for other, at in pairs(self._created) do
    if at < oldest - REMEMBER_S then self._created[other] = nil end
  end
  self._created[id] = now
end

-- The time by the server's clock at which the call began, in whole seconds; by this system's clock when the response
-- has no valid date.
local function server_time(response, began)
  local now = http_date.of_response(response) or runtime.now()
  return math.floor(now - (runtime.monotonic() - began)) - 1
end

--- Finds the webhook that a call created, if it created one.
---@param webhooks apivideo.Webhooks
---@param wanted { url: string, events: string[] }
---@param began number the monotonic time at which the call began
---@param options apivideo.CallOptions
---@param seconds number the time limit
---@return apivideo.Webhook|nil webhook
---@return apivideo.Error? err
function Recovery:find(webhooks, wanted, began, options, seconds)
  local deadline, limits = runtime.monotonic() + seconds, call_options.only(options)
  local next_page, since = webhooks:pages({ pageSize = 100 }, limits), nil
  while true do
    limits.total_timeout = math.max(0.001, deadline - runtime.monotonic())
    local ok, page, response = protected.call(next_page)
    if not ok then return nil, page end
    if not page then return nil end
    since = since or server_time(response, began)
    for _, item in ipairs(page.data) do
      local created = timestamp(item.createdAt)
      if created and created >= since and not self._created[item.webhookId] and webhook.equal(item, wanted) then
        return item
      end
    end
  end
end

return {
  ---@return apivideo.WebhookRecovery
  new = function() return setmetatable({ _created = {}, _creations = {} }, Recovery) end,
}
