-- Every response of the emulator conforms to api.video's OpenAPI document.

local cjson = require "cjson"
local emulator = require "apivideo.emulator"
local http = require "apivideo.transport.http"
local json = require "apivideo.util.json"
local openapi = require "spec.support.openapi"

local RECORDED = "video.source.recorded"
local TYPES = { RECORDED, "live-stream.broadcast.started", "live-stream.broadcast.ended",
  "video.encoding.quality.completed", "video.caption.generated", "video.summary.generated" }

describe("emulator, conformance", function()
  local document = openapi.load "spec/openapi.json"
  local local_api

  after_each(function()
    if local_api then local_api:stop() end
    local_api = nil
  end)

  local function start(limit)
    if local_api then local_api:stop() end
    local_api = assert(emulator.start { api_key = "key",
      rate_limits = { reads = limit or 1e6, writes = limit or 1e6 } })
  end

  -- Sends a request, and checks the status and the conformance of the response.
  local function expect(status, method, target, body, key)
    local response = assert(http.request { method = method, url = local_api.url .. target,
      body = body and cjson.encode(body), username = key or "key", headers = { "Content-Type: application/json" } })
    assert.equal(status, response.status, method .. " " .. target)
    assert.same({}, document:problems(method, target:match("^[^?]*"), response), method .. " " .. target)
    local content_type = response.headers["content-type"]
    assert.equal(status == 204 and "nil" or status < 400 and "application/json" or "application/problem+json",
      tostring(content_type))
    return response.body ~= "" and cjson.decode(response.body)
  end

  local LISTS = { "/webhooks", "/videos", "/live-streams", "/summaries" }

  local sections = {}

  local function section(name, check)
    sections[#sections + 1] = check
    it(name, check)
  end

  section("conforms for /auth", function()
    start()
    local tokens = expect(200, "POST", "/auth/api-key", { apiKey = "key" })
    expect(200, "POST", "/auth/refresh", { refreshToken = tokens.refresh_token })
    for path, name in pairs { ["/auth/api-key"] = "apiKey", ["/auth/refresh"] = "refreshToken" } do
      for _, body in ipairs { { [name] = "x" }, { x = 1 }, { [name] = 5 }, "x" } do expect(400, "POST", path, body) end
    end
  end)

  section("conforms for empty lists", function()
    start()
    local_api:put_video { videoId = "vi1" }
    expect(200, "GET", "/videos/vi1/captions")
    for _, path in ipairs(LISTS) do
      expect(200, "GET", path .. "?currentPage=2")
      expect(400, "GET", path .. "?currentPage=0&pageSize=0")
      expect(401, "GET", path, nil, "no")
    end
    expect(400, "GET", "/videos/vi1/captions?pageSize=0")
  end)

  section("conforms for webhooks", function()
    start()
    local webhook = expect(201, "POST", "/webhooks", { url = "https://example.com/", events = TYPES })
    expect(200, "GET", "/webhooks/" .. webhook.webhookId)
    for _ = 1, 9 do expect(201, "POST", "/webhooks", { url = "http://x", events = { RECORDED } }) end
    expect(400, "POST", "/webhooks", { url = "http://x", events = { RECORDED } })
    for _, body in ipairs { { x = 1 }, { url = 5 }, { events = {} }, { url = "x", events = { "x" } }, "x" } do
      expect(400, "POST", "/webhooks", body)
    end
    for _, query in ipairs { "", "?events=" .. RECORDED, "?currentPage=2&pageSize=4", "?pageSize=1" } do
      expect(200, "GET", "/webhooks" .. query)
    end
    expect(204, "DELETE", "/webhooks/" .. webhook.webhookId)
    expect(404, "DELETE", "/webhooks/" .. webhook.webhookId)
    expect(404, "GET", "/webhooks/" .. webhook.webhookId)
    expect(404, "PATCH", "/webhooks/" .. webhook.webhookId)
  end)

  section("conforms for videos", function()
    start()
    local full = { videoId = "vi1", title = "T", tags = { "a" }, metadata = { { key = "k", value = "v" } },
      languageOrigin = json.null, playerId = "pl1", captions = { { srclang = "en" }, { srclang = "xx" } },
      source = { type = "liveStream", uri = "/x", liveStream = { liveStreamId = "li1",
        links = { { rel = "self", uri = "/y" } } } },
      status = { ingest = { status = "ingesting", filesize = json.null,
          receivedBytes = {}, receivedParts = { parts = { 1, 2 }, total = json.null } },
        encoding = { playable = false, qualities = { { quality = "2160p", status = "failed" } },
          metadata = { width = json.null, videoCodec = json.null } } } }
    for _, video in ipairs { {}, full, { tags = {}, metadata = {}, status = { encoding = { qualities = {} } } } } do
      local id = local_api:put_video(video).videoId
      for _, path in ipairs { "", "/status", "/captions" } do expect(200, "GET", "/videos/" .. id .. path) end
    end
    for _, query in ipairs { "", "?title=T&tags[]=a&metadata[k]=v&liveStreamId=li1", "?sortBy=title&sortOrder=desc",
      "?currentPage=2&pageSize=1", "?title=nothing" } do
      expect(200, "GET", "/videos" .. query)
    end
    expect(200, "GET", "/videos/vi1/captions?pageSize=1&currentPage=2")
    expect(200, "GET", "/videos/vi1/captions/en")
    expect(404, "GET", "/videos/vi1/captions/de")
    expect(400, "GET", "/videos/vi1/captions/fr_CA")
    expect(401, "GET", "/videos/vi1/captions/en", nil, "no")
    expect(400, "GET", "/videos?sortBy=x")
    for _, path in ipairs { "", "/status", "/captions" } do
      expect(404, "GET", "/videos/none" .. path)
      expect(401, "GET", "/videos/none" .. path, nil, "no")
    end
  end)

  section("conforms for uploads", function()
    start()
    local_api:set_encoding { interval = 0, quality = "2160p", failed = { "hls 360p" } }
    local function check_status(id) expect(200, "GET", "/videos/" .. id .. "/status") end
    local video = expect(201, "POST", "/videos", { title = "T", tags = { "a" }, playerId = "pl1", public = false,
      metadata = { { key = "k", value = "v" } } })
    check_status(video.videoId)
    local source = "/videos/" .. video.videoId .. "/source"
    expect(201, "POST", source, "x")
    check_status(video.videoId)
    expect(400, "POST", source, "x")
    expect(404, "POST", "/videos/none/source", "x")
    expect(202, "POST", "/videos", { title = "T", source = "https://example.com/v.mp4" })
    assert.is_true(local_api:settle(60))
    check_status(video.videoId)
    for _, body in ipairs { { x = 1 }, { title = 5, tags = "x" }, "x" } do expect(400, "POST", "/videos", body) end
  end)

  section("conforms for live streams", function()
    start()
    local stream = expect(200, "POST", "/live-streams", { name = "N", restreams = {
      { name = "n", serverUrl = "rtmp://x/y", streamKey = "k" } } })
    local_api:set_encoding { interval = 0 }
    local_api:start_broadcast(stream.liveStreamId)
    expect(200, "GET", "/live-streams/" .. stream.liveStreamId)
    local recording = local_api:end_broadcast(stream.liveStreamId)
    assert.is_true(local_api:settle(60))
    expect(200, "GET", "/videos/" .. recording.videoId)
    expect(200, "GET", "/videos/" .. recording.videoId .. "/status")
    for _, body in ipairs { { x = 1 }, { name = 5 }, { name = "N", restreams = { {}, {}, {}, {}, {}, {} } }, "x" } do
      expect(400, "POST", "/live-streams", body)
    end
    local_api:put_live_stream {}
    local_api:put_live_stream { liveStreamId = "li1", name = "N", playerId = "pl1", restreams = {
      { name = "n", serverUrl = "rtmp://x/y", streamKey = "k" } } }
    for _, query in ipairs { "", "/li1", "?name=N&streamKey=k", "?sortBy=name&sortOrder=asc", "?pageSize=1" } do
      expect(200, "GET", "/live-streams" .. query)
    end
    expect(400, "GET", "/live-streams?sortOrder=x")
    expect(404, "GET", "/live-streams/li2")
  end)

  section("conforms for summaries", function()
    start()
    local_api:put_summary {}
    for _, status in ipairs { "missing", "waiting", "failed", "unprocessable" } do
      local_api:put_summary { sourceStatus = status, origin = "auto" }
    end
    for _, query in ipairs { "", "?origin=auto&sourceStatus=failed&videoId=x", "?sortBy=videoId", "?pageSize=2" } do
      expect(200, "GET", "/summaries" .. query)
    end
    expect(400, "GET", "/summaries?origin=x")
    local_api:put_summary { summaryId = "s1", source = { abstract = "A", takeaways = {} } }
    expect(200, "GET", "/summaries/s1/source")
    expect(404, "GET", "/summaries/none/source")
  end)

  section("conforms for too many requests", function()
    start(0)
    for _, path in ipairs(LISTS) do expect(429, "GET", path) end
    for _, path in ipairs { "/webhooks/x", "/videos/x", "/videos/x/status", "/videos/x/captions",
      "/videos/x/captions/en", "/live-streams/x" } do
      expect(429, "GET", path)
    end
    for _, path in ipairs { "/webhooks", "/videos", "/videos/x/source", "/live-streams" } do
      expect(429, "POST", path, { x = 1 })
    end
    expect(429, "DELETE", "/webhooks/x")
    expect(401, "GET", "/videos", nil, "no")
  end)

  section("conforms for unknown paths", function()
    start()
    for _, path in ipairs { "/", "/players", "/videos/a/b/c", "/summaries/s" } do expect(404, "GET", path) end
  end)

  it("covers every documented response", function()
    for _, check in ipairs(sections) do check() end
    assert.same({}, document:missing())
  end)
end)

describe("openapi", function()
  local document = openapi.load "spec/openapi.json"

  -- The problems of a response with this body and all headers.
  local function problems(method, path, status, body)
    local headers = setmetatable({}, { __index = function() return "1" end })
    return document:problems(method, path, { status = status, headers = headers, body = body })
  end

  it("reports what does not conform", function()
    for body, expected in pairs {
      ['{"webhookId":"w","events":[]}'] = {}, ['{}'] = {}, ['{"events":{}}'] = { "body.events is not an array" },
      ['[]'] = { "body is not an object" }, ['{"url":null}'] = { "body.url is null" },
      ['{"events":["video.source.recorded","x"]}'] = { "body.events[2] is not in the enum: x" },
      ['{"url":5}'] = { "body.url is not a string" }, ['{'] = { "the body is not JSON" },
      ['{"url":"[\\"]{","events":["video.source.recorded"]}'] = {},
    } do
      assert.same(expected, problems("GET", "/webhooks/w", 200, body), body)
    end
    assert.same({ "body.pagination.links is missing" },
      problems("GET", "/webhooks", 200, '{"data":[],"pagination":{}}'))
    assert.same({ "body.ingest.filesize is not an integer" },
      problems("GET", "/videos/v/status", 200, '{"ingest":{"filesize":1.5}}'))
    assert.same({}, problems("GET", "/videos/v/status", 200, '{"ingest":{"filesize":null}}'))
    assert.same({ "body.status differs from the response's status" },
      problems("GET", "/videos/v", 404, '{"status":400}'))
    assert.same({ "body.problems[2] is a duplicate" },
      problems("POST", "/webhooks", 400, '{"status":400,"problems":[{"name":"a"},{"name":"a"}]}'))
    assert.same({ "the body should be empty" }, problems("DELETE", "/webhooks/w", 204, "{}"))
    assert.same({ "202 is not a documented status", "the body should be empty" }, problems("GET", "/videos", 202, "{}"))
    assert.truthy(#document:problems("GET", "/webhooks/w", { status = 200, headers = {}, body = "{}" }) == 3)
  end)
end)
