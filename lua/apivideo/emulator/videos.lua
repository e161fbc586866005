--- /videos: the videos of an account, with their status and captions.
--- https://docs.api.video/reference/api/Videos

local assets = require "apivideo.emulator.assets"
local defaults = require "apivideo.emulator.defaults"
local ids = require "apivideo.emulator.ids"
local json = require "apivideo.util.json"
local pages = require "apivideo.emulator.pages"
local problems = require "apivideo.emulator.problems"
local query = require "apivideo.emulator.query"
local tables = require "apivideo.util.tables"

local videos = {}

local LANGUAGES = { de = "Deutsch", en = "English", es = "Español", fr = "Français", it = "Italiano" }

local function default_video(id, url)
  local now, embed = ids.now(), "https://embed.api.video/vod/" .. id
  local links = assets.links(url, id)
  return {
    title = "", description = "", language = "en", languageOrigin = "api", public = true,
    panoramic = false, mp4Support = true, tags = json.array {}, metadata = json.array {},
    createdAt = now, publishedAt = now, updatedAt = now,
    discarded = false, discardedAt = json.null, deletesAt = json.null,
    source = { uri = "/videos/" .. id .. "/source" },
    assets = {
      iframe = ('<iframe src="%s" width="100%%" height="100%%" frameborder="0" scrolling="no"'
        .. ' allowfullscreen=""></iframe>'):format(embed),
      player = embed, hls = links.hls, thumbnail = ("https://cdn.api.video/vod/%s/thumbnail.jpg"):format(id),
      mp4 = links.mp4,
    },
  }
end

-- The status of a 720p upload that is encoded.
local function default_status()
  local size, qualities = 273579401, json.array {}
  for i, quality in ipairs { "240p", "360p", "480p", "720p" } do
    qualities[i] = { type = "hls", quality = quality, status = "encoded" }
  end
  qualities[5] = { type = "mp4", quality = "720p", status = "encoded" }
  return {
    ingest = {
      status = "uploaded", filesize = size,
      receivedBytes = json.array { { from = 0, to = size - 1, total = size } },
    },
    encoding = {
      playable = true, qualities = qualities,
      metadata = { width = 1280, height = 720, bitrate = 411.218, duration = 4176, framerate = 24,
        samplerate = 48000, videoCodec = "h264", audioCodec = "aac", aspectRatio = "16/9" },
    },
  }
end

local function complete_status(fields)
  local default = default_status()
  local status = defaults.apply(fields or {}, default)
  status.ingest = defaults.apply(status.ingest, default.ingest)
  status.encoding = defaults.apply(status.encoding, default.encoding)
  return status
end

local function complete_captions(captions, id)
  local list = json.array {}
  for i, caption in ipairs(captions or {}) do
    local language = caption.srclang or "en"
    list[i] = defaults.apply(caption, {
      srclang = language, languageName = LANGUAGES[language] or language, default = false,
      uri = ("/videos/%s/captions/%s"):format(id, language),
      src = ("https://cdn.api.video/vod/%s/captions/%s.vtt"):format(id, language),
    })
  end
  return list
end

--- The types of the fields that a test sets.
videos.schema = {
  videoId = "string", status = { ingest = {}, encoding = {} }, captions = { { srclang = "string" } },
  tags = {}, metadata = { {} },
}

--- Fills in the fields that a video lacks.
---@param fields table
---@param url string of the emulator, which serves its files
---@return table video with status and captions
function videos.complete(fields, url)
  local id = fields.videoId or ids.new "vi"
  local video = defaults.apply(fields, default_video(id, url))
  video.videoId = id
  video.status, video.captions = complete_status(fields.status), complete_captions(fields.captions, id)
  return video
end

--- The video as GET /videos returns it: status and captions have endpoints of their own.
---@param video table
---@return table
function videos.representation(video)
  local copy = tables.merge(video)
  copy.status, copy.captions = nil, nil
  return copy
end

local function has_tags(video, tags)
  local present = {}
  for _, tag in ipairs(video.tags) do present[tag] = true end
  for _, tag in ipairs(tags) do
    if not present[tag] then return false end
  end
  return true
end

local function has_metadata(video, metadata)
  local values = {}
  for _, item in ipairs(video.metadata) do values[item.key or ""] = item.value end
  for key, value in pairs(metadata) do
    if values[key] ~= value then return false end
  end
  return true
end

local function live_stream_of(video)
  local stream = type(video.source) == "table" and video.source.liveStream
  return type(stream) == "table" and stream.liveStreamId or nil
end

--- GET /videos
function videos.list(self, request)
  local tags, metadata = query.list(request, "tags"), query.map(request, "metadata")
  local matches = self.videos:select(function(video)
    return query.contains(request, "title", video.title)
      and query.contains(request, "description", video.description)
      and query.equals(request, "liveStreamId", live_stream_of(video))
      and has_tags(video, tags) and has_metadata(video, metadata)
  end)
  return pages.paginate(request, matches, {
    uri = self.url .. "/videos", show = videos.representation,
    sort_by = { "title", "createdAt", "publishedAt", "updatedAt" },
  })
end

-- A route for one video, which responds 404 if the video does not exist.
local function video_route(respond)
  return function(self, request, id, language)
    local video = self.videos:find(id)
    if not video then return 404, problems.not_found("videoId") end
    return respond(video, request, language)
  end
end

--- GET /videos/{videoId}
videos.get = video_route(function(video) return 200, videos.representation(video) end)

--- GET /videos/{videoId}/status
videos.get_status = video_route(function(video) return 200, video.status end)

--- GET /videos/{videoId}/captions. The links are relative, as documented.
videos.list_captions = video_route(function(video, request)
  return pages.paginate(request, video.captions, { uri = "/videos/" .. video.videoId .. "/captions" })
end)

--- GET /videos/{videoId}/captions/{language}
videos.get_caption = video_route(function(video, _, language)
  if language:find "[^%a%-]" then return 400, problems.invalid_language() end
  for _, caption in ipairs(video.captions) do
    if caption.srclang == language then return 200, caption end
  end
  return 404, problems.not_found("language")
end)

return videos
