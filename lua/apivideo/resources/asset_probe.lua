--- Whether a file of a video is served already: a video is playable before the CDN has its manifest. The file is on
--- another host than the API, so the requests have none of the client's credentials.

local http = require "apivideo.transport.http"

local MANIFEST_MAX_BYTES = 1024 * 1024
local TITLES = { hls = "HLS manifest", mp4 = "MP4" }

local asset_probe = {}

-- What is wrong with the response to a request for a file; nil if it is served.
local function problem_of(name, response, err)
  if not response then return ("its %s could not be requested: %s"):format(TITLES[name], err.message) end
  if response.status ~= 200 then return ("its %s has the status %d"):format(TITLES[name], response.status) end
  if name == "hls" and not response.body:find("#EXTM3U", 1, true) then return "its HLS manifest is empty" end
  return nil
end

-- Requests a file: a manifest, or the header section of an MP4, which may be large.
local function request(account, name, url)
  local connection, limits = account.connection, account.limits
  return http.request {
    method = name == "mp4" and "HEAD" or "GET", url = url, max_body = MANIFEST_MAX_BYTES,
    timeout = limits.timeout, connect_timeout = limits.connect_timeout,
    proxy = connection.proxy, ca_file = connection.ca_file, http2 = connection.http2,
  }
end

--- Whether a file of a video is served. The video is read each time: the link of a private video is valid once.
---@param client apivideo.Client
---@param videoId string
---@param name "hls"|"mp4"
---@return { problem?: string }|nil result without a problem, the file is served
---@return apivideo.Error? err of the request for the video
function asset_probe.run(client, videoId, name)
  local video, err = client.videos:get(videoId, { retries = 0 })
  if not video then return nil, err end
  local url = type(video.assets) == "table" and video.assets[name]
  if type(url) ~= "string" or not url:find "^https?://" then
    return { problem = ("the video has no link to its %s"):format(TITLES[name]) }
  end
  return { problem = problem_of(name, request(client._account(), name, url)) }
end

return asset_probe
