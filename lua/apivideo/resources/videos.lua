--- The videos of an account, and the progress of their encoding.
--- https://docs.api.video/reference/api/Videos

local call_options = require "apivideo.transport.call_options"
local checks = require "apivideo.util.checks"
local collection = require "apivideo.resources.collection"
local objects = require "apivideo.resources.objects"

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
---@field ingest { status: string, filesize: integer|any, receivedBytes: { from: integer, to: integer, total: integer }[] } filesize in bytes, apivideo.null while unknown; status: uploading, uploaded, ingesting, ingested, or newer ones
---@field encoding { playable: boolean, qualities: apivideo.VideoQuality[], metadata: table<string, any> }

---@class apivideo.VideoQuality
---@field type? string hls, mp4
---@field quality string 240p to 2160p
---@field status string waiting, encoding, encoded, failed (no event reports it), or newer ones

---@class apivideo.VideoPage
---@field data apivideo.Video[]
---@field pagination apivideo.Pagination

---@class apivideo.VideoQuery
---@field title? string a part of it
---@field tags? string[] all of them
---@field metadata? table<string, string|number|boolean> all of them, by key
---@field description? string a part of it
---@field liveStreamId? string recordings of that live stream
---@field sortBy? string title, createdAt, publishedAt, updatedAt
---@field sortOrder? string asc, desc
---@field currentPage? integer from 1; not for `each` and `all`
---@field pageSize? integer 1 to 100, 25 by default in `list`

---@class apivideo.Videos
---@field get fun(self, videoId: string, options?: apivideo.CallOptions): apivideo.Video|nil, apivideo.Error?, apivideo.Response? one video; errors: those of every call, `not_found` when it does not exist
---@field list fun(self, query?: apivideo.VideoQuery, options?: apivideo.CallOptions): apivideo.VideoPage|nil, apivideo.Error?, apivideo.Response? one page; errors: those of every call
---@field pages fun(self, query?: apivideo.VideoQuery, options?: apivideo.CallOptions): fun(): apivideo.VideoPage|nil, apivideo.Response? an iterator over the pages; raises the errors of every call, as error objects
---@field each fun(self, query?: apivideo.VideoQuery, options?: apivideo.CallOptions): fun(): apivideo.Video|nil an iterator over all items; raises the errors of every call, as error objects
---@field all fun(self, query?: apivideo.VideoQuery, options?: apivideo.AllOptions): apivideo.Video[]|nil, apivideo.Error? all items, or at most `limit`, as a list; errors: those of every call
local Videos = collection.class {
  name = "videos", path = "/videos", id_field = "videoId",
  filters = {
    title = "string?", tags = "strings?", metadata = "values?", description = "string?",
    liveStreamId = "string?", sortBy = "string?", sortOrder = "string?",
  },
}

--- Gets the status of a video: the bytes received, and the encoding of each quality.
---@param videoId string
---@param options? apivideo.CallOptions
---@return apivideo.VideoStatus|nil status
---@return apivideo.Error? err those of every call, `not_found` when the video does not exist
---@return apivideo.Response? response not after an error
function Videos:status(videoId, options)
  checks.self(self, Videos, "videos", "status")
  local limits = call_options.check("videos:status", options)
  local ok, err = objects.check_id("videos:status", "videoId", videoId)
  if not ok then return nil, err end
  return objects.get(self._client, "/videos/" .. videoId .. "/status", nil, limits)
end

return {
  ---@param client apivideo.Client
  ---@return apivideo.Videos
  new = function(client) return setmetatable({ _client = client }, Videos) end,
}
