--- `apivideo trigger`: sends signed deliveries.

local assignments = require "apivideo.cli.assignments"
local credential = require "apivideo.cli.credential"
local events = require "apivideo.events"
local header_lines = require "apivideo.cli.header_lines"
local numbers = require "apivideo.cli.numbers"
local runtime = require "apivideo.runtime"
local scenarios = require "apivideo.emulator.scenarios"
local secrets = require "apivideo.cli.secrets"
local settings = require "apivideo.cli.settings"
local trigger_delivery = require "apivideo.cli.trigger_delivery"
local trigger_events = require "apivideo.cli.trigger_events"
local trigger_modes = require "apivideo.cli.trigger_modes"
local url = require "apivideo.cli.url"

local DEFAULTS = trigger_delivery.DEFAULTS
local SCENARIO_PAUSE_S = 0.1

local trigger = {}

-- The list of types and scenarios, a line each.
local function epilog()
  local lines = { "Types:" }
  for _, name in ipairs(events:names()) do
    lines[#lines + 1] = ("- %s: %s"):format(name, events.types[name].description)
  end
  lines[#lines + 1] = "\nScenarios, which are several events with the same new ids:"
  for _, scenario in ipairs(scenarios.list) do
    lines[#lines + 1] = ("- %s: %s"):format(scenario.name, scenario.summary)
  end
  lines[#lines + 1] = "\nAn unknown type is sent, too, with a warning."
  return table.concat(lines, "\n")
end

-- The options of what is sent.
local function define_events(sub)
  sub:argument("type", "The type of the event, or a scenario, see below."):args "?"
  sub:option("--data", "The exact bytes to send instead of an event: @file, - for standard input, or a text.")
    :argname "<data>"
  assignments.define(sub)
  sub:option("--quality", "The quality of the source in a scenario. Default: 720p."):argname "<quality>"
  sub:option("--failed", "Qualities of the scenario that fail, such as 'hls 360p', mp4 or 1080p; can be repeated.")
    :argname "<quality>":count "*"
  sub:option("--pause", "The time between two events, in seconds. Default: " .. SCENARIO_PAUSE_S .. ".")
    :argname "<seconds>":convert(numbers.seconds "--pause")
  sub:flag("--duplicate", "Send each event twice.")
  sub:flag("--reverse", "Send the events of the scenario in reverse order.")
end

-- The options of how it is sent.
local function define_delivery(sub)
  sub:option("--to", "The URL to send it to."):argname "<url>":convert(url.new "--to")
  secrets.define(sub, "The signatureSecret to sign with. Default: APIVIDEO_WEBHOOK_SECRET; without it, no signature.")
  sub:option("--webhook-id", "The webhook id in the delivery's headers. Default: " .. DEFAULTS.webhook_id .. ".")
    :argname "<id>"
  header_lines.define(sub)
  sub:option("--max-attempts", "Attempts at most; api.video has 3 or 4. Default: " .. DEFAULTS.max_attempts .. ".")
    :argname "<count>":convert(numbers.max_attempts "--max-attempts")
  sub:option("--interval", "The time between two attempts, in seconds. Default: " .. DEFAULTS.interval .. ".")
    :argname "<seconds>":convert(numbers.seconds "--interval")
  sub:option("--through", "The base URL of a local api.video (apivideo emulate) that sends the event to its webhooks.")
    :argname "<url>":convert(url.new "--through")
  sub:option("--api-key", "The API key for --through. Default: " .. DEFAULTS.api_key .. "."):argname "<key>"
    :convert(credential.new "--api-key")
  settings.define(sub)
  sub:flag("--insecure", "Accept any certificate of the receiver.")
end

--- Defines the subcommand.
function trigger.define(sub)
  sub:description("Sends an event, or the events of a scenario, to --to, signed with --secret, as api.video does. Or,"
    .. " with --through, lets a local api.video (apivideo emulate) send it to its webhooks.")
  sub:epilog(epilog())
  define_events(sub)
  define_delivery(sub)
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function trigger.run(arguments, out)
  local problem = trigger_modes.problem(arguments)
  if problem then return 2, problem end
  local pause = arguments.pause or SCENARIO_PAUSE_S
  local messages, send
  messages, problem = trigger_events.messages(arguments, pause)
  if not messages then return 2, problem end
  send, problem = trigger_delivery.new(arguments, out)
  if not send then return 2, problem end
  local result = 0
  for i, message in ipairs(messages) do
    if i > 1 then runtime.sleep(pause) end
    local status
    status, problem = send(message)
    if problem then return status, problem end
    result = math.max(result, status)
  end
  return result
end

return trigger
