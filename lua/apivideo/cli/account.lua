--- The account that a subcommand calls: the options `--environment` and `--base-url`, and the API key.

local apivideo = require "apivideo"
local credential = require "apivideo.cli.credential"
local url = require "apivideo.cli.url"

local KEY_VARIABLE = "APIVIDEO_API_KEY"

local account = {}

-- Argparse's `choices` need argparse 0.7.
local function environment(text)
  if text == "production" or text == "sandbox" then return text end
  return nil, ("--environment must be production or sandbox, got '%s'"):format(text)
end

--- Defines the options that select the API.
function account.define(sub)
  sub:mutex(
    sub:option("--environment", "The environment of the API key: production (default) or sandbox.")
      :convert(environment),
    sub:option("--base-url", "The URL of another API, such as the one of: apivideo emulate")
      :convert(url.new "--base-url"))
end

--- A client of the account.
---@param arguments table with `api_key`, unless the environment variable is set
---@param missing string the message without an API key
---@return apivideo.Client|nil client
---@return string? problem
function account.client(arguments, missing)
  local api_key, problem = arguments.api_key
  if not api_key then
    local text = os.getenv(KEY_VARIABLE) or ""
    if text == "" then return nil, missing end
    api_key, problem = credential.new(KEY_VARIABLE)(text)
    if not api_key then return nil, problem end
  end
  return apivideo.client { api_key = api_key, environment = arguments.environment, base_url = arguments.base_url }
end

return account
