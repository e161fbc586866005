--- The account that a subcommand calls.

local apivideo = require "apivideo"
local credential = require "apivideo.cli.credential"
local settings = require "apivideo.cli.settings"

local account = {}

--- The message without an API key.
account.MISSING = "no API key; use --api-key, set APIVIDEO_API_KEY, or write the file config.lua (see: apivideo --help)"

--- Defines the options that select the account: `--api-key`, `--environment`, `--base-url`, `--profile`, `--ca-file`.
---@param sub table of argparse
function account.define(sub)
  sub:option("--api-key", "The API key. Default: the environment variable APIVIDEO_API_KEY.")
    :argname "<key>":convert(credential.new "--api-key")
  settings.define_api(sub)
  settings.define(sub)
end

--- A client of the account.
---@param arguments table
---@return apivideo.Client|nil client
---@return string? problem
function account.client(arguments)
  local self, problem = settings.account(arguments)
  if not self then return nil, problem or account.MISSING end
  return apivideo.client(self)
end

return account
