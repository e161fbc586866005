-- The files that the links of a video lead to.

local client_of = require "spec.support.client"
local http = require "apivideo.transport.http"
local running = require "spec.support.running"

describe("emulator, files of a video,", function()
  after_each(running.stop)

  local function request(url, method)
    local response = assert(http.request { method = method or "GET", url = url })
    return response.status, response.body
  end

  it("are served once they are encoded, without credentials and beside the rate limit", function()
    local api = running.emulator { rate_limits = { reads = 1, writes = 9 } }
    local client = client_of(api.url)
    local qualities = { { type = "hls", quality = "240p", status = "encoded" },
      { type = "mp4", quality = "240p", status = "waiting" } }
    local video = api:put_video { videoId = "vi1", status = { encoding = { qualities = qualities } } }
    assert.equal(video.assets.hls, client.videos:get("vi1").assets.hls)
    local status, manifest = request(video.assets.hls)
    assert.equal(200, status)
    assert.truthy(manifest:find "^#EXTM3U\n")
    assert.equal(404, (request(video.assets.mp4)))
    api:put_video { videoId = "vi1" }
    assert.equal(200, (request(video.assets.mp4)))
    assert.same({ 200, "" }, { request(video.assets.hls, "HEAD") })
    assert.equal(404, (request(api.url .. "/vod/vi2/hls/manifest.m3u8")))
    assert.equal(404, (request(api.url .. "/vod/vi1/hls/other.m3u8")))
  end)

  it("are what videos:wait probes; faults apply to them", function()
    local api = running.emulator()
    local client = client_of(api.url)
    api:set_encoding { quality = "240p", interval = 0.01 }
    local body = { title = "t", source = "https://example.com/a" }
    local video = assert(client:request("POST", "/videos", { body = body }))
    api:fault { on = "GET /vod/.*", status = 202, body = "" }
    assert(client.videos:wait(video.videoId, "all", { probe = true, timeout = 60 }))
    local statuses = {}
    for _, one in ipairs(api.requests) do
      if one.path:find "^/vod/" then statuses[#statuses + 1] = one.method .. " " .. one.status end
    end
    assert.same({ "GET 202", "GET 200", "HEAD 200" }, statuses)
  end)
end)
