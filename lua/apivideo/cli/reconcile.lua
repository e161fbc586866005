--- `apivideo reconcile`: finds events that did not come, and prints them.

local account = require "apivideo.cli.account"
local apivideo = require "apivideo"
local credential = require "apivideo.cli.credential"
local output = require "apivideo.cli.output"

local reconcile = { summary = "Find events that did not come, by reading the state of an account." }

local UNITS = { s = 1, m = 60, h = 3600, d = 86400 }
local RETENTION_FACTOR = 2 -- of the inbox of a dry run, which must know events for longer than since

-- The seconds of `90s`, `30m`, `2h` or `1d`.
local function duration(text)
  local count, unit = text:match "^(%d+)([smhd])$"
  local seconds = count and tonumber(count) * UNITS[unit]
  if seconds and seconds > 0 and seconds <= 365 * 86400 then return seconds end
  return nil, ("--since must be a duration such as 90s, 30m, 2h or 1d, got '%s'"):format(text)
end

-- The path of `sqlite:PATH`.
local function store_path(text)
  local path = text:match "^sqlite:(.+)$"
  if path then return path end
  return nil, ("--store must be sqlite:PATH, got '%s'; write, for example, --store sqlite:inbox.db"):format(text)
end

--- Defines the subcommand.
function reconcile.define(sub)
  sub:description("Reads the state of an account's videos, live streams and summaries, and prints the events that must"
    .. " have been sent. With --store, it puts those that the inbox does not have into it, for its workers, and prints"
    .. " only these.")
  sub:option("--since", "How far to go back: 90s, 30m, 2h, 1d; with --store, less than 7d, since the inbox does not"
    .. " know older events."):default "2h":convert(duration)
  sub:mutex(
    sub:option("--store", "The inbox that gets the events: sqlite:PATH"):convert(store_path),
    sub:flag("--dry-run", "Only print what would be delivered to an inbox that has no events."))
  sub:option("--api-key", "The API key; default: the environment variable APIVIDEO_API_KEY.")
    :convert(credential.new "--api-key")
  account.define(sub)
end

-- Whether a file exists. The store would create it: with a mistyped path, no worker would get the events.
local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- The inbox; nil and a message if the arguments name none.
local function inbox_of(arguments)
  if arguments.store then
    if not exists(arguments.store) then
      return nil, ("--store: there is no file %s that can be read; start the program that works on the inbox, which"
        .. " creates it"):format(arguments.store)
    end
    return apivideo.inbox { store = apivideo.inbox.sqlite { path = arguments.store } }
  end
  if not arguments.dry_run then return nil, "no inbox to put the events into; use --store sqlite:PATH, or --dry-run" end
  return apivideo.inbox { store = apivideo.inbox.memory(), retention = RETENTION_FACTOR * arguments.since + 86400 }
end

local function print_events(out, events)
  for _, event in ipairs(events) do
    out:print({ event = event }, ("%s %s"):format(out:paint("green", "found"),
      (output.describe_event(event):gsub("%c", "?"))))
  end
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@return integer status
---@return any message
function reconcile.run(arguments)
  local inbox, problem = inbox_of(arguments)
  if not inbox then return 2, problem end
  local client
  client, problem = account.client(arguments, "no API key; use --api-key, or set APIVIDEO_API_KEY")
  if not client then return 2, problem end
  local summary, err = apivideo.reconcile { client = client, inbox = inbox }:once { since = arguments.since }
  inbox:close()
  if not summary then return 1, err end
  local out = output.new(arguments.json)
  print_events(out, summary.events)
  out:print({ found = summary.found, known = summary.known, videos = summary.videos, calls = summary.calls },
    ("%d found, %d known, %d videos, %d calls"):format(summary.found, summary.known, summary.videos, summary.calls))
  if not summary.errors then return 0 end
  return 1, ("videos and live streams that could not be read: %d; the first: %s"):format(#summary.errors,
    tostring(summary.errors[1]))
end

return reconcile
