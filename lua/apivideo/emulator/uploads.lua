--- POST /videos and POST /videos/{videoId}/source. https://docs.api.video/reference/api/Videos

local encoding = require "apivideo.emulator.encoding"
local json = require "apivideo.util.json"
local problems = require "apivideo.emulator.problems"
local videos = require "apivideo.emulator.videos"

local uploads = {}

-- The documented fields of POST /videos that a video has, too.
local FIELDS = { "title", "description", "public", "panoramic", "mp4Support", "playerId", "tags", "metadata",
  "language" }

--- POST /videos. With a `source`, which is a URL or another video, the status is 202, and api.video requests it.
function uploads.create(self, request)
  local body = json.decode(request.body)
  local problem = problems.check_video(body)
  if problem then return 400, problem end
  local fields = {}
  for _, name in ipairs(FIELDS) do
    if body[name] ~= json.null then fields[name] = body[name] end
  end
  local video = videos.complete(fields, self.url)
  video.status = encoding.status_without_source()
  self.videos:put(video)
  if body.source == nil then return 201, videos.representation(video) end
  encoding.start(self, video, encoding.ingesting())
  return 202, videos.representation(video)
end

--- POST /videos/{videoId}/source
function uploads.post_source(self, request, id)
  local video = self.videos:find(id)
  if not video then return 404, problems.not_found("videoId") end
  if request.headers["content-range"] then return 400, problems.progressive_upload() end
  if video.status.ingest.status ~= "uploading" then return 400, problems.already_uploaded() end
  local size = #request.body
  if size == 0 then return 400, problems.no_file() end
  encoding.start(self, video, {
    status = "uploaded", filesize = size, receivedBytes = json.array { { from = 0, to = size - 1, total = size } },
  })
  return 201, videos.representation(video)
end

return uploads
