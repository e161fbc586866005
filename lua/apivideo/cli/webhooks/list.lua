--- `apivideo webhooks list`: prints the webhooks of an account.

local account = require "apivideo.cli.account"
local columns = require "apivideo.cli.columns"
local show_secrets = require "apivideo.cli.show_secrets"
local shown = require "apivideo.cli.webhooks.shown"

local list = {}

--- Defines the subcommand.
---@param sub table of argparse
function list.define(sub)
  show_secrets.define(sub)
  account.define(sub)
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function list.run(arguments, out)
  return account.run(arguments, function(client)
    local webhooks, err = client.webhooks:all()
    if not webhooks then return 1, err end
    local rows = {}
    for i, webhook in ipairs(webhooks) do
      webhooks[i] = show_secrets.visible(arguments, webhook)
      rows[i] = shown.row(arguments, webhooks[i])
    end
    local widths = columns.widths(rows)
    for i, webhook in ipairs(webhooks) do out:print(webhook, columns.line(rows[i], widths)) end
    if #webhooks == 0 then out:note "The account has no webhooks." end
    return 0
  end)
end

return list
