--- The files that the links of a video lead to: a manifest, and an MP4 without content. They exist once a quality of
--- their encoding is encoded. As with a CDN, requests for them need no credentials, and have no rate limit.

local MANIFEST = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-ENDLIST\n"

local assets = {}

local function is_encoded(status, encoding)
  for _, quality in ipairs(status.encoding.qualities) do
    if quality.status == "encoded" and quality.type == encoding then return true end
  end
  return false
end

--- The links of a video to its files.
---@param url string of the emulator
---@param id string
---@return { hls: string, mp4: string }
function assets.links(url, id)
  local base = url .. "/vod/" .. id
  return { hls = base .. "/hls/manifest.m3u8", mp4 = base .. "/mp4/source.mp4" }
end

--- Responds to a request for a file of a video. Nil for other paths.
---@param self apivideo.Emulator
---@param request apivideo.ServerRequest
---@return apivideo.emulator.Response?
function assets.respond(self, request)
  local id, file = request.path:match "^/vod/([^/]+)/(.+)$"
  if not id then return nil end
  local video = self.videos:find(id)
  if video and file == "hls/manifest.m3u8" and is_encoded(video.status, "hls") then
    return { status = 200, headers = { ["Content-Type"] = "application/vnd.apple.mpegurl" }, body = MANIFEST }
  elseif video and file == "mp4/source.mp4" and is_encoded(video.status, "mp4") then
    return { status = 200, headers = { ["Content-Type"] = "video/mp4" }, body = "" }
  end
  return { status = 404, headers = { ["Content-Type"] = "text/plain" }, body = "not encoded yet\n" }
end

return assets
