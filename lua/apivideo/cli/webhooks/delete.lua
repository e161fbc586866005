--- `apivideo webhooks delete`: deletes webhooks.

local account = require "apivideo.cli.account"
local confirmation = require "apivideo.cli.confirmation"
local definition = require "apivideo.resources.webhooks.definition"
local identifier = require "apivideo.cli.identifier"
local output = require "apivideo.cli.output"
local shown = require "apivideo.cli.webhooks.shown"

local delete = {}

--- Defines the subcommand.
---@param sub table of argparse
function delete.define(sub)
  sub:argument("id", "The webhookId."):args "+":convert(identifier.new("<id>", "webhook_"))
  confirmation.define(sub)
  account.define(sub)
end

-- Asks, and shows what is to be deleted. Nil, the status and the reason if it is not.
local function confirm(client, arguments)
  local texts = {}
  for i, id in ipairs(arguments.yes and {} or arguments.id) do
    local webhook, err = client.webhooks:get(id)
    if not webhook then return nil, 1, err end
    texts[i] = ("%s %s"):format(id, definition.describe(webhook))
  end
  return confirmation.ask(arguments, output.plain(("Delete %s?"):format(table.concat(texts, ", "))))
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function delete.run(arguments, out)
  return account.run(arguments, function(client)
    local is_confirmed, status, problem = confirm(client, arguments)
    if not is_confirmed then return status, problem end
    for _, id in ipairs(arguments.id) do
      local ok, err = client.webhooks:delete(id)
      if not ok then return 1, err end
      shown.print_step(arguments, out, "deleted", { webhookId = id })
    end
    return 0
  end)
end

return delete
