-- Uploads, broadcasts, and the events that follow them.

local apivideo = require "apivideo"
local cjson = require "cjson"
local http = require "apivideo.transport.http"
local misuse = require "spec.support.misuse"
local running = require "spec.support.running"
local server = require "apivideo.server"
local wait_for = require "spec.support.wait"

local QUALITY = "video.encoding.quality.completed"

describe("emulator, encoding,", function()
  local api, client, seen

  after_each(running.stop)

  -- Starts an emulator with a receiver of all events, which collects them in `seen`.
  before_each(function()
    api = running.emulator()
    api:set_encoding { interval = 0.002 }
    client = apivideo.client { api_key = "key", base_url = api.url, retries = 0 }
    seen = {}
    local handlers = apivideo.handlers():otherwise(function(event) seen[#seen + 1] = event end)
    local receiver = apivideo.receiver { handlers = handlers, secrets = client.webhooks:secret_source() }
    local listening = assert(server.listen { receiver = receiver })
    running.add(function() listening:stop() end)
    assert(client.webhooks:create { url = listening.url, events = apivideo.events:names() })
  end)

  -- Sends a request: status, decoded body.
  local function request(method, path, body, headers)
    local response = assert(http.request { method = method, url = api.url .. path, username = "key",
      body = type(body) == "table" and cjson.encode(body) or body, headers = headers })
    return response.status, response.body ~= "" and cjson.decode(response.body) or nil
  end

  -- Uploads a source to a new video. Returns the video.
  local function upload(fields)
    local status, video = request("POST", "/videos", fields or { title = "T" })
    assert.equal(201, status)
    assert.equal(201, (request("POST", "/videos/" .. video.videoId .. "/source", "any bytes")))
    return video
  end

  -- "hls 240p" of each quality event so far, in their order: deliveries may overtake each other.
  local function encoded()
    local list, order = {}, {}
    for _, delivery in ipairs(api.deliveries) do
      local event = cjson.decode(delivery.raw)
      if event.type == QUALITY then list[#list + 1] = event.encoding .. " " .. event.quality end
    end
    for _, event in ipairs(seen) do
      if event.type == QUALITY then order[#order + 1] = event.encoding .. " " .. event.quality end
    end
    assert.equal(#list, #order)
    return list
  end

  local function statuses(id)
    local list = {}
    for i, quality in ipairs(assert(client.videos:status(id)).encoding.qualities) do
      list[i] = ("%s %s %s"):format(quality.type, quality.quality, quality.status)
    end
    return list
  end

  it("sends the documented events of an upload in 720p", function()
    local video = upload()
    assert.is_true(api:settle(60))
    assert.same({ "hls 240p", "hls 360p", "hls 480p", "hls 720p", "mp4 720p" }, encoded())
    for _, event in ipairs(seen) do
      assert.equal(video.videoId, event.videoId)
      assert.is_nil(event.liveStreamId)
    end
    assert.same({ "hls 240p encoded", "hls 360p encoded", "hls 480p encoded", "hls 720p encoded",
      "mp4 720p encoded" }, statuses(video.videoId))
  end)

  it("takes a source of more than 1 MiB, and keeps serving", function()
    local _, video = request("POST", "/videos", { title = "T" })
    local path = "/videos/" .. video.videoId
    assert.equal(201, (request("POST", path .. "/source", ("x"):rep(3 * 1024 * 1024))))
    assert.equal(3 * 1024 * 1024, client.videos:status(video.videoId).ingest.filesize)
  end)

  it("creates a video that waits for its source", function()
    local status, video = request("POST", "/videos", { title = "T", description = "D", public = false, tags = { "a" },
      metadata = { { key = "k", value = "v" } }, playerId = "pl1", videoId = "vi1" })
    assert.equal(201, status)
    assert.not_equal("vi1", video.videoId) -- not a documented field
    for name, value in pairs { title = "T", description = "D", public = false, tags = { "a" }, playerId = "pl1" } do
      assert.same(value, video[name])
    end
    assert.equal("T", assert(client.videos:get(video.videoId)).title)
    local state = assert(client.videos:status(video.videoId))
    assert.equal(apivideo.null, state.ingest.filesize)
    assert.same({}, state.encoding.qualities)
    assert.is_false(state.encoding.playable)
    assert.is_true(api:settle(60))
    assert.same({}, seen)
  end)

  it("moves the statuses along, and is playable after the first quality", function()
    api:set_encoding { interval = 3600 }
    local video = upload()
    local state = assert(client.videos:status(video.videoId))
    assert.equal("uploaded", state.ingest.status)
    assert.equal(9, state.ingest.filesize)
    assert.same({ { from = 0, to = 8, total = 9 } }, state.ingest.receivedBytes)
    assert.is_false(state.encoding.playable)
    wait_for(function() return statuses(video.videoId)[1] == "hls 240p encoding" end, "the first quality")
    assert.same({ "hls 240p encoding", "hls 360p waiting", "hls 480p waiting", "hls 720p waiting",
      "mp4 720p waiting" }, statuses(video.videoId))
    api:reset()
    assert.is_true(api:settle(60))
    assert.same({}, seen)

    api:set_encoding { interval = 0.002, failed = { "hls 240p", "360p" } }
    local states, another = {}, upload()
    wait_for(function()
      local encoding = client.videos:status(another.videoId).encoding
      states[#states + 1] = encoding
      return encoding.qualities[5].status == "encoded"
    end, "all qualities")
    for _, encoding in ipairs(states) do
      local has_encoded = false
      for _, quality in ipairs(encoding.qualities) do has_encoded = has_encoded or quality.status == "encoded" end
      assert.equal(has_encoded, encoding.playable)
    end
  end)

  it("has the qualities of the source, and no MP4 without mp4Support", function()
    api:set_encoding { interval = 0, quality = "360p" }
    upload { title = "T", mp4Support = false }
    assert.is_true(api:settle(60))
    assert.same({ "hls 240p", "hls 360p" }, encoded())
  end)

  it("sends no event for a quality that fails", function()
    api:set_encoding { interval = 0, quality = "480p", failed = { "hls 360p", "mp4 480p" } }
    local video = upload()
    assert.is_true(api:settle(60))
    assert.same({ "hls 240p", "hls 480p" }, encoded())
    assert.same({ "hls 240p encoded", "hls 360p failed", "hls 480p encoded", "mp4 480p failed" },
      statuses(video.videoId))
  end)

  it("encodes a video that is created from a URL, or as a copy", function()
    api:set_encoding { interval = 0, quality = "240p" }
    local status, video = request("POST", "/videos", { title = "T", source = "https://example.com/v.mp4" })
    assert.equal(202, status)
    assert.is_true(api:settle(60))
    assert.same({ "hls 240p", "mp4 240p" }, encoded())
    assert.equal("ingested", client.videos:status(video.videoId).ingest.status)
    assert.equal(400, (request("POST", "/videos/" .. video.videoId .. "/source", "x")))
  end)

  it("rejects invalid videos, live streams and uploads with the documented problems", function()
    local video = upload()
    for _, case in ipairs {
      { "/videos", {}, "title", "attribute-required" }, { "/videos", "[", nil, "bad-request" },
      { "/videos", { title = 5 }, "title", "invalid-attribute" },
      { "/videos", { title = "T", tags = "x" }, "tags", "invalid-attribute" },
      { "/videos", { title = "T", metadata = { "x" } }, "metadata", "invalid-attribute" },
      { "/videos", { title = "T", source = 5 }, "source", "invalid-attribute" },
      { "/live-streams", {}, "name", "attribute-required" },
      { "/live-streams", { name = "N", restreams = "x" }, "restreams", "invalid-attribute" },
      { "/live-streams", { name = "N", restreams = { {}, {}, {}, {}, {}, {} } }, "restreams", "invalid-attribute" },
      { "/videos/" .. video.videoId .. "/source", "x", "file", "video-source-already-uploaded" },
    } do
      local status, problem = request("POST", case[1], case[2])
      assert.equal(400, status)
      assert.equal(case[3], problem.name)
      assert.equal("https://docs.api.video/reference/" .. case[4], problem.type)
    end
    local _, empty = request("POST", "/videos", { title = "T" })
    local source = "/videos/" .. empty.videoId .. "/source"
    assert.matches("uploaded-file-no-file", select(2, request("POST", source, "")).type, 1, true)
    local status, problem = request("POST", source, "x", { "Content-Range: part 1/2" })
    assert.equal(400, status)
    assert.matches("in one request", problem.detail, 1, true)
    assert.equal(404, (request("POST", "/videos/none/source", "x")))
  end)

  it("broadcasts a live stream, and records it", function()
    api:set_encoding { interval = 0.002, quality = "240p" }
    local status, stream = request("POST", "/live-streams", { name = "Stage", broadcasting = true })
    assert.equal(200, status)
    assert.equal("Stage", stream.name)
    assert.is_false(stream.broadcasting)
    local path = "/emulator/live-streams/" .. stream.liveStreamId .. "/broadcast"
    status, stream = request("POST", path)
    assert.equal(200, status)
    assert.is_true(stream.broadcasting)
    assert.is_true(client.live_streams:get(stream.liveStreamId).broadcasting)
    assert.is_true(api:settle(60))
    local recording
    status, recording = request("DELETE", path)
    assert.equal(200, status)
    assert.is_false(client.live_streams:get(stream.liveStreamId).broadcasting)
    assert.is_true(api:settle(60))
    local types = {}
    for i, delivery in ipairs(api.deliveries) do
      local event = cjson.decode(delivery.raw)
      types[i] = event.type
      assert.equal(stream.liveStreamId, event.liveStreamId)
      if i > 2 then assert.equal(recording.videoId, event.videoId) end
    end
    assert.same({ "live-stream.broadcast.started", "live-stream.broadcast.ended", "video.source.recorded",
      QUALITY, QUALITY }, types)
    assert.equal(5, #seen)
    local page = client.videos:list { liveStreamId = stream.liveStreamId }
    assert.equal(recording.videoId, page.data[1].videoId)
  end)

  it("rejects a broadcast of no live stream, and one that is not under way", function()
    api:put_live_stream { liveStreamId = "li1" }
    assert.equal(404, (request("POST", "/emulator/live-streams/li2/broadcast")))
    local status, problem = request("DELETE", "/emulator/live-streams/li1/broadcast")
    assert.equal(400, status)
    assert.equal('live stream "li1" is not broadcasting; start that with POST /emulator/live-streams/li1/broadcast',
      problem.title)
    assert.matches('emulator:end_broadcast: live stream "li1" is not broadcasting; call start_broadcast',
      misuse(function() api:end_broadcast "li1" end), 1, true)
    api:start_broadcast "li1"
    status, problem = request("POST", "/emulator/live-streams/li1/broadcast")
    assert.equal(400, status)
    assert.equal('live stream "li1" is already broadcasting; end that with DELETE /emulator/live-streams/li1/broadcast',
      problem.title)
    assert.matches("emulator:start_broadcast: live stream \"li1\" is already broadcasting; call end_broadcast",
      misuse(function() api:start_broadcast "li1" end), 1, true)
    assert.matches("emulator:end_broadcast: no live stream has the id \"li2\"",
      misuse(function() api:end_broadcast "li2" end), 1, true)
  end)

  it("is set over HTTP, too, and rejects invalid settings", function()
    assert.equal(204, (request("PUT", "/emulator/encoding", { interval = 0, quality = "240p", failed = { "mp4" } })))
    upload()
    assert.is_true(api:settle(60))
    assert.same({ "hls 240p" }, encoded())
    for _, case in ipairs {
      { { quality = "721p" }, 'option "quality" must be one of 240p, 360p, 480p, 720p, 1080p, 2160p, got "721p"' },
      { { failed = { "hls 72p" } }, 'option "failed" must be a list such as { "hls 360p", "mp4", "1080p" }' },
      { { failed = { 5 } }, 'option "failed" must be a list' },
      { { interval = -1 }, 'option "interval" must be a number of seconds' },
      { { speed = 1 }, 'unknown option "speed"' },
    } do
      local message = misuse(function() api:set_encoding(case[1]) end)
      assert.matches("emulator:set_encoding: ", message, 1, true)
      assert.matches(case[2], message, 1, true)
    end
    assert.equal(400, (request("PUT", "/emulator/encoding", { quality = "721p" })))
  end)

  it("ends when the emulator stops", function()
    api:set_encoding { interval = 3600 }
    upload()
    api:stop()
    assert.is_true(api:settle(60))
    assert.same({}, api.deliveries)
  end)

  it("ends when the video is replaced, and at a reset", function()
    api:set_encoding { interval = 0.05 }
    local video = upload()
    api:put_video { videoId = video.videoId }
    assert.is_true(api:settle(60))
    upload()
    api:reset()
    assert.is_true(api:settle(60))
    assert.same({}, seen)
  end)
end)
