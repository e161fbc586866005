--- `apivideo videos list`: prints the videos of an account.

local account = require "apivideo.cli.account"
local columns = require "apivideo.cli.columns"
local identifier = require "apivideo.cli.identifier"
local listing = require "apivideo.cli.listing"

local list = {}

--- Defines the subcommand.
---@param sub table of argparse
function list.define(sub)
  sub:description "Prints the videos of an account, the newest first."
  sub:option("--title", "Only videos with this text in their title."):argname "<text>"
  sub:option("--tag", "Only videos with this tag; can be repeated."):argname "<tag>":count "*"
  sub:option("--live-stream", "Only recordings of this live stream."):argname "<id>"
    :convert(identifier.new "--live-stream")
  listing.define(sub)
  account.define(sub)
end

local function row_of(video)
  local source = type(video.source) == "table" and video.source or {}
  local stream = type(source.liveStream) == "table" and source.liveStream.liveStreamId
  local row = { columns.text(video.videoId), columns.text(video.createdAt), columns.text(video.title) }
  if type(video.tags) == "table" and #video.tags > 0 then row[#row + 1] = "tags: " .. columns.text(video.tags) end
  if stream then row[#row + 1] = "live stream: " .. columns.text(stream) end
  return row
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function list.run(arguments, out)
  return account.run(arguments, function(client)
    local videos = client.videos:each {
      title = arguments.title, tags = #arguments.tag > 0 and arguments.tag or nil,
      liveStreamId = arguments.live_stream, sortBy = "createdAt", sortOrder = "desc",
      pageSize = listing.page_size(arguments),
    }
    if listing.print(arguments, out, videos, row_of) == 0 then out:note "No videos were found." end
    return 0
  end)
end

return list
