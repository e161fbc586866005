--- /videos: the videos of an account, with their status and captions.
--- https://docs.api.video/reference/api/Videos

local fill = require "apivideo.emulator.fill"
local ids = require "apivideo.emulator.ids"
local json = require "apivideo.util.json"
local pages = require "apivideo.emulator.pages"
local problems = require "apivideo.emulator.problems"
local query = require "apivideo.emulator.query"

local videos = {}

local LANGUAGES = { de = "Deutsch", en = "English", es = "Español", fr = "Français", it = "Italiano" }

local function default_video(id)
  local now, embed = ids.now(), "https://embed.api.video/vod/" .. id
  local cdn = "https://cdn.api.video/vod/" .. id
  return {
    title = "", description = "", language = "en", languageOrigin = "api", public = true,
    panoramic = false, mp4Support = true, tags = json.array {}, metadata = json.array {},
    createdAt = now, publishedAt = now, updatedAt = now,
    discarded = false, discardedAt = json.null, deletesAt = json.null,
    source = { uri = "/videos/" .. id .. "/source" },
    assets = {
      iframe = ('<iframe src="%s" width="100%%" height="100%%" frameborder="0" scrolling="no"'
        .. ' allowfullscreen=""></iframe>'):format(embed),
      player = embed, hls = cdn .. "/hls/manifest.m3u8", thumbnail = cdn .. "/thumbnail.jpg",
      mp4 = cdn .. "/mp4/source.mp4",
    },
  }
end

-- Of a 720p upload that is ready.
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

local function whole_status(given)
  local default = default_status()
  local status = fill.with(given or {}, default)
  status.ingest = fill.with(status.ingest, default.ingest)
  status.encoding = fill.with(status.encoding, default.encoding)
  return status
end

local function whole_captions(given, id)
  local list = json.array {}
  for i, caption in ipairs(given or {}) do
    local language = caption.srclang or "en"
    list[i] = fill.with(caption, {
      srclang = language, languageName = LANGUAGES[language] or language, default = false,
      uri = ("/videos/%s/captions/%s"):format(id, language),
      src = ("https://cdn.api.video/vod/%s/captions/%s.vtt"):format(id, language),
    })
  end
  return list
end

--- Makes a video whole.
---@param given table
---@return table video with status and captions
function videos.whole(given)
  local id = given.videoId or ids.new "vi"
  local video = fill.with(given, default_video(id))
  video.videoId = id
  video.status, video.captions = whole_status(given.status), whole_captions(given.captions, id)
  return video
end

-- What GET /videos shows.
local function shown(video)
  local copy = {}
  for name, value in pairs(video) do copy[name] = value end
  copy.status, copy.captions = nil, nil
  return copy
end

local function has_tags(video, tags)
  local has = {}
  for _, tag in ipairs(video.tags) do has[tag] = true end
  for _, tag in ipairs(tags) do
    if not has[tag] then return false end
  end
  return true
end

local function has_metadata(video, metadata)
  local has = {}
  for _, item in ipairs(video.metadata) do has[item.key] = item.value end
  for key, value in pairs(metadata) do
    if has[key] ~= value then return false end
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
  local wanted = self.videos:select(function(video)
    return query.is_part(request, "title", video.title)
      and query.is_part(request, "description", video.description)
      and query.is_equal(request, "liveStreamId", live_stream_of(video))
      and has_tags(video, tags) and has_metadata(video, metadata)
  end)
  return pages.answer(request, wanted, {
    uri = self.url .. "/videos", show = shown,
    sort_by = { "title", "createdAt", "publishedAt", "updatedAt" },
  })
end

-- A route that answers with something of one video.
local function of_video(show)
  return function(self, request, id)
    local video = self.videos:find(id)
    if not video then return 404, problems.not_found("videoId") end
    return show(video, request)
  end
end

--- GET /videos/{videoId}
videos.get = of_video(function(video) return 200, shown(video) end)

--- GET /videos/{videoId}/status
videos.get_status = of_video(function(video) return 200, video.status end)

--- GET /videos/{videoId}/captions. Its links are relative, as documented.
videos.list_captions = of_video(function(video, request)
  return pages.answer(request, video.captions, { uri = "/videos/" .. video.videoId .. "/captions" })
end)

return videos
