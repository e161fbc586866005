--- `apivideo reconcile`: finds events that did not come, and prints them.

local account = require "apivideo.cli.account"
local apivideo = require "apivideo"
local output = require "apivideo.cli.output"
local store = require "apivideo.cli.store"
local times = require "apivideo.cli.times"

local reconcile = {}

local DAY_S = 86400
local RETENTION_FACTOR = 2 -- of the inbox of a dry run, which must know events for longer than since

--- Defines the subcommand.
function reconcile.define(sub)
  sub:description("Reads the state of an account's videos, live streams and summaries, and prints the events that must"
    .. " have been sent. With --store, it puts those that the inbox does not have into it, for its workers, and prints"
    .. " only these.")
  sub:option("--since", "How far to go back: 90s, 30m, 2h, 1d; with --store, less than 7d, since the inbox does not"
    .. " know older events."):argname "<duration>":default "2h":convert(times.duration "--since")
  sub:mutex(
    store.define(sub),
    sub:flag("--dry-run", "Only print what would be delivered to an inbox that has no events."))
  account.define(sub)
end

local function print_events(out, events)
  for _, event in ipairs(events) do
    out:print({ event = event }, ("%s %s"):format(out:paint("green", "found"),
      output.describe_event(event)))
  end
end

-- Makes a pass, and prints what it found.
local function pass(client, inbox, arguments, out)
  local summary, err = apivideo.reconcile { client = client, inbox = inbox }:once { since = arguments.since }
  if not summary then return 1, err end
  print_events(out, summary.events)
  out:print({ found = summary.found, known = summary.known, videos = summary.videos, calls = summary.calls },
    ("%d found, %d known, %d videos, %d calls"):format(summary.found, summary.known, summary.videos, summary.calls))
  if not summary.errors then return 0 end
  return 1, ("videos and live streams that could not be read: %d; the first: %s"):format(#summary.errors,
    tostring(summary.errors[1]))
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function reconcile.run(arguments, out)
  local client, problem = account.client(arguments)
  if not client then return 2, problem end
  if arguments.dry_run then
    local retention = RETENTION_FACTOR * arguments.since + DAY_S
    return pass(client, apivideo.inbox { store = apivideo.inbox.memory(), retention = retention }, arguments, out)
  end
  local status, message = store.with(arguments, function(inbox)
    local retention = inbox._retention
    if arguments.since < retention then return pass(client, inbox, arguments, out) end
    return 2, ("--since must be less than %.14gd with --store: the inbox does not know older events"):format(
      retention / DAY_S)
  end)
  return status, message == store.MISSING and message .. "; or use --dry-run" or message
end

return reconcile
