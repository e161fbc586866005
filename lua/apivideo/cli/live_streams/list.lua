--- `apivideo live-streams list`: prints the live streams of an account.

local account = require "apivideo.cli.account"
local columns = require "apivideo.cli.columns"
local listing = require "apivideo.cli.listing"
local show_secrets = require "apivideo.cli.show_secrets"

local list = {}

--- Defines the subcommand.
---@param sub table of argparse
function list.define(sub)
  sub:description "Prints the live streams of an account, the newest first: whether they are on air, and their names."
  listing.define(sub)
  show_secrets.define(sub)
  account.define(sub)
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function list.run(arguments, out)
  local function row_of(stream)
    local row = { columns.text(stream.liveStreamId), columns.text(stream.createdAt),
      stream.broadcasting == true and "on air " or "offline", columns.text(stream.name) }
    if arguments.show_secrets then row[#row + 1] = "stream key: " .. columns.text(stream.streamKey) end
    return row
  end
  return account.run(arguments, function(client)
    local streams = client.live_streams:each { sortBy = "createdAt", sortOrder = "desc",
      pageSize = listing.page_size(arguments) }
    local count = listing.print(arguments, out, function()
      local stream = streams()
      return stream and show_secrets.visible(arguments, stream)
    end, row_of)
    if count == 0 then out:note "The account has no live streams." end
    return 0
  end)
end

return list
