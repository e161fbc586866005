--- `apivideo webhooks create`: creates a webhook.

local account = require "apivideo.cli.account"
local definition = require "apivideo.resources.webhooks.definition"
local derived = require "apivideo.events.derived"
local events = require "apivideo.events"
local private_url = require "apivideo.resources.webhooks.private_url"
local show_secrets = require "apivideo.cli.show_secrets"
local shown = require "apivideo.cli.webhooks.shown"
local unknown = require "apivideo.events.unknown"
local url = require "apivideo.cli.url"

local create = {}

local function event_type(text)
  if text == "" then return nil, "--event is empty; check that the variable it is read from is set" end
  if derived.is(text) then return nil, ("--event: %s"):format(derived.refusal(text)) end
  local problem = definition.pattern_problem(text)
  if problem then return nil, "--event: " .. problem end
  local types = unknown.continuations(text, events)
  if #types > 0 then
    return nil, ("--event: '%s' is only the beginning of %s; name each type"):format(text, table.concat(types, ", "))
  end
  return text
end

--- Defines the subcommand.
---@param sub table of argparse
function create.define(sub)
  sub:description("Creates a webhook, also if the account has an equal one; `apivideo webhooks sync` does not."
    .. " Its secret is not printed without --show-secrets: a receiver can request it from api.video itself.\n\nTypes: "
    .. table.concat(events:names(), ", "))
  sub:argument("url", "The public URL that gets the events."):convert(url.new "<url>")
  sub:option("--event", "A type of event; can be repeated."):argname "<type>":count "+":convert(event_type)
  show_secrets.define(sub)
  account.define(sub)
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function create.run(arguments, out)
  local wanted = { url = arguments.url, events = arguments.event }
  return account.run(arguments, function(client)
    local problem = private_url.problem(wanted.url, client.base_url)
    if problem then return 2, problem end
    local webhook, err = client.webhooks:create(wanted)
    if not webhook then return 1, err end
    shown.print(arguments, out, webhook)
    if not arguments.show_secrets then
      out:note(("To print its secret: %s --show-secrets"):format(account.command(arguments, "webhooks get "
        .. webhook.webhookId)))
    end
    out:note "Keep the secret where the receiver reads it; one that uses the API key requests it itself."
    return 0
  end)
end

return create
