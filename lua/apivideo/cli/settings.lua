--- The settings of a command: from its options, then from the environment, then from the file. A profile that is named
--- by `--profile` takes precedence over the environment.

local config = require "apivideo.cli.config"
local credential = require "apivideo.cli.credential"
local url = require "apivideo.cli.url"

local API_KEY, BASE_URL, WEBHOOK_SECRET = "APIVIDEO_API_KEY", "APIVIDEO_BASE_URL", "APIVIDEO_WEBHOOK_SECRET"

local settings = {}

-- Argparse's `choices` need argparse 0.7, and do not name the option.
local function environment(text)
  if text == "production" or text == "sandbox" then return text end
  return nil, ("--environment must be production or sandbox, got '%s'"):format(text)
end

--- Defines `--profile`.
---@param sub table of argparse
function settings.define_profile(sub)
  sub:option("--profile", "The account of this name in the file config.lua."):argname "<name>"
end

--- Defines `--profile` and `--ca-file`.
---@param sub table of argparse
function settings.define(sub)
  settings.define_profile(sub)
  sub:option("--ca-file", "Certificates to trust instead of the system's, a PEM file."):argname "<file>"
end

--- Defines `--environment` and `--base-url`.
---@param sub table of argparse
function settings.define_api(sub)
  sub:mutex(
    sub:option("--environment", "The environment of the API key: production (default) or sandbox.")
      :argname "<name>":convert(environment),
    sub:option("--base-url", "The URL of another API, such as the one of: apivideo emulate. Default: the environment"
      .. " variable APIVIDEO_BASE_URL."):argname "<url>":convert(url.new_base "--base-url"))
end

-- The value of an environment variable, a credential or what `converter` converts; nil if it is not set; nil and a
-- message if it is invalid.
local function variable(name, converter)
  local text = os.getenv(name) or ""
  if text == "" then return nil end
  return (converter or credential.new)(name)(text)
end

-- The URL in the options, otherwise in the environment; nil and a message if it is invalid.
local function base_url_of(arguments)
  if arguments.base_url or arguments.environment or arguments.profile then return arguments.base_url end
  return variable(BASE_URL, url.new_base)
end

---@class apivideo.cli.Account
---@field api_key string
---@field environment? string
---@field base_url? string
---@field ca_file? string

--- The account. A key takes its environment and URL from where it comes from itself, so that a key of production is
--- never sent to another place; options, and APIVIDEO_BASE_URL, take precedence.
---@param arguments table
---@return apivideo.cli.Account|nil account nil without a key
---@return string? problem nil if there is only no key
function settings.account(arguments)
  local profile, problem = config.profile(arguments.profile)
  if not profile then return nil, problem end
  local key, source = arguments.api_key, {}
  if not key and not arguments.profile then
    key, problem = variable(API_KEY)
    if problem then return nil, problem end
  end
  if not key then key, source = profile.api_key, profile end
  if not key then return nil end
  local base_url
  base_url, problem = base_url_of(arguments)
  if problem then return nil, problem end
  local is_given = arguments.environment or base_url
  return {
    api_key = key, ca_file = arguments.ca_file or profile.ca_file,
    environment = arguments.environment or not is_given and source.environment or nil,
    base_url = base_url or not is_given and source.base_url or nil,
  }
end

--- The secret of webhooks in the environment or in the file.
---@param arguments table
---@return string|nil secret
---@return string? problem
function settings.webhook_secret(arguments)
  local profile, problem = config.profile(arguments.profile)
  if not profile then return nil, problem end
  if arguments.profile then return profile.webhook_secret end
  local secret
  secret, problem = variable(WEBHOOK_SECRET)
  if problem then return nil, problem end
  return secret or profile.webhook_secret
end

return settings
