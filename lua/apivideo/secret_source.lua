--- What a receiver is given as its secrets, in one form: `known(id)` is a secret, or a list of them,
--- that is at hand; `ask(id)` may wait, and returns that, or nothing, or nil and an error.

local errors = require "apivideo.error"
local protected = require "apivideo.pcall"
local secrets = require "apivideo.secrets"
local signature = require("apivideo.core").signature

---@class apivideo.SecretSource
---@field known fun(webhookId: string?): string|string[]|nil
---@field ask fun(webhookId: string?): string|string[]|nil, apivideo.Error?

local ORIGIN = { origin = "secrets" } -- of errors

local function nothing() return nil end

-- Whether it is a secret or a list of them: better asked now than with the first delivery.
local function is_secret(value)
  return (pcall(signature.verify, "", ("0"):rep(64), value))
end

-- What is wrong with secrets that are no function and no object, or nil.
local function problem_of(given)
  if type(given) == "string" or #given > 0 then
    return not is_secret(given) and "must hold signatureSecret strings, none of them empty" or nil
  end
  if next(given) == nil then return "is empty" end
  for id, value in pairs(given) do
    if not secrets.is_webhook_id(id) then
      return "must be client.webhooks:secrets(), a secret, a list of secrets, or a table of them by"
        .. " webhook id; one of its keys is no webhook's id" -- and may be a secret, so it is not shown
    elseif not is_secret(value) then
      return "must hold signatureSecret strings, none of them empty"
    end
  end
end

-- A function of the application's, whose failure is a question that failed.
local function guarded(ask)
  return function(id)
    local ok, secret, err = protected.call(ask, id)
    if ok then return secret, err end
    return nil, errors.new("network", "the function of the secrets failed: " .. tostring(secret), ORIGIN)
  end
end

--- Makes a source of the option `secrets` of a receiver. Raises at the caller's caller for what is none.
---@param given any
---@return apivideo.SecretSource
return function(given)
  if type(given) == "function" then
    return { known = nothing, ask = guarded(given) }
  elseif type(given) == "table" and type(given.resolve) == "function" and type(given.known) == "function" then
    return {
      known = function(id) return given:known(id) end,
      ask = function(id) return given:resolve(id) end,
    }
  end
  local problem = problem_of(given)
  if problem then error("receiver: option \"secrets\" " .. problem, 3) end
  if type(given) == "string" or #given > 0 then
    return { known = function() return given end, ask = nothing }
  end
  return { known = function(id) return id and given[id] end, ask = nothing }
end
