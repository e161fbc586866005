--- The webhooks of an account. https://docs.api.video/reference/api/Webhooks

local errors = require "apivideo.error"
local options = require "apivideo.options"
local secrets = require "apivideo.secrets"

---@class apivideo.Webhook
---@field webhookId string `webhook_…`
---@field url string where its events are sent
---@field events string[] the types it subscribes to
---@field createdAt string such as 2019-06-24T11:45:01+00:00
---@field signatureSecret? string `sig_sec_…`; accounts from before signatures have none

---@class apivideo.Pagination
---@field currentPage integer
---@field pageSize integer
---@field pagesTotal integer
---@field itemsTotal integer
---@field currentPageItems integer

---@class apivideo.WebhookPage
---@field data apivideo.Webhook[]
---@field pagination apivideo.Pagination

---@class apivideo.Webhooks
local Webhooks = {}
Webhooks.__index = Webhooks

-- nil, err for an id that no webhook can have: it may come from outside, and is never sent.
local function refuse_id(method, id)
  return nil, errors.new("invalid_request",
    "a webhook's id is \"webhook_\" and letters or digits; this one was not sent",
    { attempts = 0, request = { method = method, url = "/webhooks/" .. id } })
end

local function check_id(where, id)
  if type(id) ~= "string" then
    error(("%s: webhookId must be a string, got %s"):format(where, type(id)), 3)
  end
end

local function unexpected(method, path, message)
  return nil, errors.new("unexpected_response", message,
    { attempts = 1, request = { method = method, url = path } })
end

-- A request whose answer is a webhook.
local function webhook_of(self, method, path, arguments)
  local webhook, err = self.client:request(method, path, arguments)
  if not webhook or type(webhook.webhookId) == "string" then return webhook, err end
  return unexpected(method, path, "the answer is no webhook: it has no webhookId")
end

--- Creates a webhook. The same one may be created several times: each call makes another.
--- An account holds a few webhooks only; beyond that: `invalid_request`, 400.
---@param webhook { url: string, events: string[] }
---@return apivideo.Webhook|nil webhook with its id and signatureSecret
---@return apivideo.Error? err
function Webhooks:create(webhook)
  options.check("webhooks:create", webhook, { url = "string", events = "table" })
  if #webhook.events == 0 then
    error("webhooks:create: option \"events\" must list at least one event type", 2)
  end
  for _, name in ipairs(webhook.events) do
    if type(name) ~= "string" then
      error("webhooks:create: option \"events\" must be a list of strings", 2)
    end
  end
  if not webhook.url:find("^[hH][tT][tT][pP][sS]?://[^%s%c]+$") then
    error("webhooks:create: option \"url\" must be an http or https URL", 2)
  end
  return webhook_of(self, "POST", "/webhooks", {
    body = { url = webhook.url, events = webhook.events },
  })
end

local list_options = { events = "string?", currentPage = "number?", pageSize = "number?" }

local function list(self, query)
  local page, err = self.client:request("GET", "/webhooks", { query = query })
  if not page then return nil, err end
  for _, webhook in ipairs(type(page.data) == "table" and page.data or { false }) do
    if type(webhook) ~= "table" then
      return unexpected("GET", "/webhooks", "the answer is no page of webhooks")
    end
  end
  return page
end

--- Lists one page of webhooks.
---@param query? { events?: string, currentPage?: integer, pageSize?: integer } one event type; pages from 1; 1 to 100 on a page, 25 by default
---@return apivideo.WebhookPage|nil page
---@return apivideo.Error? err
function Webhooks:list(query)
  return list(self, options.check("webhooks:list", query or {}, list_options))
end

-- How many items a full page has: what was asked for, unless the server gives fewer.
local function full_size(page, asked)
  local size = type(page.pagination) == "table" and tonumber(page.pagination.pageSize)
  return size and size >= 1 and size < asked and size or asked
end

--- Iterates over all webhooks, page by page as the loop needs them. A failure is raised as an error
--- object, because a loop that ended early would look complete.
---@param query? { events?: string, pageSize?: integer }
---@return fun(): apivideo.Webhook|nil
function Webhooks:each(query)
  options.check("webhooks:each", query or {}, { events = "string?", pageSize = "number?" })
  local asked = query and query.pageSize or 100
  local number, items, position, last = 0, {}, 0, false
  return function()
    while position >= #items do
      if last then return nil end
      number = number + 1
      local page, err = list(self,
        { events = query and query.events, currentPage = number, pageSize = asked })
      if not page then error(err, 0) end
      items, position = page.data, 0
      last = #items < full_size(page, asked)
    end
    position = position + 1
    return items[position]
  end
end

--- Gets one webhook.
---@param webhookId string
---@return apivideo.Webhook|nil webhook
---@return apivideo.Error? err `not_found` when there is none
function Webhooks:get(webhookId)
  check_id("webhooks:get", webhookId)
  if not secrets.is_webhook_id(webhookId) then return refuse_id("GET", webhookId) end
  return webhook_of(self, "GET", "/webhooks/" .. webhookId)
end

--- Deletes a webhook, for good.
---@param webhookId string
---@return true|nil done
---@return apivideo.Error? err `not_found` when there is none
function Webhooks:delete(webhookId)
  check_id("webhooks:delete", webhookId)
  if not secrets.is_webhook_id(webhookId) then return refuse_id("DELETE", webhookId) end
  return self.client:request("DELETE", "/webhooks/" .. webhookId)
end

--- The secrets of the account's webhooks, for a receiver: looked up by id when a delivery needs one,
--- and kept.
---@param given? apivideo.SecretsOptions
---@return apivideo.Secrets
function Webhooks:secrets(given)
  return (secrets.new(function(webhookId) return self:get(webhookId) end, given))
end

return {
  new = function(client)
    return setmetatable({ client = client }, Webhooks)
  end,
}
