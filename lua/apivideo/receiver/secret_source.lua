--- The option `secrets` of a receiver, or the argument of construct_event, in one form: `cached(id)` returns a secret,
--- or a list of secrets, without waiting; `resolve(id)` may wait, and returns the same, or nothing, or nil and an error.

local checks = require "apivideo.util.checks"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local host = require "apivideo.runtime.host"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local signature = require("apivideo.core").signature
local webhook_secrets = require "apivideo.resources.webhooks.secrets"
local whitespace = require "apivideo.util.whitespace"

---@class apivideo.SecretSource
---@field cached fun(webhookId: string?): string|string[]|nil
---@field resolve fun(webhookId: string?): string|string[]|nil, apivideo.Error?

---@alias apivideo.SecretsForm
---| apivideo.Secrets                 `client.webhooks:secret_source()`
---| string                           one secret
---| string[]                         several: the signature must be valid for one of them
---| table<string, string|string[]>   by webhook id
---| fun(webhookId: string?): string|string[]|nil, apivideo.Error?

local ORIGIN = { origin = "secrets" } -- of errors
local SCOPE_BYTES = 16

local function nothing() return nil end

-- Whether a value is a secret or a list of secrets.
local function is_secret(value)
  if type(value) ~= "table" then return type(value) == "string" and value ~= "" end
  return (pcall(signature.verify, "", ("0"):rep(64), value))
end

-- Whether secrets are those of an account, or an object with the same functions.
local function is_object(secrets)
  return type(secrets) == "table" and type(secrets.resolve) == "function" and type(secrets.known) == "function"
end

-- What is wrong with a secret, or a list of secrets; or nil.
local function secret_problem(value)
  if not is_secret(value) then return "must have signatureSecret strings, none of them empty" end
  for _, secret in ipairs(type(value) == "table" and value or { value }) do
    local problem = whitespace.problem(secret)
    if problem then return problem end
  end
  return nil
end

-- The index of the first element that a list lacks; nil if it lacks none, and for a table with other keys.
local function missing_index(items)
  local count = 0
  for key in pairs(items) do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then return nil end
    count = count + 1
  end
  for i = 1, count do
    if items[i] == nil then return i end
  end
  return nil
end

-- What is wrong with secrets that are neither a function nor an object; or nil.
local function problem_of(secrets)
  if type(secrets) == "string" then return secret_problem(secrets) end
  local index = missing_index(secrets)
  if index then
    return ("has nil as element %d: is an environment variable not set?%s"):format(index,
      host.variable_hint "WEBHOOK_SECRET")
  end
  if #secrets > 0 then
    return checks.is_list(secrets) and secret_problem(secrets)
      or not checks.is_list(secrets) and "must be a list of secrets, or a table of them by webhook id, not both"
  end
  if next(secrets) == nil then return "is empty" end
  for id, value in pairs(secrets) do
    if not webhook_secrets.is_webhook_id(id) then
      return "must be client.webhooks:secret_source(), a secret, a list of secrets, or a table of them by"
        .. " webhook id; one of its keys is not a webhook's id" -- it may be a secret, so it is not shown
    end
    local problem = secret_problem(value)
    if problem then return problem end
  end
  return nil
end

-- A description of a value that is not a secret.
local function name_of(value)
  if value == "" then return "an empty string" end
  return type(value) == "table" and "a table that is not a list of secrets" or "a " .. type(value)
end

local function failed(text)
  return nil, errors.new("store_unavailable", "the secrets function " .. text, ORIGIN)
end

local function call(fn, id)
  local ok, secret, err = protected.call(fn, id)
  return ok, secret, err
end

runtime.forbid_exit(call, "the secrets function")

-- Wraps the application's function. Whatever it raises, and whatever it returns that is not a secret, is an error: the
-- response is 503, and api.video retries the delivery.
local function guarded(fn)
  return function(id)
    local ok, secret, err = call(fn, id)
    if not ok then return failed("failed: " .. failure.message(secret)) end
    if secret and is_secret(secret) then return secret end
    if secret then return failed("returned " .. name_of(secret) .. ", not a secret") end
    if err == nil or errors.is(err) then return nil, err end
    return failed("returned an error: " .. failure.message(err))
  end
end

-- The secrets of a table, or of a string, in one list.
local function list_of(secrets, list)
  if type(secrets) == "string" then
    list[#list + 1] = secrets
  else
    for _, value in pairs(secrets) do list_of(value, list) end
  end
  return list
end

local secret_source = {}

--- A name for what the secrets belong to, which does not reveal them: the account, or the secrets themselves. It is ""
--- for a function, which has only the secrets that it is asked for.
---@param secrets? apivideo.SecretsForm valid
---@return string
function secret_source.scope(secrets)
  if secrets == nil or type(secrets) == "function" then return "" end
  if is_object(secrets) then return secrets._account and secrets:_account() or "" end
  local list = list_of(secrets, {})
  table.sort(list)
  return signature.sign(table.concat(list, "\0"), "scope"):sub(1, SCOPE_BYTES)
end

--- Creates the source of secrets in any form.
---@param where string the option or the argument, for the message
---@param secrets apivideo.SecretsForm
---@param level integer at which invalid secrets raise, as seen from here
---@return apivideo.SecretSource
function secret_source.new(where, secrets, level)
  if type(secrets) == "function" then
    if secrets == webhook_secrets.method then
      error(where .. " is the method secret_source itself; call it: client.webhooks:secret_source()", level)
    end
    return { cached = nothing, resolve = guarded(secrets) }
  elseif is_object(secrets) then
    return {
      cached = function(id) return secrets:known(id) end,
      resolve = function(id) return secrets:resolve(id) end,
    }
  end
  local problem = problem_of(secrets)
  if problem then error(where .. " " .. problem, level) end
  if type(secrets) == "string" or #secrets > 0 then
    return { cached = function() return secrets end, resolve = nothing }
  end
  return { cached = function(id) return id and secrets[id] end, resolve = nothing }
end

return secret_source
