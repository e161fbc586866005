--- `apivideo videos wait`: waits until a video is ready.

local account = require "apivideo.cli.account"
local apivideo = require "apivideo"
local conditions = require "apivideo.util.conditions"
local identifier = require "apivideo.cli.identifier"
local interruption = require "apivideo.cli.interruption"
local numbers = require "apivideo.cli.numbers"
local shown = require "apivideo.cli.videos.shown"

local DEFAULT_TIMEOUT_S = 600

local wait = {}

local function condition_of(text)
  local condition = conditions.normal(text)
  if not conditions.problem(condition, true) then return condition end
  return nil, ("--until must be playable, mp4, all, or a quality such as 720p, got '%s'"):format(text)
end

--- Defines the subcommand.
---@param sub table of argparse
function wait.define(sub)
  sub:description("Waits until a video is ready, and prints its state. Exit status: 1 if it cannot become ready, or is"
    .. " not ready in time.")
  sub:argument("id", "The videoId."):convert(identifier.new "<id>")
  sub:option("--until", "What it must be: playable (the default); mp4, an MP4 is encoded; a quality such as 720p, in"
    .. " HLS; all, each quality is encoded."):argname "<state>":target "condition":default "playable"
    :convert(condition_of)
  sub:option("--timeout", ("How long to wait, in seconds. Default: %d."):format(DEFAULT_TIMEOUT_S)):argname "<seconds>"
    :convert(numbers.timeout "--timeout")
  account.define(sub)
end

-- Calls a function with each status that the wait for the video gets: all waits of a client share their requests.
local function watch(client, id, timeout, on_status)
  local cancel = apivideo.cancellation()
  apivideo.spawn(function()
    client.videos:wait(id, function(status)
      on_status(status)
      return false
    end, { timeout = timeout, cancel = cancel })
  end)
  return cancel
end

-- The failed qualities end a wait for "all", too.
local function failure_of(arguments, status)
  local failed = arguments.condition == "all" and shown.failed(status)
  return failed and ("the video %s has failed qualities: %s"):format(arguments.id, failed) or nil
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function wait.run(arguments, out)
  local id, timeout, line = arguments.id, arguments.timeout or DEFAULT_TIMEOUT_S, nil
  local function wait_for(client)
    -- A wait tolerates errors that may pass. One at the start is likely to stay: a wrong base URL, or no network.
    local first, problem = client.videos:status(id, { total_timeout = timeout })
    if not first then return 1, problem end
    line = shown.line(first)
    local watching = watch(client, id, timeout, function(status) line = shown.line(status) end)
    local status, err = client.videos:wait(id, arguments.condition, { timeout = timeout })
    watching:cancel()
    if err and err.video_status then shown.print(out, id, err.video_status) end
    if not status then return 1, err end
    shown.print(out, id, status)
    local failure = failure_of(arguments, status)
    return failure and 1 or 0, failure
  end
  return account.run(arguments, function(client) return interruption.during(nil, wait_for, client) end,
    function() return line end)
end

return wait
