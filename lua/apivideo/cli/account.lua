--- The account that a subcommand calls.

local apivideo = require "apivideo"
local credential = require "apivideo.cli.credential"
local settings = require "apivideo.cli.settings"
local shell = require "apivideo.util.shell"
local tables = require "apivideo.util.tables"
local waiting = require "apivideo.cli.waiting"

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

--- A command of the same account to show to the user, without the API key: a terminal keeps what it showed.
---@param arguments table
---@param words string such as "webhooks get ID"
---@return string
function account.command(arguments, words)
  local parts = { "apivideo " .. words }
  for _, name in ipairs { "profile", "environment", "base_url", "ca_file" } do
    local value = arguments[name]
    if value then parts[#parts + 1] = ("--%s %s"):format(name:gsub("_", "-"), shell.quote(value)) end
  end
  if arguments.api_key then parts[#parts + 1] = "--api-key KEY" end
  return table.concat(parts, " ")
end

--- A client of the account.
---@param arguments table
---@param more? apivideo.ClientOptions
---@return apivideo.Client|nil client
---@return string? problem
function account.client(arguments, more)
  local self, problem = settings.account(arguments)
  if not self then return nil, problem or account.MISSING end
  return apivideo.client(tables.merge(self, more))
end

-- What a client waits for, if its rate limit is reached.
local function rate_limit_wait(client)
  for _, class in ipairs { "reads", "writes" } do
    local limit = client.rate_limit[class]
    if limit and limit.remaining == 0 and limit.resets_in > 0 then
      return ("api.video's rate limit is reached: waiting %d s"):format(math.ceil(limit.resets_in))
    end
  end
end

--- Calls a function with a client of the account. While it waits for the rate limit, a terminal shows that.
---@param arguments table
---@param run fun(client: apivideo.Client): integer, any
---@param describe? fun(): string|nil what else it waits for
---@param more? apivideo.ClientOptions
---@return integer status
---@return any message
function account.run(arguments, run, describe, more)
  local client, problem = account.client(arguments, more)
  if not client then return 2, problem end
  return waiting.during(function() return describe and describe() or rate_limit_wait(client) end, run, client)
end

return account
