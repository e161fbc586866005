--- `apivideo videos status`: prints the state of a video and of each quality.

local account = require "apivideo.cli.account"
local identifier = require "apivideo.cli.identifier"
local shown = require "apivideo.cli.videos.shown"

local status = {}

--- Defines the subcommand.
---@param sub table of argparse
function status.define(sub)
  sub:argument("id", "The videoId."):convert(identifier.new "<id>")
  account.define(sub)
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function status.run(arguments, out)
  return account.run(arguments, function(client)
    local current, err = client.videos:status(arguments.id)
    if not current then return 1, err end
    shown.print(out, arguments.id, current)
    return 0
  end)
end

return status
