--- The videos of an account, and the progress of their encoding.
--- https://docs.api.video/reference/api/Videos

local cancellation = require "apivideo.runtime.cancellation"
local checks = require "apivideo.util.checks"
local collection = require "apivideo.resources.collection"
local conditions = require "apivideo.util.conditions"
local errors = require "apivideo.error"
local objects = require "apivideo.resources.objects"
local runtime = require "apivideo.runtime"
local unknown = require "apivideo.events.unknown"
local video_wait = require "apivideo.resources.video_wait"

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
---@field status fun(self, videoId: string, options?: apivideo.CallOptions): apivideo.VideoStatus|nil, apivideo.Error?, apivideo.Response? the bytes received, and the encoding of each quality; errors: those of every call, `not_found` when the video does not exist
local Videos = collection.class {
  name = "videos", path = "/videos", id_field = "videoId", getters = { get = "", status = "/status" },
  filters = {
    title = "string?", tags = "strings?", metadata = "values?", description = "string?",
    liveStreamId = "string?", sortBy = "string?", sortOrder = "string?",
  },
}

local WAIT_OPTIONS = { timeout = "seconds>0?", cancel = "table?", probe = "boolean?" }

local function check_wait(condition, options)
  local problem = conditions.problem(condition)
  checks.options("videos:wait", options, WAIT_OPTIONS, 4)
  cancellation.check("videos:wait", options.cancel, 4)
  if problem then error("videos:wait: " .. problem, 3) end
  unknown.warn_condition("videos:wait", condition, "waiting until the video has it")
end

--- Waits until a video is ready: polls its status with growing pauses (1 to 15 seconds); an event about the video that
--- passes through this process ends a pause. All waits of a client for one video share the polls.
---@param videoId string
---@param condition apivideo.Condition "playable"; "mp4": an MP4 is encoded; "720p": that quality is, in HLS; "all": each quality that the status lists is encoded or failed; or a function of the status. Names are compared without case
---@param options? apivideo.WaitOptions
---@return apivideo.VideoStatus|nil status
---@return apivideo.Error? err those of every call, `encoding_failed` when the condition can no longer be met, `not_found` when the video does not exist or is deleted; with the last `video_status`; errors that may pass, such as 5xx, do not end the wait
function Videos:wait(videoId, condition, options)
  checks.self(self, Videos, "videos", "wait")
  options, condition = options or {}, conditions.normal(condition)
  check_wait(condition, options)
  local ok, err = objects.check_id("videos:wait", "videoId", videoId)
  if not ok then return nil, err end
  local obstacle = runtime.refusal()
  if obstacle then return nil, errors.new("wrong_phase", obstacle) end
  return video_wait.run(self._client, self._polls, videoId, condition, options)
end

return {
  ---@param client apivideo.Client
  ---@return apivideo.Videos
  new = function(client)
    return setmetatable({ _client = client, _polls = setmetatable({}, { __mode = "v" }) }, Videos)
  end,
}
