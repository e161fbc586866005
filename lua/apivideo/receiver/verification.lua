--- The signature of a delivery.

local errors = require "apivideo.error"
local excerpt = require "apivideo.util.excerpt"
local headers = require "apivideo.util.headers"
local mismatch = require "apivideo.receiver.mismatch"
local secrets = require "apivideo.resources.webhooks.secrets"
local signature = require("apivideo.core").signature

local HEX_64 = "^" .. ("%x"):rep(64) .. "$"
local ID_HEADER = "x-api-video-webhookid"

local verification = {}

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
  return nil, ("the %s header is not a webhook's id (%s)"):format(ID_HEADER, excerpt(id))
end

local function bad_signature(reason, webhook_id, cause)
  if webhook_id then reason = reason .. " (" .. webhook_id .. ")" end
  if cause then reason = reason .. "; " .. cause end
  return errors.new("bad_signature", reason)
end

-- The secret, or a list of secrets, to check a signature with; or nil, an error and a status.
local function secret_for(source, webhook_id, id_problem, hex)
  local secret = source.cached(webhook_id)
  if secret then return secret end
  -- Before the secret is requested: otherwise any sender could cause requests.
  if not hex:find(HEX_64) then return nil, bad_signature("signature malformed", webhook_id or id_problem), 401 end
  local requested, err = source.resolve(webhook_id)
  if requested then return requested end
  if err then return nil, err, 503 end
  return nil, bad_signature(id_problem or "no secret is known for this webhook", webhook_id), 401
end

--- Checks the signature of a delivery.
---@param source apivideo.SecretSource
---@param list table<string, string|string[]> the headers
---@param raw string
---@param webhook_id string?
---@param id_problem string? why `webhook_id` is nil
---@return true? is_valid
---@return apivideo.Error? err
---@return integer? status for the response to a rejection
function verification.check(source, list, raw, webhook_id, id_problem)
  local hex, problem = single(list, "x-api-video-signature")
  if not hex then return nil, bad_signature(problem, webhook_id), 401 end
  local secret, err, status = secret_for(source, webhook_id, id_problem, hex)
  if not secret then return nil, err, status end
  local is_valid, reason = signature.verify(raw, hex, secret)
  if is_valid then return true end
  local cause = reason == "mismatch" and mismatch.cause(raw, secret) or nil
  return nil, bad_signature("signature " .. reason, webhook_id or id_problem, cause), 401
end

return verification
