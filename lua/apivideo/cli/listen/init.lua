--- `apivideo listen`: runs a receiver that prints each delivery, and optionally forwards and saves it.

local account = require "apivideo.cli.listen.account"
local apivideo = require "apivideo"
local emulate = require "apivideo.cli.emulate"
local misuse = require "apivideo.cli.misuse"
local options = require "apivideo.cli.listen.options"
local page_server = require "apivideo.cli.page_server"
local printing = require "apivideo.cli.listen.printing"
local public_webhook = require "apivideo.cli.listen.public_webhook"
local reception = require "apivideo.cli.listen.reception"
local runtime = require "apivideo.runtime"
local saving = require "apivideo.cli.listen.saving"
local selection = require "apivideo.cli.selection"
local server = require "apivideo.server"
local tunnel = require "apivideo.cli.listen.tunnel"

---@class apivideo.cli.listen.Session
---@field arguments table
---@field out apivideo.cli.Output
---@field selection apivideo.cli.Selection
---@field client? apivideo.Client
---@field secrets? any as a receiver takes them
---@field account_webhooks? apivideo.Webhook[]
---@field reception apivideo.cli.listen.Reception
---@field server? apivideo.Server
---@field emulator? apivideo.Emulator
---@field webhook? apivideo.cli.listen.PublicWebhook
---@field cancellation apivideo.Cancellation of the start, by a signal
---@field problem? string why it ended

local listen = {}

--- Defines the subcommand.
listen.define = options.define

-- Ends the session because its output or its file cannot be written.
local function fail(session, problem)
  if session.problem then return end
  session.problem = problem
  if session.server then runtime.spawn(session.server.stop, session.server) end
end

-- Creates the receiver, and the hooks that see each delivery.
local function create_reception(session)
  local arguments, hooks = session.arguments, {}
  if arguments.save then
    local hook, problem = saving.new(arguments.save)
    if not hook then return 1, problem end
    hooks[#hooks + 1] = hook
  end
  hooks[#hooks + 1] = printing.new(arguments, session.out)
  session.reception = reception.new {
    secrets = session.secrets, selection = session.selection, forward_to = arguments.forward_to, hooks = hooks,
    on_failure = function(problem) fail(session, problem) end,
  }
end

local function select_events(session)
  local problem
  session.selection, problem = selection.new(session.arguments.events, session.arguments.where, "--events")
  if problem then return 2, problem end
end

-- Whether a URL is one of a server.
local function is_below(url, server_url)
  return url:sub(1, #server_url) == server_url and url:find("^[/?#]", #server_url + 1) ~= nil or url == server_url
end

local function open_server(session)
  local arguments, received = session.arguments, session.reception
  local self, err = server.listen { host = arguments.host, port = arguments.port,
    max_body = received.receiver.max_body, handler = received.handle }
  if not self then return 1, err end
  session.server = self
  if arguments.forward_to and is_below(arguments.forward_to, session.server.url) then
    return 2, "--forward-to is the URL of this command itself; use the URL of your application"
  end
  session.out:print({ url = session.server.url }, ("Listening on %s. Press Ctrl-C to stop."):format(session.server.url))
end

local function open_page(session)
  local arguments = session.arguments
  if not arguments.ui then return nil end
  local url, err = page_server.open("127.0.0.1", arguments.ui_port or 0, {
    receiver = session.reception.receiver, forward_to = arguments.forward_to, write = arguments.ui_write,
  })
  if not url then return 1, err end
  session.out:print({ page_url = url }, ("The page is at %s"):format(url))
end

-- The URL to which api.video sends; nil: no webhook is created.
local function webhook_url(session)
  local public, own = session.arguments.public_url, session.server
  if public and public.is_auto then return tunnel.find(own.port, public.api_port) end
  if public then return public.url end
  -- A wildcard address is not one to connect to.
  if session.emulator then return (own.url:gsub("//0%.0%.0%.0:", "//127.0.0.1:"):gsub("//%[::%]:", "//[::1]:")) end
end

local function print_webhook(session)
  local webhook, out = session.webhook, session.out
  local types = #webhook.events == 1 and webhook.events[1] or #webhook.events .. " types of events"
  out:print({ webhookId = webhook.webhookId, webhook_url = webhook.url, events = webhook.events,
    is_deleted_at_end = webhook.is_own }, ("The webhook %s sends %s to %s; %s."):format(webhook.webhookId, types,
    webhook.url, webhook.is_own and "it is deleted at the end" or "it existed before, and is not deleted"))
end

local function open_webhook(session)
  local url, problem = webhook_url(session)
  if problem then return 1, problem end
  if not session.client then return nil end
  local wanted = url and { url = url, events = session.selection.types }
  if not wanted then
    public_webhook.delete_left(session.client, session.account_webhooks)
    return nil
  elseif #wanted.events == 0 then
    return 2, "--events matches no type of event that a webhook can send"
  elseif session.emulator then -- without a record: its webhooks end with this process
    session.webhook, problem = public_webhook.create(session.client, wanted, 0)
  else
    session.webhook, problem = public_webhook.open(session.client, session.account_webhooks, wanted)
  end
  if problem then return 1, problem end
  print_webhook(session)
end

local function print_emulator(session)
  if not session.emulator then return end
  local url, key = session.emulator.url, emulate.LOCAL_KEY
  local example = #session.arguments.events == 0 and "upload" or session.selection.types[1] or "TYPE"
  session.out:print({ api_url = url, api_key = key }, ("A local api.video listens on %s; its API key is %s. To send"
    .. " events: apivideo trigger %s --through %s"):format(url, key, example, url))
end

-- In this order. Each returns the status of the command and a message after a failure.
local STEPS = { select_events, account.open, account.check, create_reception, open_server, open_page,
  open_webhook, print_emulator }

local function start(session)
  for _, step in ipairs(STEPS) do
    local status, problem = step(session)
    if session.cancellation:is_cancelled() then return 0 end
    if status then return status, problem end
  end
end

-- Deletes the webhook. Returns what failed.
local function close(session)
  if not session.webhook then return nil end
  local _, problem = public_webhook.close(session.client, session.webhook)
  return problem
end

-- Serves until a signal.
local function serve(session)
  local ok, err = session.server:run()
  if not ok then return 1, err end
  if session.problem then return 1, session.problem end
  if not session.arguments.quiet then printing.summary(session.out, session.reception.counts) end
  return 0
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function listen.run(arguments, out)
  local problem = options.problem(arguments)
  if problem then return 2, problem end
  apivideo.log { level = "error" } -- rejections are printed
  local session = { arguments = arguments, out = out, cancellation = apivideo.cancellation() }
  -- From the start: a signal must not end the process between the creation of the webhook and its record.
  local unsubscribe = runtime.on_signal(function() session.cancellation:cancel() end)
  local ok, status, message = xpcall(function()
    local status, message = start(session)
    if not status then return serve(session) end
    return status, message
  end, misuse.raised)
  local close_problem = close(session)
  if unsubscribe then unsubscribe() end
  if not ok then return misuse.parts(status) end
  if status == 0 and close_problem then return 1, close_problem end
  return status, message
end

return listen
