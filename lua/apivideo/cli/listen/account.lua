--- The account of `apivideo listen`, and the secrets that signatures are verified with.

local apivideo = require "apivideo"
local emulate = require "apivideo.cli.emulate"
local emulator = require "apivideo.emulator"
local secrets = require "apivideo.cli.secrets"
local settings = require "apivideo.cli.settings"

local MISSING = "no secret to verify signatures with; use --secret, --secret-file, --api-key, --emulate or"
  .. " --unsigned"
local NO_KEY = "--public-url needs an API key; use --api-key, or set APIVIDEO_API_KEY"

local CHECK_TIMEOUT_S = 15

local account = {}

-- A client, unless signatures are verified without one. `secrets` is a list then.
local function client_of(arguments)
  if not arguments.api_key and not arguments.public_url then
    local list, problem = secrets.of(arguments)
    if problem or #list > 0 then return nil, problem, list end
  end
  local self, problem = settings.account(arguments)
  if not self then return nil, problem or arguments.public_url and NO_KEY or MISSING end
  return apivideo.client(self)
end

-- What verifies deliveries: the secret of the own webhook is known; those of others are requested.
local function source_of(session)
  local source = session.client.webhooks:secret_source()
  return function(webhookId)
    local own = session.webhook
    if own and own.secret and own.webhookId == webhookId then return own.secret end
    return source:resolve(webhookId)
  end
end

-- Starts a local api.video, whose client it sets.
local function start_emulator(session)
  local self, err = emulator.start { api_key = emulate.LOCAL_KEY }
  if not self then return 1, err end
  session.emulator = self
  session.client = apivideo.client { api_key = emulate.LOCAL_KEY, base_url = self.url }
end

--- Sets `client` and `secrets` of a session; none of them with --unsigned.
---@param session apivideo.cli.listen.Session
---@return integer? status of the command after a failure
---@return any problem
function account.open(session)
  local arguments = session.arguments
  if arguments.unsigned then return nil end
  if arguments.emulate then
    local status, problem = start_emulator(session)
    if status then return status, problem end
  else
    local problem, list
    session.client, problem, list = client_of(arguments)
    if list and not problem then
      session.secrets = list
      return nil
    end
    if problem then return 2, problem end
  end
  session.secrets = source_of(session)
end

--- Reads the webhooks of the account: a wrong key fails here, not at the first delivery.
---@param session apivideo.cli.listen.Session
---@return integer? status of the command after a failure
---@return any problem
function account.check(session)
  if not session.client then return nil end
  local list, err = session.client.webhooks:all(nil, { total_timeout = CHECK_TIMEOUT_S,
    cancel = session.cancellation })
  if not list then return 1, err end
  session.account_webhooks = list
end

return account
