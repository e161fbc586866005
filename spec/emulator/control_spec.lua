-- The routes under /emulator, for tests in other languages.

local apivideo = require "apivideo"
local cjson = require "cjson"
local docs = require "spec.support.docs"
local file = require "spec.support.file"
local http = require "apivideo.transport.http"
local running = require "spec.support.running"
local shell = require "spec.support.shell"
local wait_for = require "spec.support.wait"

local RECORDED = "video.source.recorded"

describe("emulator, controlled over HTTP,", function()
  local api, client

  after_each(running.stop)

  local function start(more)
    api = running.emulator(more)
    client = apivideo.client { api_key = "key", base_url = api.url, retries = 0 }
  end

  -- Sends a request: status, decoded body, response.
  local function request(method, path, body, key)
    if type(body) == "table" then body = cjson.encode(body) end
    local response = assert(http.request { method = method, url = api.url .. path, body = body,
      username = key or "key", headers = { "Content-Type: application/json", "Connection: close" } })
    return response.status, response.body ~= "" and cjson.decode(response.body) or nil, response
  end

  local function subscribe(url)
    return assert(client.webhooks:create { url = url, events = { RECORDED } })
  end

  describe("GET /emulator/requests", function()
    it("lists the requests, but not those to /emulator", function()
      start()
      local _, none, response = request("GET", "/emulator/requests")
      assert.same({ data = {} }, none)
      assert.equal('{"data":[]}', response.body)
      api:fault { status = 503, on = "/videos" }
      request("GET", "/videos?tags[]=a&tags[]=b")
      request("POST", "/webhooks", "{}")
      local status, list = request("GET", "/emulator/requests")
      assert.equal(200, status)
      local first, second = list.data[1], list.data[2]
      assert.equal(2, #list.data)
      assert.equal("GET", first.method)
      assert.equal("/videos", first.path)
      assert.same({ ["tags[]"] = { "a", "b" } }, first.query)
      assert.equal("application/json", first.headers["content-type"])
      assert.equal(503, first.status)
      assert.equal("status", first.fault)
      assert.equal("", first.body)
      assert.equal("{}", second.body)
      assert.equal(400, second.status)
      assert.is_nil(second.fault)
    end)

    it("encodes bytes that are not UTF-8", function()
      start()
      http.request { method = "POST", url = api.url .. "/a?b%FF=c%FFd", body = "\255\0x", headers = { "X-Y: \233" } }
      local status, list, response = request("GET", "/emulator/requests")
      assert.equal(200, status)
      assert.is_nil(list.data[1].body)
      assert.equal("/wB4", list.data[1].body_base64)
      assert.equal("\239\191\189", list.data[1].headers["x-y"])
      assert.same({ ["b\239\191\189"] = "c\239\191\189d" }, list.data[1].query)
      assert.truthy(require("apivideo.util.json").decode(response.body)) -- which rejects invalid UTF-8
    end)

    it("keeps a limited number of requests, and of bytes", function()
      start()
      for i = 1, 1001 do request("GET", "/" .. i) end
      local _, list = request("GET", "/emulator/requests")
      assert.equal(1000, #list.data)
      assert.equal("/2", list.data[1].path)
      assert.equal("/1001", list.data[1000].path)
      for i = 1, 10 do request("POST", "/large/" .. i, ("x"):rep(1024 * 1024)) end
      local bytes = 0
      for _, recorded in ipairs(api.requests) do bytes = bytes + #recorded.body end
      assert.equal(7 * 1024 * 1024, bytes)
      assert.equal("/large/10", api.requests[#api.requests].path)
    end)
  end)

  it("lists the deliveries with their attempts", function()
    start { max_attempts = 2, interval = 0.001 }
    local peer = running.responding("500 X")
    local webhook = subscribe(peer.url)
    local raw = cjson.encode(apivideo.events:sample(RECORDED))
    assert.equal(202, (request("POST", "/emulator/events", raw)))
    assert(api:settle(60))
    subscribe "http://127.0.0.1:1/"
    api:emit "\255"
    assert(api:settle(60))
    local status, list = request("GET", "/emulator/deliveries")
    assert.equal(200, status)
    assert.equal(3, #list.data)
    local delivery, other = list.data[1], list.data[3]
    assert.equal(webhook.webhookId, delivery.webhookId)
    assert.equal(peer.url, delivery.url)
    assert.equal("failed", delivery.state)
    assert.equal(raw, delivery.raw)
    assert.equal(2, #delivery.attempts)
    assert.equal(500, delivery.attempts[1].status)
    assert.is_true(delivery.attempts[1].at <= delivery.attempts[2].at)
    assert.is_true(delivery.attempts[1].seconds >= 0)
    assert.equal("/w==", other.raw_base64)
    assert.equal("network", other.attempts[1].err.kind)
    assert.equal("string", type(other.attempts[1].err.message))
  end)

  it("rejects a body that is not a JSON object with one title, and says why it is not JSON", function()
    start()
    for _, route in ipairs { "POST /emulator/events", "POST /emulator/faults", "PUT /emulator/videos/vi1" } do
      local method, path = route:match "(%S+) (%S+)"
      for body, detail in pairs { [''] = "unexpected end of input at byte 0", ['5'] = false, ['[]'] = false } do
        local status, problem = request(method, path, body)
        assert.equal(400, status, route)
        assert.equal("The body is not a JSON object.", problem.title, route)
        assert.equal(detail or nil, problem.detail, route)
      end
    end
  end)

  describe("POST /emulator/faults", function()
    it("injects a fault", function()
      start()
      local status, body = request("POST", "/emulator/faults",
        '{"status":503,"on":"GET /videos","times":2,"body":null}')
      assert.equal(204, status)
      assert.is_nil(body)
      assert.equal(200, (request("GET", "/webhooks")))
      for _, expected in ipairs { 503, 503, 200 } do assert.equal(expected, (request("GET", "/videos"))) end
      request("POST", "/emulator/faults", '{"rate_limited":{"header":"Retry-After","seconds":7}}')
      local limited, _, response = request("GET", "/videos")
      assert.equal(429, limited)
      assert.equal("7", response.headers["Retry-After"])
    end)

    it("closes connections at once", function()
      start()
      assert.equal(204, (request("POST", "/emulator/faults", '{"refuse":true}')))
      assert.equal("network", select(2, http.request { method = "GET", url = api.url .. "/videos" }).kind)
      assert.equal(200, (request("GET", "/videos")))
    end)

    it("rejects an invalid fault, and says what is wrong", function()
      start()
      for body, expected in pairs {
        ['{"statuss":503}'] = 'unknown field "statuss"; did you mean "status"?',
        ['{"status":"503"}'] = 'field "status" must be an integer from 200 to 599, got string',
        ['{"status":503,"times":"all"}'] = 'field "times" must be an integer of at least 1, got string',
        ['{"rate_limited":5}'] = 'field "rate_limited" must be an object, got number',
        ['{"rate_limited":{"header":"X"}}'] = 'field "rate_limited" must be an object with the header',
        ['{"status":503,"on":{}}'] = 'field "on" must be a string, got object or list',
        ['{"status":503,"stall":true}'] = 'a fault must have one kind, not both "status" and "stall"',
        ['{}'] = "a fault must have a kind, one of: latency",
        ['{"rate_limited":{"second":1}}'] = 'rate_limited: unknown field "second"; did you mean "seconds"?',
        ['[5]'] = 'The body is not a JSON object.',
      } do
        local status, problem, response = request("POST", "/emulator/faults", body)
        assert.equal(400, status, body)
        assert.equal(400, problem.status)
        assert.matches(expected, problem.title, 1, true)
        assert.equal("application/problem+json", response.headers["content-type"])
      end
      assert.equal(200, (request("GET", "/videos")))
    end)
  end)

  describe("DELETE /emulator/faults", function()
    it("removes the faults that are still pending", function()
      start()
      request("POST", "/emulator/faults", '{"status":503,"times":1000}')
      request("POST", "/emulator/faults", '{"status":500}')
      assert.equal(503, (request("GET", "/videos")))
      local status, body = request("DELETE", "/emulator/faults")
      assert.equal(204, status)
      assert.is_nil(body)
      assert.equal(200, (request("GET", "/videos")))
    end)
  end)

  describe("GET /emulator/settle", function()
    it("responds when the recording of a broadcast is encoded and all deliveries have ended", function()
      start()
      local peer = running.responding("204 X")
      assert(client.webhooks:create { url = peer.url, events = { "live-stream.broadcast.started",
        "live-stream.broadcast.ended", RECORDED, "video.encoding.quality.completed" } })
      assert.equal(204, (request("GET", "/emulator/settle")))
      assert.equal(204, (request("PUT", "/emulator/encoding", '{"quality":"240p","interval":0.02}')))
      request("PUT", "/emulator/live-streams/li1", "{}")
      request("POST", "/emulator/live-streams/li1/broadcast")
      request("DELETE", "/emulator/live-streams/li1/broadcast")
      local status, body = request("GET", "/emulator/settle?seconds=60")
      assert.equal(204, status)
      assert.is_nil(body)
      local types = {}
      for _, delivery in ipairs(api.deliveries) do
        assert.equal("delivered", delivery.state)
        types[#types + 1] = cjson.decode(delivery.raw).type
      end
      assert.same({ "live-stream.broadcast.started", "live-stream.broadcast.ended", RECORDED,
        "video.encoding.quality.completed", "video.encoding.quality.completed" }, types)
    end)

    it("responds with 504 after the time limit", function()
      start { interval = 3600 }
      subscribe(running.responding("500 X").url)
      api:emit(apivideo.events:sample(RECORDED))
      for _, seconds in ipairs { "0", "0.01" } do
        local status, problem = request("GET", "/emulator/settle?seconds=" .. seconds)
        assert.equal(504, status)
        assert.same({ status = 504,
          title = "a delivery or an encoding is still in progress after " .. seconds .. " seconds" }, problem)
      end
      api:reset()
    end)

    it("rejects an invalid time limit", function()
      start()
      for _, seconds in ipairs { "", "x", "-1", "null", "[]", "1s" } do
        local status, problem = request("GET", "/emulator/settle?seconds=" .. seconds)
        assert.equal(400, status, seconds)
        assert.equal('parameter "seconds" must be a number of seconds of at least 0', problem.title)
        assert.equal("seconds", problem.name)
      end
      local status, problem = request("GET", "/emulator/settle?second=1")
      assert.same({ 400, 'unknown parameter "second"; known: seconds' }, { status, problem.title })
    end)
  end)

  describe("PUT /emulator/encoding", function()
    it("says in terms of JSON what is wrong", function()
      start()
      for body, expected in pairs {
        ['{"failed":"mp4"}'] = 'field "failed" must be a list, got string',
        ['{"failed":["mp5"]}'] = 'field "failed" must be a list such as ["hls 360p", "mp4", "1080p"]',
        ['{"quality":"1p"}'] = 'field "quality" ',
      } do
        local status, problem = request("PUT", "/emulator/encoding", body)
        assert.equal(400, status, body)
        assert.matches(expected, problem.title, 1, true)
      end
    end)
  end)

  describe("PUT /emulator/…", function()
    it("adds and replaces a video, with its status and captions", function()
      start()
      local status, video = request("PUT", "/emulator/videos/vi1",
        '{"title":"A","status":{"encoding":{"playable":false}},'
        .. '"captions":[{"srclang":"fr"}],"tags":[],"playerId":null}')
      assert.equal(200, status)
      assert.equal("vi1", video.videoId)
      assert.equal("A", video.title)
      assert.is_false(video.status.encoding.playable)
      assert.equal("Français", video.captions[1].languageName)
      assert.equal("A", assert(client.videos:get("vi1")).title)
      assert.equal(apivideo.null, client.videos:get("vi1").playerId)
      assert.is_false(assert(client.videos:status("vi1")).encoding.playable)
      assert.equal(200, (request("PUT", "/emulator/videos/vi1", '{"videoId":"vi1","title":"B"}')))
      assert.equal("B", client.videos:get("vi1").title)
      assert.equal(200, (request("PUT", "/emulator/videos/vi1", '{"metadata":[{}]}')))
      assert.equal(1, #client.videos:list().data)
    end)

    it("adds live streams and summaries", function()
      start()
      assert.equal(200, (request("PUT", "/emulator/live-streams/li1", '{"broadcasting":true}')))
      assert.is_true(assert(client.live_streams:get("li1")).broadcasting)
      assert.equal(200, (request("PUT", "/emulator/summaries/s1", '{"videoId":"vi1"}')))
      assert.equal("s1", client.summaries:list({ videoId = "vi1" }).data[1].summaryId)
    end)

    it("rejects invalid fields, and says what is wrong", function()
      start()
      for body, expected in pairs {
        ['{"videoId":"vi2"}'] = 'field "videoId" is "vi2", but the path has "vi1"',
        ['{"status":5}'] = 'field "status" must be an object, got number',
        ['{"status":{"ingest":"x"}}'] = 'field "status.ingest" must be an object, got string',
        ['{"status":{"encoding":null}}'] = 'field "status.encoding" must be an object, got null',
        ['{"captions":"en"}'] = 'field "captions" must be a list, got string',
        ['{"captions":["en"]}'] = 'field "captions[1]" must be an object, got string',
        ['{"captions":[{"srclang":5}]}'] = 'field "captions[1].srclang" must be a string, got number',
        ['{"metadata":[{},"x"]}'] = 'field "metadata[2]" must be an object, got string',
      } do
        local status, problem = request("PUT", "/emulator/videos/vi1", body)
        assert.equal(400, status, body)
        assert.matches(expected, problem.title, 1, true)
      end
      assert.same({}, client.videos:list().data)
    end)
  end)

  describe("DELETE /emulator", function()
    it("restores the state after the start", function()
      start { rate_limits = { reads = 5, writes = 5 } }
      subscribe("http://127.0.0.1:1/")
      api:put_video { videoId = "vi1" }
      api:put_live_stream {}
      api:put_summary {}
      local tokens = select(2, request("POST", "/auth/api-key", '{"apiKey":"key"}'))
      api:fault { status = 503, times = math.huge }
      for _ = 1, 6 do request("GET", "/videos") end
      assert.equal(204, (request("DELETE", "/emulator")))
      for _, path in ipairs { "requests", "deliveries" } do
        assert.same({ data = {} }, (select(2, request("GET", "/emulator/" .. path))))
      end
      for i, path in ipairs { "/webhooks", "/videos", "/live-streams", "/summaries" } do
        local status, page, response = request("GET", path)
        assert.equal(200, status)
        assert.same({}, page.data)
        assert.equal(tostring(5 - i), response.headers["X-RateLimit-Remaining"])
      end
      assert.equal(400, (request("POST", "/auth/refresh", { refreshToken = tokens.refresh_token })))
      assert.equal(4, #api.requests - 1)
    end)

    it("is emulator:reset in Lua, which also accepts connections again", function()
      start()
      api:fault { refuse = true, times = math.huge }
      api:reset()
      assert.equal(200, (request("GET", "/videos")))
    end)

    it("ends the deliveries in progress, also between two attempts", function()
      start { interval = 3600 }
      local arrived, held = 0, nil
      local peer = running.peer(function(connection)
        connection:read_request()
        arrived = arrived + 1
        if arrived == 1 then return connection:respond("500 X", "Connection: close\r\n") end
        held = true
        connection:read_request() -- no response
      end)
      subscribe(peer.url)
      local waiting = api:emit(apivideo.events:sample(RECORDED))[1]
      wait_for(function() return #waiting.attempts == 1 end, "the first attempt")
      local sending = api:emit(apivideo.events:sample(RECORDED))[1]
      wait_for(function() return held end, "the second delivery")
      assert.equal(204, (request("DELETE", "/emulator")))
      assert.equal("failed", waiting.state)
      assert.equal("failed", sending.state)
      assert.equal(1, #waiting.attempts)
      assert.equal("cancelled", sending.attempts[1].err.kind)
      assert.is_true(api:settle(0))
    end)
  end)

  it("requires the key, and says so", function()
    start()
    for method, path in pairs { GET = "/emulator/requests", DELETE = "/emulator", PUT = "/emulator/videos/x" } do
      local status, problem = request(method, path, nil, "another")
      assert.equal(401, status)
      assert.matches("API key of the emulator", problem.detail, 1, true)
    end
  end)

  it("lists its routes in the response to another path or method", function()
    start()
    for _, case in ipairs { { "GET", "/emulator" }, { "GET", "/emulator/request" },
      { "PUT", "/emulator/videos/a/b" } } do
      local status, problem, response = request(case[1], case[2])
      assert.equal(404, status)
      assert.matches("GET /emulator/requests", problem.detail, 1, true)
      assert.matches("PUT /emulator/videos/{videoId}", problem.detail, 1, true)
      assert.equal("application/problem+json", response.headers["content-type"])
    end
    assert.equal(0, #api.requests)
  end)

  it("is not counted against the rate limit", function()
    start { rate_limits = { reads = 1, writes = 1 } }
    for _ = 1, 5 do assert.equal(200, (request("GET", "/emulator/requests"))) end
    assert.equal(200, (request("GET", "/videos")))
  end)

  it("works with curl, as the reference shows #process", function()
    if not shell.has "curl" then return pending "curl is not installed" end
    start { api_key = "local-key" }
    local count, base = 0, os.tmpname()
    for _, block in ipairs(docs.blocks("docs/reference/emulator.md", "sh")) do
      for line in block.code:gsub("\\\n%s*", ""):gmatch "[^\n]+" do
        count = count + 1
        file.write(base .. ".sh", (line:gsub("http://127%.0%.0%.1:8100", api.url)))
        os.execute(("{ sh %s.sh; echo \"status $?\"; } > %s 2>&1 < /dev/null &"):format(base, base))
        local status = wait_for(function() return file.read(base):match "status (%d+)\n$" end, line)
        assert.equal("0", status, line .. "\n" .. file.read(base))
        file.write(base, "")
      end
    end
    os.remove(base)
    os.remove(base .. ".sh")
    assert.is_true(count >= 6)
  end)
end)
