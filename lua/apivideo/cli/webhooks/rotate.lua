--- `apivideo webhooks rotate`: replaces a webhook by one with a new secret.

local account = require "apivideo.cli.account"
local confirmation = require "apivideo.cli.confirmation"
local core = require "apivideo.core"
local definition = require "apivideo.resources.webhooks.definition"
local identifier = require "apivideo.cli.identifier"
local interruption = require "apivideo.cli.interruption"
local numbers = require "apivideo.cli.numbers"
local output = require "apivideo.cli.output"
local show_secrets = require "apivideo.cli.show_secrets"
local shown = require "apivideo.cli.webhooks.shown"

local rotate = {}

--- Defines the subcommand.
---@param sub table of argparse
function rotate.define(sub)
  sub:description("Creates an equal webhook, which has a new secret and a new id, waits while both deliver, and deletes"
    .. " the old one. A receiver that requests secrets from api.video needs nothing else; one with fixed secrets must"
    .. " have the new one, beside the old one, before the overlap ends. If this is interrupted, both webhooks stay: the"
    .. " next `apivideo webhooks sync` deletes the old one.")
  sub:argument("id", "The webhookId."):convert(identifier.new("<id>", "webhook_"))
  sub:option("--overlap", ("For how long both deliver, in seconds. Default: %d, longer than api.video retries a"
    .. " delivery."):format(definition.OVERLAP_S)):argname "<seconds>":convert(numbers.seconds "--overlap")
  confirmation.define(sub)
  show_secrets.define(sub)
  account.define(sub)
end

-- The webhook, if the user wants to replace it; nil, the status and the reason otherwise.
local function confirmed(client, arguments, overlap)
  local webhook, err = client.webhooks:get(arguments.id)
  if not webhook then return nil, 1, err end
  local question = ("Replace %s %s by a webhook with a new secret? A receiver with fixed secrets needs the new one"
    .. " within %g s."):format(arguments.id, definition.describe(webhook), overlap)
  local is_confirmed, status, problem = confirmation.ask(arguments, output.plain(question))
  if not is_confirmed then return nil, status, problem end
  return webhook
end

local function print_new(arguments, out, new, overlap)
  shown.print_step(arguments, out, "created", new)
  if arguments.show_secrets then
    out:note(("Both webhooks deliver for %g s."):format(overlap))
  else
    out:note(("Both webhooks deliver for %g s. The new secret: %s --show-secrets"):format(overlap,
      account.command(arguments, "webhooks get " .. new.webhookId)))
  end
end

-- What remains after an interruption or a failure.
local function both_exist(arguments, new)
  return ("Both webhooks exist: %s, %s; delete the old one with: %s"):format(arguments.id, new.webhookId,
    account.command(arguments, "webhooks delete " .. arguments.id))
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function rotate.run(arguments, out)
  local overlap, ends, created = arguments.overlap or definition.OVERLAP_S, nil, nil
  local function replace(client)
    local new, err = client.webhooks:rotate(arguments.id, {
      overlap = overlap,
      on_created = function(webhook)
        created, ends = webhook, core.monotonic() + overlap
        print_new(arguments, out, webhook, overlap)
      end,
    })
    if new then
      shown.print_step(arguments, out, "deleted", { webhookId = arguments.id })
      return 0
    end
    if err.webhook then out:note(both_exist(arguments, err.webhook)) end
    return 1, err
  end
  return account.run(arguments, function(client)
    local old, status, problem = confirmed(client, arguments, overlap)
    if not old then return status, problem end
    return interruption.during(function() return created and both_exist(arguments, created) end, replace, client)
  end, function()
    local seconds = ends and ends - core.monotonic()
    return seconds and seconds > 0 and ("both webhooks deliver: %d s left"):format(math.ceil(seconds)) or nil
  end)
end

return rotate
