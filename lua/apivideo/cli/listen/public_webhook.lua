--- The webhook of `apivideo listen --public-url`: found or created at the start, and deleted at the end.

local definition = require "apivideo.resources.webhooks.definition"
local output = require "apivideo.cli.output"
local private_url = require "apivideo.resources.webhooks.private_url"
local records = require "apivideo.cli.listen.records"

local MAX_WEBHOOKS = 10 -- of an account
-- Not longer: Ctrl-C waits for the call.
local LIMITS = { total_timeout = 15 }

---@class apivideo.cli.listen.PublicWebhook
---@field webhookId string
---@field url string
---@field events string[]
---@field secret? string
---@field is_own boolean whether it is deleted at the end

local public_webhook = {}

-- Deletes a webhook and its record.
local function delete(client, webhookId)
  local ok, err = client.webhooks:delete(webhookId, LIMITS)
  if not ok and err.kind ~= "not_found" then return nil, err end
  records.remove(webhookId)
  return true
end

--- Deletes the webhooks of processes that were killed, except one that can be used again.
---@param client apivideo.Client
---@param list apivideo.Webhook[] of the account
---@param wanted? { url: string, events: string[] }
---@return apivideo.Webhook[] remaining
---@return apivideo.Webhook? claimed the one that can be used again
function public_webhook.delete_left(client, list, wanted)
  local remaining, claimed = {}, nil
  for _, webhook in ipairs(list) do
    if not records.claim(webhook.webhookId, client.base_url) then
      remaining[#remaining + 1] = webhook
    elseif not claimed and wanted and definition.equal(webhook, wanted) then
      claimed = webhook
    else
      local ok, err = delete(client, webhook.webhookId)
      if ok then
        output.warn(("deleted %s, which an apivideo listen that was killed had left"):format(webhook.webhookId))
      else
        output.warn(("cannot delete %s, which an apivideo listen that was killed had left: %s"):format(
          webhook.webhookId, tostring(err)))
        remaining[#remaining + 1] = webhook
      end
    end
  end
  return remaining, claimed
end

-- An equal webhook of another process or of the account's owner, or nil.
local function find(list, wanted)
  for _, webhook in ipairs(list) do
    if definition.equal(webhook, wanted) then return webhook end
  end
end

-- Records a webhook, so that it is deleted even if this process is killed.
local function keep_record(client, webhook)
  local ok, problem = records.write(webhook.webhookId, client.base_url)
  if ok then return end
  output.warn(("cannot record that %s must be deleted, should this process be killed: %s"):format(
    webhook.webhookId, problem))
end

local function creation_problem(err, count)
  if err.status ~= 400 or count < MAX_WEBHOOKS then return tostring(err) end
  return ("%s; the account has %d webhooks: delete one that is not needed (apivideo webhooks list, apivideo webhooks"
    .. " delete ID)"):format(tostring(err), count)
end

-- What is wrong with the URL; otherwise nil.
local function url_problem(client, url)
  local kind, host = private_url.kind(url)
  if not kind or private_url.kind(client.base_url) then return nil end
  return ("--public-url: api.video cannot reach %s, %s; use the URL of a tunnel to this machine, or auto"):format(
    host, kind)
end

local function opened(webhook, wanted, is_own)
  return { webhookId = webhook.webhookId, url = wanted.url, events = wanted.events, secret = webhook.signatureSecret,
    is_own = is_own }
end

--- Creates the webhook.
---@param client apivideo.Client
---@param wanted { url: string, events: string[] }
---@param count integer how many the account has
---@return apivideo.cli.listen.PublicWebhook|nil
---@return string? problem
function public_webhook.create(client, wanted, count)
  local webhook, err = client.webhooks:create(wanted, LIMITS)
  if not webhook then return nil, creation_problem(err, count) end
  return opened(webhook, wanted, true)
end

--- Finds or creates the webhook, after having deleted those that processes have left.
---@param client apivideo.Client
---@param list apivideo.Webhook[] of the account
---@param wanted { url: string, events: string[] }
---@return apivideo.cli.listen.PublicWebhook|nil
---@return string? problem
function public_webhook.open(client, list, wanted)
  local problem = url_problem(client, wanted.url)
  if problem then return nil, problem end
  local remaining, claimed = public_webhook.delete_left(client, list, wanted)
  if claimed then return opened(claimed, wanted, true) end
  local found = find(remaining, wanted)
  if found then return opened(found, wanted, false) end
  local created, failure = public_webhook.create(client, wanted, #remaining)
  if created then keep_record(client, created) end
  return created, failure
end

--- Deletes it, if it is one of this process.
---@param client apivideo.Client
---@param webhook apivideo.cli.listen.PublicWebhook
---@return boolean|nil done
---@return string? problem
function public_webhook.close(client, webhook)
  if not webhook.is_own then return true end
  local ok, err = delete(client, webhook.webhookId)
  if ok then return true end
  return nil, ("cannot delete %s: %s; the next apivideo listen of this account deletes it"):format(webhook.webhookId,
    tostring(err))
end

return public_webhook
