--- `apivideo webhooks get`: prints one webhook.

local account = require "apivideo.cli.account"
local identifier = require "apivideo.cli.identifier"
local show_secrets = require "apivideo.cli.show_secrets"
local shown = require "apivideo.cli.webhooks.shown"

local get = {}

--- Defines the subcommand.
---@param sub table of argparse
function get.define(sub)
  sub:argument("id", "The webhookId."):convert(identifier.new("<id>", "webhook_"))
  show_secrets.define(sub)
  account.define(sub)
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function get.run(arguments, out)
  return account.run(arguments, function(client)
    local webhook, err = client.webhooks:get(arguments.id)
    if not webhook then return 1, err end
    shown.print(arguments, out, webhook)
    return 0
  end)
end

return get
