-- The option `probe` of client.videos:wait: the files of the video are served, too.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local json = require "apivideo.util.json"
local running = require "spec.support.running"
local waiting = require "spec.support.waiting"

local MANIFEST = "#EXTM3U\n#EXT-X-VERSION:3\n"

describe("videos:wait with probe", function()
  before_each(function() waiting.pauses(0.02, 0.04) end)

  after_each(function()
    running.stop()
    waiting.restore()
  end)

  -- A local api.video with an encoded video, whose files are at a peer. The peer responds to each request for a file
  -- with the next step, and the last one repeatedly: { status line, body }.
  local function serving(steps, more)
    local count = 0
    local cdn = running.serving(function()
      count = count + 1
      local step = steps[math.min(count, #steps)]
      return step[1], step[3], step[2]
    end)
    local api = running.emulator()
    local assets = { hls = cdn.url .. "/hls/manifest.m3u8", mp4 = cdn.url .. "/source.mp4" }
    local video = { videoId = "vi1", assets = assets }
    for name, value in pairs(more or {}) do video[name] = value end
    api:put_video(video)
    return client_of(api.url, { headers = { ["X-Own"] = "own" } }), cdn, api
  end

  local function lines(p)
    local list = {}
    for i, request in ipairs(p.requests) do list[i] = request.line:match "^(%S+ %S+)" end
    return list
  end

  it("waits until the manifest is served, and not empty", function()
    local client, cdn = serving { { "202 Accepted", "" }, { "404 Not Found", "" }, { "200 OK", "" },
      { "200 OK", MANIFEST } }
    local status = assert(client.videos:wait("vi1", "playable", { probe = true, timeout = 60 }))
    assert.is_true(status.encoding.playable)
    local line = "GET /hls/manifest.m3u8"
    assert.same({ line, line, line, line }, lines(cdn))
  end)

  it("waits until the MP4 is served, without reading it", function()
    local client, cdn = serving { { "404 Not Found", "" }, { "200 OK", ("x"):rep(100) } }
    assert(client.videos:wait("vi1", "mp4", { probe = true, timeout = 60 }))
    assert.same({ "HEAD /source.mp4", "HEAD /source.mp4" }, lines(cdn))
  end)

  it("waits for both files of all qualities", function()
    local client, cdn = serving { { "200 OK", MANIFEST } }
    assert(client.videos:wait("vi1", "all", { probe = true, timeout = 60 }))
    assert.same({ "GET /hls/manifest.m3u8", "HEAD /source.mp4" }, lines(cdn))
  end)

  it("waits for the manifest only, of a video without an MP4", function()
    local client, cdn = serving({ { "200 OK", MANIFEST } }, { status = { encoding = { playable = true,
      qualities = { { type = "hls", quality = "240p", status = "encoded" } } } } })
    assert(client.videos:wait("vi1", "all", { probe = true, timeout = 60 }))
    assert.same({ "GET /hls/manifest.m3u8" }, lines(cdn))
  end)

  it("sends none of the credentials and headers of the client", function()
    local client, cdn = serving { { "200 OK", MANIFEST } }
    assert(client.videos:wait("vi1", "playable", { probe = true, timeout = 60 }))
    local head = cdn.requests[1].head:lower()
    for _, name in ipairs { "authorization", "x-own", "av-origin" } do assert.is_nil(head:find(name, 1, true), name) end
  end)

  it("requests no file before the condition is met, and none without the option", function()
    local client, cdn, api = serving({ { "200 OK", MANIFEST } }, { status = { encoding = { playable = false } } })
    assert.equal("timeout", select(2, client.videos:wait("vi1", "playable", { probe = true, timeout = 0.1 })).kind)
    api:put_video { videoId = "vi1" }
    assert(client.videos:wait("vi1", "playable", { timeout = 60 }))
    assert.equal(0, cdn.connections)
  end)

  it("reads the link each time: that of a private video is valid once", function()
    local client, _, api = serving { { "404 Not Found", "" }, { "404 Not Found", "" }, { "200 OK", MANIFEST } }
    assert(client.videos:wait("vi1", "720p", { probe = true, timeout = 60 }))
    local count = 0
    for _, request in ipairs(api.requests) do
      if request.path == "/videos/vi1" then count = count + 1 end
    end
    assert.equal(3, count)
  end)

  it("follows no redirect, and waits while there is no link, or no connection", function()
    local redirect = { "302 Found", "", "Location: http://127.0.0.1:9/\r\n" }
    for _, case in ipairs {
      { { redirect }, {}, "its HLS manifest has the status 302" },
      { { redirect }, { assets = json.null }, "the video has no link to its HLS manifest" },
      { { redirect }, { assets = { hls = "file:///etc/passwd" } }, "the video has no link to its HLS manifest" },
      { { redirect }, { assets = { hls = "http://127.0.0.1:9/" } }, "its HLS manifest could not be requested: " },
      { { { "200 OK", ("x"):rep(2 * 1024 * 1024) } }, {}, "its HLS manifest could not be requested: " },
    } do
      local client = serving(case[1], case[2])
      local status, err = client.videos:wait("vi1", "playable", { probe = true, timeout = 0.3 })
      assert.is_nil(status)
      assert.equal("timeout", err.kind)
      local expected = 'the video vi1 is not "playable" after 0.3 s: it is encoded, but ' .. case[3]
      assert.equal(expected, err.message:sub(1, #expected))
      assert.is_true(err.video_status.encoding.playable)
      running.stop()
    end
  end)

  it("ends when the video is deleted, and when it is cancelled", function()
    local cancel = apivideo.cancellation()
    local client, cdn, api = serving { { "404 Not Found", "" } }
    api:fault { on = "GET /videos/vi1", status = 404 }
    assert.equal("not_found", select(2, client.videos:wait("vi1", "playable", { probe = true, timeout = 60 })).kind)
    apivideo.spawn(function()
      while #cdn.requests < 2 do apivideo.sleep(0.001) end
      cancel:cancel()
    end)
    local _, err = client.videos:wait("vi1", "playable", { probe = true, timeout = 60, cancel = cancel })
    assert.equal("cancelled", err.kind)
  end)
end)
