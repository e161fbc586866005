--- Webhooks as the commands print them.

local columns = require "apivideo.cli.columns"
local show_secrets = require "apivideo.cli.show_secrets"
local tables = require "apivideo.util.tables"

local COLOURS = { create = "green", created = "green", delete = "red", deleted = "red", keep = "dim",
  other = "dim" }
local STEP_WIDTH = #"created"

local text_of = columns.text

local shown = {}

--- The cells of a webhook in a list.
---@param arguments table
---@param webhook apivideo.Webhook as it may be printed
---@return string[]
function shown.row(arguments, webhook)
  local row = { text_of(webhook.webhookId), text_of(webhook.createdAt), text_of(webhook.url), text_of(webhook.events) }
  if arguments.show_secrets then table.insert(row, 3, text_of(webhook.signatureSecret)) end
  return row
end

--- Prints one webhook, in several lines.
---@param arguments table
---@param out apivideo.cli.Output
---@param webhook apivideo.Webhook
function shown.print(arguments, out, webhook)
  local visible, rows = show_secrets.visible(arguments, webhook), {}
  for i, name in ipairs { "webhookId", "url", "events", "createdAt" } do rows[i] = { name, text_of(visible[name]) } end
  local secret = visible.signatureSecret or webhook.signatureSecret and "hidden; --show-secrets prints it"
  rows[#rows + 1] = { "signatureSecret", text_of(secret) }
  out:print(visible, columns.lines(rows))
end

--- Prints a step of a change of the account.
---@param arguments table
---@param out apivideo.cli.Output
---@param step "create"|"delete"|"keep"|"other"|"created"|"deleted" to be done, or done
---@param webhook { webhookId?: string, url?: string, events?: string[] }
function shown.print_step(arguments, out, step, webhook)
  local visible, cells = show_secrets.visible(arguments, webhook), {}
  for _, name in ipairs { "webhookId", "url", "events" } do
    if visible[name] ~= nil then cells[#cells + 1] = text_of(visible[name]) end
  end
  out:print(tables.merge(visible, { step = step }), ("%s%s  %s"):format(out:paint(COLOURS[step], step),
    (" "):rep(STEP_WIDTH - #step), columns.line(cells, {})))
end

return shown
