--- The videos of an account, and how far their encoding is.
--- https://docs.api.video/reference/api/Videos

local call_options = require "apivideo.transport.call_options"
local resource = require "apivideo.resources.collection"

---@class apivideo.Video
---@field videoId string
---@field title string
---@field createdAt string such as 2024-05-28T11:15:07+00:00
---@field updatedAt string
---@field publishedAt string
---@field tags string[]
---@field metadata { key: string, value: string }[]
---@field source { uri: string, type: string, liveStream: { liveStreamId: string }|nil }
---@field assets table<string, string> links to hls, mp4, player, iframe, thumbnail
---@field discardedAt any a date, or apivideo.null

---@class apivideo.VideoStatus
---@field ingest { status: string, filesize: integer|any, receivedBytes: { from: integer, to: integer, total: integer }[] } filesize in bytes, apivideo.null while it is unknown; status: uploading, uploaded, ingesting, ingested, or newer ones
---@field encoding { playable: boolean, qualities: apivideo.VideoQuality[], metadata: table<string, any> }

---@class apivideo.VideoQuality
---@field type? string hls, mp4
---@field quality string 240p to 2160p
---@field status string waiting, encoding, encoded, failed (which shows only here), or newer ones

---@class apivideo.VideoPage
---@field data apivideo.Video[]
---@field pagination apivideo.Pagination

---@class apivideo.VideoQuery
---@field title? string a part of it
---@field tags? string[] all of them
---@field metadata? table<string, string> all of them, by key
---@field description? string a part of it
---@field liveStreamId? string recordings of that live stream
---@field sortBy? string title, createdAt, publishedAt, updatedAt
---@field sortOrder? string asc, desc
---@field currentPage? integer from 1; not for `each`
---@field pageSize? integer 1 to 100, 25 by default in `list`

---@class apivideo.Videos
---@field list fun(self, query?: apivideo.VideoQuery, options?: apivideo.CallOptions): apivideo.VideoPage|nil, apivideo.Error?, apivideo.Response? one page
---@field pages fun(self, query?: apivideo.VideoQuery, options?: apivideo.CallOptions): fun(): apivideo.VideoPage|nil, apivideo.Response? an iterator over the pages; raises a failure as an error object
---@field each fun(self, query?: apivideo.VideoQuery, options?: apivideo.CallOptions): fun(): apivideo.Video|nil an iterator over all; raises a failure as an error object
local Videos = resource.class {
  name = "videos", path = "/videos", id = "videoId",
  filters = {
    title = "string?", tags = "table?", metadata = "table?", description = "string?",
    liveStreamId = "string?", sortBy = "string?", sortOrder = "string?",
  },
}

--- Gets one video.
---@param videoId string
---@param given? apivideo.CallOptions
---@return apivideo.Video|nil video
---@return apivideo.Error? err `not_found` when there is none
---@return apivideo.Response? response not after an error
function Videos:get(videoId, given)
  local client = resource.client_of(self, "videos:get")
  local limits = call_options.check("videos:get", given)
  local ok, err = resource.check_id("videos:get", "videoId", videoId)
  if not ok then return nil, err end
  return resource.get(client, "/videos/" .. videoId, "videoId", limits)
end

--- Gets how far a video is: what has arrived, and each quality's encoding.
---@param videoId string
---@param given? apivideo.CallOptions
---@return apivideo.VideoStatus|nil status
---@return apivideo.Error? err `not_found` when there is none
---@return apivideo.Response? response not after an error
function Videos:status(videoId, given)
  local client = resource.client_of(self, "videos:status")
  local limits = call_options.check("videos:status", given)
  local ok, err = resource.check_id("videos:status", "videoId", videoId)
  if not ok then return nil, err end
  return resource.get(client, "/videos/" .. videoId .. "/status", nil, limits)
end

return { new = function(client) return resource.new(Videos, client) end }
