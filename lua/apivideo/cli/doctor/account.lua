--- The checks of the account: its key, the clock of this machine against api.video's, and its webhooks.
---
--- No request is sent to the URLs of webhooks: whether this machine reaches them says nothing about api.video, and a
--- request could be taken for a delivery.

local apivideo = require "apivideo"
local core = require "apivideo.core"
local http_date = require "apivideo.util.http_date"
local missing_key = require("apivideo.cli.account").MISSING
local private_url = require "apivideo.resources.webhooks.private_url"
local settings = require "apivideo.cli.settings"

local LIMITS = { timeout = 10, retries = 0 }
local PAGE_SIZE = 100
local WEBHOOKS_MAX = 10 -- of an account, unless api.video has raised it
local MAX_SKEW_S = 60
local OTHER = { production = "sandbox", sandbox = "production" }

local account = {}

local function list_webhooks(options)
  local client = apivideo.client(options)
  local page, err, response = client.webhooks:list({ pageSize = PAGE_SIZE }, LIMITS)
  return page, err, response or err and err.response, client
end

-- Whether the key is valid in the other environment of api.video. Both hosts are api.video's: the key is sent to no
-- other host, and not if a URL is given.
local function find_environment(options)
  if options.base_url then return nil end
  local other = OTHER[options.environment or "production"]
  local page = list_webhooks { api_key = options.api_key, environment = other, ca_file = options.ca_file }
  return page and other
end

local REMEDIES = {
  tls = "check the certificates; a company's own must be passed with --ca-file",
  network = "check the network and the proxy",
  timeout = "check the network and the proxy",
}

local function report_failure(findings, context, err)
  if err.kind ~= "unauthorized" then
    return findings:fail(tostring(err), REMEDIES[err.kind] or "try again later")
  end
  local environment, other = context.account.environment or "production", find_environment(context.account)
  if other then
    findings:fail(("the key is one of %s, and was used with %s"):format(other, environment),
      ("use --environment %s, or a key of %s"):format(other, environment))
  else
    findings:fail(("%s rejects the key (401)"):format(context.base_url), "copy it from api.video's dashboard again")
  end
end

--- Checks the key, and reads the webhooks for the next checks.
---@param context apivideo.cli.DoctorContext
---@param findings apivideo.cli.Findings
function account.check_key(context, findings)
  if context.profile_problem then return end
  if context.account_problem then return findings:fail(context.account_problem, "correct it, or unset the variable") end
  if not context.account then
    return findings:warn("no API key, so the account is not checked", (missing_key:gsub("^no API key; ", "")))
  end
  local page, err, response, client = list_webhooks(context.account)
  context.base_url, context.response, context.received_at = client.base_url, response, core.now()
  if not page then return report_failure(findings, context, err) end
  context.webhooks = page.data
  findings:ok("the key is valid at " .. client.base_url)
end

--- Compares the clocks. A `Date` has no fractions of a second.
---@param context apivideo.cli.DoctorContext
---@param findings apivideo.cli.Findings
function account.check_clock(context, findings)
  local date = context.response and http_date.of_response(context.response)
  if not date then return end
  local skew = context.received_at - date
  if math.abs(skew) <= MAX_SKEW_S then
    findings:ok "it agrees with that of api.video"
    return
  end
  findings:warn(("it is %.0f s %s that of api.video"):format(math.abs(skew), skew > 0 and "ahead of" or "behind"),
    "synchronize it, for example with: timedatectl set-ntp true")
end

--- Counts the webhooks.
---@param context apivideo.cli.DoctorContext
---@param findings apivideo.cli.Findings
function account.check_webhooks(context, findings)
  if not context.webhooks then return end
  local count = #context.webhooks
  if count == 0 then
    findings:warn("the account has no webhook, so nothing is delivered",
      "create one, for example with: client.webhooks:sync")
  elseif count == WEBHOOKS_MAX then
    findings:warn(("%d of %d: api.video rejects another one"):format(count, WEBHOOKS_MAX),
      "delete those that are not used")
  else
    findings:ok(("%d; an account has at most %d, unless api.video has raised it"):format(count, WEBHOOKS_MAX))
  end
end

--- Checks the URLs of the webhooks.
---@param context apivideo.cli.DoctorContext
---@param findings apivideo.cli.Findings
function account.check_urls(context, findings)
  -- An api.video on a private network, such as a local one, may reach private URLs.
  if not context.webhooks or private_url.kind(context.base_url) then return end
  local good = 0
  for _, webhook in ipairs(context.webhooks) do
    local url = tostring(webhook.url)
    local kind, host = private_url.kind(url)
    if kind then
      findings:fail(("api.video cannot reach %s, %s (%s)"):format(host, kind, webhook.webhookId),
        "create the webhook with a public URL, such as that of a tunnel to this machine")
    elseif url:find "^[Hh][Tt][Tt][Pp]:" then
      findings:warn(("the deliveries to %s are not encrypted (%s)"):format(host, webhook.webhookId),
        "create the webhook with an https URL")
    else
      good = good + 1
    end
  end
  if good > 0 then findings:ok(("%d public, with https; no request was sent to them"):format(good)) end
end

local function check_own_secret(context, findings, secret)
  for _, webhook in ipairs(context.webhooks) do
    if webhook.signatureSecret == secret then
      return findings:ok("the webhook secret of the settings is that of " .. webhook.webhookId)
    end
  end
  findings:fail("the webhook secret of the settings (APIVIDEO_WEBHOOK_SECRET, or config.lua) is that of no webhook of"
    .. " the account", "set it to the signatureSecret of the webhook, or unset it and use an API key")
end

--- Checks the secrets of the webhooks.
---@param context apivideo.cli.DoctorContext
---@param findings apivideo.cli.Findings
function account.check_secrets(context, findings)
  if context.profile_problem then return end
  local secret, problem = settings.webhook_secret(context.arguments)
  if problem then return findings:fail(problem, "correct it, or unset the variable") end
  if not context.webhooks or #context.webhooks == 0 then return end
  local unsigned = 0
  for _, webhook in ipairs(context.webhooks) do
    if not webhook.signatureSecret then
      unsigned = unsigned + 1
      findings:warn(("%s has no signatureSecret, so its deliveries cannot be verified"):format(webhook.webhookId),
        "create it again; if it still has none, ask api.video's support")
    end
  end
  if secret then check_own_secret(context, findings, secret) end
  if unsigned == 0 then findings:ok "each webhook has one" end
end

return account
