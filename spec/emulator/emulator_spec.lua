local apivideo = require "apivideo"
local cjson = require "cjson"
local emulator = require "apivideo.emulator"
local http = require "apivideo.transport.http"
local running = require "spec.support.running"
local server = require "apivideo.server"
local stderr = require "spec.support.stderr"
local tables = require "apivideo.util.tables"
local wait_for = require "spec.support.wait"

local RECORDED, QUALITY = "video.source.recorded", "video.encoding.quality.completed"

describe("emulator", function()
  local local_api, client

  after_each(running.stop)

  local function start(more)
    local options = tables.merge({ api_key = "key", interval = 0.01 }, more)
    local_api = assert(emulator.start(options))
    running.add(function() local_api:stop() end)
    client = apivideo.client { api_key = "key", base_url = local_api.url, timeout = 60 }
    return local_api
  end

  local function create(url, events)
    return assert(client.webhooks:create { url = url or "https://example.com/", events = events or { RECORDED } })
  end

  -- Sends a request without the client: status, decoded body, response.
  local function request(method, path, body, key)
    local response = assert(http.request { method = method, url = local_api.url .. path, body = body,
      username = key or "key", headers = { "Content-Type: application/json" } })
    return response.status, response.body ~= "" and cjson.decode(response.body), response
  end

  it("creates, gets, lists and deletes webhooks", function()
    start()
    local webhook = create("https://example.com/a?b=c", { RECORDED, QUALITY })
    assert.truthy(webhook.webhookId:find("^webhook_%w+$"))
    assert.equal(30, #webhook.webhookId)
    assert.truthy(webhook.signatureSecret:find("^sig_sec_%w+$"))
    assert.truthy(webhook.createdAt:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%+00:00$"))
    assert.same({ RECORDED, QUALITY }, webhook.events)
    assert.same(webhook, (client.webhooks:get(webhook.webhookId)))
    assert.same({ webhook }, client.webhooks:list().data)
    assert.is_true((client.webhooks:delete(webhook.webhookId)))
    assert.same({}, client.webhooks:list().data)
    for _, method in ipairs { "get", "delete" } do
      local result, err = client.webhooks[method](client.webhooks, webhook.webhookId)
      assert.is_nil(result)
      assert.equal("not_found", err.kind)
      assert.equal("webhookId", err.problem.name)
    end
  end)

  it("creates a new webhook for each of two equal requests", function()
    start()
    assert.truthy(create().webhookId ~= create().webhookId)
  end)

  it("filters webhooks by event type, and paginates", function()
    start()
    local ids = {}
    for i = 1, 5 do ids[i] = create(nil, { i % 2 == 0 and QUALITY or RECORDED }).webhookId end
    local page = assert(client.webhooks:list { events = RECORDED, currentPage = 2, pageSize = 2 })
    assert.equal(1, #page.data)
    assert.equal(ids[5], page.data[1].webhookId)
    local links = page.pagination.links
    page.pagination.links = nil
    assert.same({ currentPage = 2, pageSize = 2, pagesTotal = 2, itemsTotal = 3, currentPageItems = 1 },
      page.pagination)
    assert.equal("self", links[1].rel)
    local seen = {}
    for hook in client.webhooks:each { pageSize = 2 } do seen[#seen + 1] = hook.webhookId end
    assert.same(ids, seen)
    seen = {}
    for hook in client.webhooks:each { events = QUALITY } do seen[#seen + 1] = hook.webhookId end
    assert.same({ ids[2], ids[4] }, seen)
    assert.same({}, client.webhooks:list { currentPage = 9 }.data)
    assert.same({}, client.webhooks:list { events = "another" }.data)
  end)

  it("encodes an empty page as an array", function()
    start()
    local _, _, response = request("GET", "/webhooks")
    assert.truthy(response.body:find('"data":[]', 1, true))
  end)

  it("rejects page parameters out of range with the documented problem", function()
    start()
    local status, problem = request("GET", "/webhooks?currentPage=0&pageSize=101")
    assert.equal(400, status)
    assert.equal("page", problem.name)
    assert.equal(1, problem.range.min)
    assert.equal(100, problem.problems[2].range.max)
    assert.is_nil(problem.type)
    for _, query in ipairs { "currentPage=x", "pageSize=0", "pageSize=1.5", "currentPage=-1" } do
      assert.equal(400, (request("GET", "/webhooks?" .. query)))
    end
  end)

  it("rejects invalid webhooks with the documented problem", function()
    start()
    local status, problem, response = request("POST", "/webhooks", "{}")
    assert.equal(400, status)
    assert.equal("application/problem+json", response.headers["content-type"])
    assert.equal("https://docs.api.video/reference/attribute-required", problem.type)
    assert.is_nil(problem.title)
    assert.equal("This attribute is required.", problem.events)
    assert.equal("events", problem.name)
    assert.equal(3, #problem.problems)
    for _, body in ipairs { "", "x", "5", '{"url":"https://x"}', '{"events":["' .. RECORDED .. '"]}',
      '{"url":"https://x","events":"a"}', '{"url":"https://x","events":[5]}',
      '{"url":"https://x","events":["video.*"]}',
      '{"url":"ftp://x","events":["' .. RECORDED .. '"]}', '{"url":5,"events":["' .. RECORDED .. '"]}' } do
      assert.equal(400, (request("POST", "/webhooks", body)), body)
    end
    assert.equal(0, #client.webhooks:list().data)
  end)

  it("accepts and delivers unknown event types, with a warning that has the most similar name", function()
    start()
    local seen = {}
    local listening = assert(server.listen { handler = function(received) seen[#seen + 1] = received return 204 end })
    running.add(function() listening:stop() end)
    local written = stderr.of(function()
      for _ = 1, 2 do
        local status = request("POST", "/webhooks",
          ('{"url":"%s","events":["video.source.recordet"]}'):format(listening.url))
        assert.equal(201, status)
      end
    end)
    assert.equal(1, #written)
    assert.matches('POST /webhooks: "video.source.recordet" is not a known event type (did you mean "' .. RECORDED,
      written[1], 1, true)
    assert.matches("accepted", written[1], 1, true)
    assert.equal(2, #local_api:emit { type = "video.source.recordet" })
    assert.is_true(local_api:settle(60))
    assert.equal(2, #seen)
  end)

  it("warns about an event of an unknown type, to which no webhook may subscribe", function()
    start()
    create()
    for _, event in ipairs { { type = "video.source.recorde" }, '{"type":"video.source.recorded_"}' } do
      local written = stderr.of(function() assert.equal(0, #local_api:emit(event)) end)
      assert.matches('emulator:emit: "video.source.record', written[1], 1, true)
      assert.matches('did you mean "video.source.recorded"?', written[1], 1, true)
    end
    assert.same({}, stderr.of(function() local_api:emit "\255" end))
  end)

  it("limits the number of webhooks to ten, or to webhook_limit", function()
    start { webhook_limit = 2 }
    create()
    create()
    local webhook, err = client.webhooks:create { url = "https://example.com/", events = { RECORDED } }
    assert.is_nil(webhook)
    assert.equal("invalid_request", err.kind)
    assert.truthy(err.message:find("reached the webhook urls limit", 1, true))
    start()
    for _ = 1, 10 do create() end
    assert.equal(400, (request("POST", "/webhooks", '{"url":"https://x","events":["' .. RECORDED .. '"]}')))
  end)

  it("responds 401 without the API key", function()
    start()
    for _, key in ipairs { "another", "ke", "keyy" } do
      assert.equal(401, (request("GET", "/webhooks", nil, key)))
    end
    local response = assert(http.request { method = "GET", url = local_api.url .. "/webhooks" })
    assert.equal(401, response.status)
  end)

  it("responds 404 to an unknown path or method", function()
    start()
    for _, case in ipairs { { "GET", "/" }, { "GET", "/webhooks/a/b" }, { "PUT", "/webhooks" },
      { "PATCH", "/webhooks/webhook_1" }, { "GET", "/webhooks/" }, { "GET", "/webhooks/..%2Fvideos" } } do
      assert.equal(404, (request(case[1], case[2])))
    end
  end)

  it("counts calls, sends the rate limit headers, and responds 429 beyond the limit", function()
    start { rate_limits = { reads = 2, writes = 1 } }
    for i = 1, 3 do
      local status, _, response = request("GET", "/webhooks")
      assert.equal(i <= 2 and 200 or 429, status)
      assert.equal("2", response.headers["X-RateLimit-Limit"])
      assert.equal(tostring(math.max(0, 2 - i)), response.headers["X-RateLimit-Remaining"])
      local seconds = tonumber(response.headers["X-RateLimit-Retry-After"])
      assert.is_true(seconds >= 1 and seconds <= 60)
    end
    assert.equal(400, (request("POST", "/webhooks", "{}"))) -- writes are counted separately
    assert.equal(429, (request("POST", "/webhooks", "{}")))
  end)

  it("resets the rate limit in each window", function()
    start { rate_limits = { reads = 1, writes = 1 }, rate_window = 0.05 }
    assert.equal(200, (request("GET", "/webhooks")))
    wait_for(function() return request("GET", "/webhooks") == 200 end, "the next window")
  end)

  it("sends the rate limit headers with every response except those of /auth", function()
    start()
    for i, case in ipairs { { "GET", "/webhooks", "another" }, { "GET", "/nothing" }, { "GET", "/videos/vi" } } do
      local _, _, response = request(case[1], case[2], nil, case[3])
      assert.equal(tostring(100 - i), response.headers["X-RateLimit-Remaining"])
    end
    local _, _, response = request("POST", "/auth/api-key", '{"apiKey":"key"}')
    assert.is_nil(response.headers["X-RateLimit-Limit"])
  end)

  it("delivers each type, signed, to the webhooks that subscribe to it", function()
    start()
    local got = {}
    local handlers = apivideo.handlers():on("*", function(event, delivery)
      got[#got + 1] = { event, delivery }
    end)
    local receiver = apivideo.receiver { handlers = handlers, secrets = client.webhooks:secret_source() }
    local listening = assert(server.listen { receiver = receiver })
    running.add(function() listening:stop() end)
    local all = create(listening.url, apivideo.events:names())
    local one = create(listening.url, { RECORDED })
    for _, name in ipairs(apivideo.events:names()) do
      got = {}
      local deliveries = local_api:emit(apivideo.events:sample(name))
      assert.is_true(local_api:settle(60))
      assert.equal(name == RECORDED and 2 or 1, #got)
      assert.equal(#got, #deliveries)
      assert.same(apivideo.events:sample(name), got[1][1])
      local ids = {}
      for i, item in ipairs(got) do
        ids[item[2].webhook_id] = true
        assert.is_true(item[2].verified)
        assert.equal("delivered", deliveries[i].state)
        assert.equal(1, #deliveries[i].attempts)
        assert.equal(204, deliveries[i].attempts[1].status)
      end
      assert.is_true(ids[all.webhookId])
      if name == RECORDED then
        assert.is_true(ids[one.webhookId])
        assert.equal(got[1][2].key, got[2][2].key)
      end
    end
  end)

  it("sets emittedAt to now if an event has none", function()
    start()
    local p = running.responding("204 No Content")
    create(p.url)
    local_api:emit { type = RECORDED, videoId = "vi", liveStreamId = "li" }
    assert.is_true(local_api:settle(60))
    local seconds = apivideo.timestamp(cjson.decode(p.requests[1].body).emittedAt)
    assert.is_true(math.abs(seconds - os.time()) <= 5)
    assert.truthy(p.requests[1].body:find('^{"type":"' .. RECORDED .. '","emittedAt":'))
  end)

  for reading, attempts in pairs { ["3 attempts"] = 3, ["a first attempt and 3 retries"] = 4 } do
    it("marks a delivery as failed after " .. reading, function()
      start { max_attempts = attempts }
      local p = running.responding("500 X")
      create(p.url)
      local deliveries = local_api:emit(apivideo.events:sample(RECORDED))
      assert.equal("pending", deliveries[1].state)
      assert.is_true(local_api:settle(60))
      assert.equal("failed", deliveries[1].state)
      assert.equal(attempts, #deliveries[1].attempts)
      assert.equal(attempts, #p.requests)
      for i = 1, attempts do
        assert.equal(500, deliveries[1].attempts[i].status)
        assert.equal(p.requests[1].body, p.requests[i].body)
      end
    end)
  end

  it("has the documented delivery policy by default: 3 attempts, 3 seconds apart", function()
    assert.same({ max_attempts = 3, interval = 3, timeout = 10 }, running.emulator()._policy)
  end)

  it("retries a delivery after a redirect, an error status and a reset, until the response is 2xx", function()
    start { max_attempts = 5 }
    local statuses = { "302 Found", "410 Gone" }
    local p = running.peer(function(connection, number)
      connection:read_request()
      if number == 3 then return connection:reset() end
      connection:respond(statuses[number] or "202 Accepted", "Connection: close\r\n")
    end)
    create(p.url)
    local delivery = local_api:emit(apivideo.events:sample(RECORDED))[1]
    assert.is_true(local_api:settle(60))
    assert.equal("delivered", delivery.state)
    assert.equal(4, #delivery.attempts)
    assert.equal(302, delivery.attempts[1].status)
    assert.equal(410, delivery.attempts[2].status)
    assert.equal("network", delivery.attempts[3].err.kind)
    assert.equal(202, delivery.attempts[4].status)
  end)

  it("sends the exact bytes of an event that is a string", function()
    start()
    local p = running.responding("200 OK")
    local webhook = create(p.url)
    local raw = '{ "type" : "' .. RECORDED .. '","emittedAt":"x","videoId":"v","liveStreamId":"l","n":1.50 }'
    local_api:emit(raw)
    assert.is_true(local_api:settle(60))
    assert.equal(raw, p.requests[1].body)
    local head = p.requests[1].head
    assert.truthy(head:find("X-Api-Video-WebhookID: " .. webhook.webhookId .. "\r\n", 1, true))
    assert.truthy(head:find("X-Api-Video-Signature: "
      .. apivideo.sign(raw, webhook.signatureSecret) .. "\r\n", 1, true))
  end)

  it("returns a timeout if deliveries do not settle in time", function()
    start { interval = 5 }
    local p = running.responding("500 X")
    create(p.url)
    local_api:emit(apivideo.events:sample(RECORDED))
    assert.same({ nil, "timeout" }, { local_api:settle(0.05) })
  end)

  it("raises an error for an event without a type", function()
    start()
    for _, invalid in ipairs { {}, { tpye = RECORDED }, 5, RECORDED } do
      assert.is_false(pcall(local_api.emit, local_api, invalid))
    end
    assert.is_false(pcall(local_api.emit, local_api))
  end)

  it("settles even if on_attempt raises an error", function()
    local written = stderr.of(function()
      start { on_attempt = function() error("it broke") end }
      local p = running.responding("204 No Content")
      create(p.url)
      local_api:emit(apivideo.events:sample(RECORDED))
      assert.is_true(local_api:settle(60))
    end)
    assert.truthy(written[1]:find("it broke"))
  end)

  it("returns an error if the port is in use", function()
    start()
    local second, err = emulator.start { api_key = "key", port = local_api.port }
    assert.is_nil(second)
    assert.equal("network", err.kind)
    assert.truthy(err.message:find("cannot listen on 127.0.0.1 port " .. local_api.port, 1, true))
    assert.is_false(pcall(emulator.start, {}))
    for option, bad in pairs { intervall = 1, interval = -1, max_attempts = 0, timeout = 0, rate_limits = {},
      rate_window = 0, token_lifetime = 0 } do
      assert.is_false(pcall(emulator.start, { api_key = "key", [option] = bad }), option)
    end
  end)
end)
