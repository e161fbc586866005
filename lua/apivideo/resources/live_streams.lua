--- The live streams of an account. https://docs.api.video/reference/api/Live-Streams

local call_options = require "apivideo.transport.call_options"
local resource = require "apivideo.resources.collection"

---@class apivideo.LiveStream
---@field liveStreamId string
---@field name string
---@field streamKey string a secret: who has it can broadcast
---@field broadcasting boolean whether it is on air now
---@field createdAt string such as 2020-01-31T10:17:47+00:00
---@field updatedAt string
---@field assets table<string, string> links to hls, player, iframe, thumbnail
---@field restreams { name: string, serverUrl: string, streamKey: string }[]

---@class apivideo.LiveStreamPage
---@field data apivideo.LiveStream[]
---@field pagination apivideo.Pagination

---@class apivideo.LiveStreamQuery
---@field streamKey? string
---@field name? string a part of it
---@field sortBy? string name, createdAt, updatedAt
---@field sortOrder? string asc, desc
---@field currentPage? integer from 1; not for `each`
---@field pageSize? integer 1 to 100, 25 by default in `list`

---@class apivideo.LiveStreams
---@field list fun(self, query?: apivideo.LiveStreamQuery, options?: apivideo.CallOptions): apivideo.LiveStreamPage|nil, apivideo.Error?, apivideo.Response? one page
---@field pages fun(self, query?: apivideo.LiveStreamQuery, options?: apivideo.CallOptions): fun(): apivideo.LiveStreamPage|nil, apivideo.Response? an iterator over the pages; raises a failure as an error object
---@field each fun(self, query?: apivideo.LiveStreamQuery, options?: apivideo.CallOptions): fun(): apivideo.LiveStream|nil an iterator over all; raises a failure as an error object
local LiveStreams = resource.class {
  name = "live_streams", path = "/live-streams", id = "liveStreamId",
  filters = { streamKey = "string?", name = "string?", sortBy = "string?", sortOrder = "string?" },
}

--- Gets one live stream.
---@param liveStreamId string
---@param given? apivideo.CallOptions
---@return apivideo.LiveStream|nil live_stream
---@return apivideo.Error? err `not_found` when there is none
---@return apivideo.Response? response not after an error
function LiveStreams:get(liveStreamId, given)
  local client = resource.client_of(self, "live_streams:get")
  local limits = call_options.check("live_streams:get", given)
  local ok, err = resource.check_id("live_streams:get", "liveStreamId", liveStreamId)
  if not ok then return nil, err end
  return resource.get(client, "/live-streams/" .. liveStreamId, "liveStreamId", limits)
end

return { new = function(client) return resource.new(LiveStreams, client) end }
