--- The signature of a delivery.

local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local mismatch = require "apivideo.receiver.mismatch"
local secrets = require "apivideo.resources.webhooks.secrets"
local signature = require("apivideo.core").signature

local HEX_64 = "^" .. ("%x"):rep(64) .. "$"
local ID_HEADER = "x-api-video-webhookid"
local SHOWN_MAX_BYTES = 80

local verification = {}

--- The beginning of a sender's text, for the log.
---@param text string
---@return string
function verification.shown(text)
  return #text <= SHOWN_MAX_BYTES and text or text:sub(1, SHOWN_MAX_BYTES) .. "…"
end

-- The only value of a header; or nil and why not: it is missing, repeated or not text.
local function single(list, name)
  local value, count = headers.get(list, name)
  if count == 1 and type(value) == "string" then return value end
  if count > 1 then return nil, "more than one " .. name .. " header" end
  return nil, (count == 1 and "no value in the " or "no ") .. name .. " header"
end

--- The id of the webhook that the sender names, if it has the form of an id.
---@param list table<string, string|string[]>
---@return string? webhook_id
---@return string? problem why it is missing
function verification.webhook_id(list)
  local id, problem = single(list, ID_HEADER)
  if not id then return nil, problem end
  if secrets.is_webhook_id(id) then return id end
  return nil, ("the %s header is not a webhook's id (%s)"):format(ID_HEADER, verification.shown(id))
end

local function bad_signature(reason, webhook_id, cause)
  if webhook_id then reason = reason .. " (" .. webhook_id .. ")" end
  if cause then reason = reason .. "; " .. cause end
  return errors.new("bad_signature", reason)
end

-- The secret, or a list of secrets, to check a signature with; nil if the webhook is unknown; or nil, a status and an
-- error.
local function secret_for(source, webhook_id, id_problem, hex)
  local secret = source.cached(webhook_id)
  if secret then return secret end
  -- Before the secret is requested: otherwise any sender could cause requests.
  if not hex:find(HEX_64) then return nil, 401, bad_signature("signature malformed", webhook_id or id_problem) end
  local requested, err = source.resolve(webhook_id)
  return requested, err and 503, err
end

--- Checks the signature of a delivery.
---@param source apivideo.SecretSource
---@param list table<string, string|string[]> the headers
---@param raw string
---@param webhook_id string?
---@param id_problem string? why `webhook_id` is nil
---@return integer? status nil when the signature is valid
---@return apivideo.Error? err
function verification.check(source, list, raw, webhook_id, id_problem)
  local hex, problem = single(list, "x-api-video-signature")
  if not hex then return 401, bad_signature(problem, webhook_id) end
  local secret, status, err = secret_for(source, webhook_id, id_problem, hex)
  if status then return status, err end
  if not secret then
    return 401, bad_signature(id_problem or "no secret is known for this webhook", webhook_id)
  end
  local is_valid, reason = signature.verify(raw, hex, secret)
  if is_valid then return nil end
  local cause = reason == "mismatch" and mismatch.cause(raw, secret) or nil
  return 401, bad_signature("signature " .. reason, webhook_id or id_problem, cause)
end

return verification
