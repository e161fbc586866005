-- Each fault of the emulator: what a client observes, and what the emulator records.

local cjson = require "cjson"
local emulator = require "apivideo.emulator"
local http = require "apivideo.transport.http"
local misuse = require "spec.support.misuse"
local pattern = require "apivideo.emulator.pattern"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

-- Enough seconds for a request to reach the server, also under valgrind.
local TIMEOUT_S = os.getenv "APIVIDEO_SLOW" and 5 or 2

local WEBHOOK = '{"url":"https://example.com/","events":["video.source.recorded"]}'

describe("emulator, faults", function()
  local local_api

  before_each(function()
    local_api = assert(emulator.start { api_key = "key", rate_limits = { reads = 1000, writes = 1000 } })
  end)

  after_each(function() local_api:stop() end)

  local function send(method, path, more)
    local request = { method = method, url = local_api.url .. path, username = "key",
      body = method == "POST" and WEBHOOK or nil }
    for name, value in pairs(more or {}) do request[name] = value end
    return http.request(request)
  end

  local function get(path, more)
    return send("GET", path or "/webhooks", more)
  end

  -- The number of webhooks.
  local function count()
    return #cjson.decode(assert(get()).body).data
  end

  -- The fault and status of the last request.
  local function last()
    local request = local_api.requests[#local_api.requests]
    return request.fault, request.status
  end

  it("records requests", function()
    get("/webhooks?events=a%20b&events=c")
    send("POST", "/webhooks", { username = "no" })
    local requests = local_api.requests
    assert.equal(2, #requests)
    assert.same({ "GET", "/webhooks", 200 }, { requests[1].method, requests[1].path, requests[1].status })
    assert.same({ events = { "a b", "c" } }, requests[1].query)
    assert.same({ 401, WEBHOOK }, { requests[2].status, requests[2].body })
    assert.equal("Basic bm86", requests[2].headers["Authorization"])
    assert.is_nil(requests[1].fault)
  end)

  it("records the last 1000 requests", function()
    for i = 1, 1003 do get("/videos?title=" .. i) end
    assert.equal(1000, #local_api.requests)
    assert.equal("4", local_api.requests[1].query.title)
    assert.equal("1003", local_api.requests[1000].query.title)
  end)

  it("latency: delays the normal response", function()
    local_api:fault { latency = 0.05 }
    local started = runtime.monotonic()
    assert.equal(200, assert(get()).status)
    assert.is_true(runtime.monotonic() - started >= 0.05)
    assert.same({ "latency", 200 }, { last() })
    local_api:fault { latency = 600 }
    local _, err = get(nil, { timeout = TIMEOUT_S })
    assert.equal("timeout", err.kind)
    assert.same({ "latency", nil }, { last() })
  end)

  it("status: responds with a problem, and does not process the request", function()
    for _, status in ipairs { 400, 401, 404, 409, 429, 500, 503 } do
      local_api:fault { status = status }
      local response = assert(send("POST", "/webhooks"))
      assert.equal(status, response.status)
      assert.equal("application/problem+json", response.headers["content-type"])
      local problem = cjson.decode(response.body)
      assert.equal(status, problem.status)
      assert.is_string(problem.title)
      assert.same({ "status", status }, { last() })
    end
    assert.equal(0, count())
  end)

  it("status with a body: responds as a proxy does", function()
    local_api:fault { status = 502, body = "<html>" }
    local response = assert(get())
    assert.same({ 502, "<html>", "text/html" }, { response.status, response.body, response.headers["content-type"] })
    local_api:fault { status = 504, body = "{", content_type = "application/json; charset=utf-8" }
    response = assert(get())
    assert.same({ 504, "{" }, { response.status, response.body })
    assert.equal("application/json; charset=utf-8", response.headers["content-type"])
    local_api:fault { status = 503, content_type = "application/json" }
    response = assert(get())
    assert.equal("application/json", response.headers["content-type"])
    assert.equal(503, cjson.decode(response.body).status)
  end)

  it("rate_limited: sends each form of the header", function()
    local names = { "X-RateLimit-Retry-After", "Retry-After" }
    for header, expected in pairs { ["X-RateLimit-Retry-After"] = { "7", nil }, ["Retry-After"] = { nil, "7" },
      none = {} } do
      local_api:fault { rate_limited = { header = header, seconds = 7 } }
      local response = assert(send("POST", "/webhooks"))
      assert.equal(429, response.status)
      assert.equal("Too many requests.", cjson.decode(response.body).title)
      for i, name in ipairs(names) do assert.equal(expected[i], response.headers[name]) end
      assert.same({ "rate_limited", 429 }, { last() })
    end
    local_api:fault { rate_limited = {} }
    assert.equal("1", assert(get()).headers["X-RateLimit-Retry-After"])
    assert.equal(0, count())
  end)

  it("rate_limited: sends an HTTP date", function()
    local before = math.floor(runtime.now()) -- os.time may lag behind by a clock tick
    local_api:fault { rate_limited = { header = "date", seconds = 90 } }
    local value = assert(get()).headers["Retry-After"]
    local found
    local locale = os.setlocale(nil, "time")
    os.setlocale("C", "time")
    for seconds = before + 90, math.floor(runtime.now()) + 90 do
      found = found or os.date("!%a, %d %b %Y %H:%M:%S GMT", seconds) == value
    end
    os.setlocale(locale, "time")
    assert.is_true(found, value)
  end)

  it("reset: resets the connection before or after the request is processed", function()
    for when, created in pairs { before = 0, after = 1 } do
      local_api:fault { reset = when }
      local response, err = send("POST", "/webhooks")
      assert.is_nil(response)
      assert.equal("network", err.kind)
      assert.same({ "reset", created == 1 and 201 or nil }, { last() })
      assert.equal(created, count())
      send("DELETE", "/webhooks/" .. (local_api.webhooks.items[1] or { webhookId = "x" }).webhookId)
    end
  end)

  it("truncate: sends half of the body", function()
    local_api:fault { truncate = true }
    local response, err = send("POST", "/webhooks")
    assert.is_nil(response)
    assert.equal("network", err.kind)
    assert.same({ "truncate", 201 }, { last() })
    assert.equal(1, count())
  end)

  it("truncate: sends nothing of a response without a body", function()
    send("POST", "/webhooks")
    local_api:fault { truncate = true }
    local response = send("DELETE", "/webhooks/" .. local_api.webhooks.items[1].webhookId)
    assert.is_nil(response)
    assert.same({ "truncate", 204 }, { last() })
    assert.equal(0, count())
  end)

  it("stall: sends half of the body, and then nothing", function()
    local_api:fault { stall = true, times = 2 }
    local _, err = send("POST", "/webhooks", { timeout = TIMEOUT_S })
    assert.equal("timeout", err.kind)
    assert.same({ "stall", 201 }, { last() })
    _, err = send("DELETE", "/webhooks/x", { timeout = TIMEOUT_S })
    assert.equal("timeout", err.kind)
    wait_for(function() return local_api.server._core:active() == 0 end, "the server to notice the closed connection")
    assert.equal(1, count())
  end)

  it("content_type: sends the normal body with a wrong type", function()
    local_api:fault { content_type = "text/plain" }
    local response = assert(send("POST", "/webhooks"))
    assert.same({ 201, "text/plain" }, { response.status, response.headers["content-type"] })
    assert.truthy(cjson.decode(response.body).webhookId)
    local_api:fault { content_type = "text/plain" }
    response = assert(send("DELETE", "/webhooks/" .. local_api.webhooks.items[1].webhookId))
    assert.same({ 204, nil }, { response.status, response.headers["content-type"] })
  end)

  it("counters: sends wrong counters and links", function()
    for i = 1, 3 do local_api:put_video { title = tostring(i) } end
    local_api:fault { counters = true }
    local page = cjson.decode(assert(get("/videos?pageSize=2&currentPage=2")).body)
    assert.equal(1, #page.data)
    local links = page.pagination.links
    page.pagination.links = nil
    assert.same({ itemsTotal = 0, pagesTotal = 1, currentPage = 2, pageSize = 2, currentPageItems = 0 },
      page.pagination)
    assert.equal(links[1].uri, links[3].uri)
    local_api:fault { counters = { pagesTotal = 99, pageSize = 7 } }
    page = cjson.decode(assert(get("/videos")).body)
    assert.same({ 99, 7, 3 }, { page.pagination.pagesTotal, page.pagination.pageSize, page.pagination.itemsTotal })
    local_api:fault { counters = true, times = 2 }
    assert.equal(404, assert(get("/videos/x")).status)
    assert.equal(201, assert(send("POST", "/webhooks")).status)
  end)

  it("refuse: closes connections, not requests", function()
    local_api:fault { refuse = true, times = 2 }
    for i = 1, 3 do
      local response, err = get(nil, { headers = { "Connection: close" } })
      if i > 2 then
        assert.equal(200, response.status)
      else
        assert.equal("network", err.kind)
      end
    end
    assert.equal(1, #local_api.requests)
  end)

  it("applies faults the given number of times, in the order of the calls", function()
    local_api:fault { status = 500, times = 2 }
    local_api:fault { status = 503 }
    local seen = {}
    for i = 1, 4 do seen[i] = assert(get()).status end
    assert.same({ 500, 500, 503, 200 }, seen)
    local_api:fault { status = 500, times = math.huge }
    for _ = 1, 5 do assert.equal(500, assert(get()).status) end
    local_api:clear_faults()
    local close = { headers = { "Connection: close" } }
    assert.equal(200, assert(get(nil, close)).status)
    local_api:fault { refuse = true, times = math.huge }
    assert.is_nil((get(nil, close)))
    local_api:clear_faults()
    assert.equal(200, assert(get(nil, close)).status)
  end)

  it("applies a fault only to requests that match its method and path", function()
    local_api:put_video { videoId = "vi1" }
    for on, faulty in pairs {
      ["GET /webhooks"] = { ["GET /webhooks"] = true },
      ["/webhooks"] = { ["GET /webhooks"] = true, ["POST /webhooks"] = true },
      ["GET /videos/.+"] = { ["GET /videos/vi1"] = true, ["GET /videos/vi1/status"] = true },
      ["GET /videos/[^/]+"] = { ["GET /videos/vi1"] = true },
      ["GET /live-streams"] = { ["GET /live-streams"] = true },
      ["/live%-streams/.*"] = {},
      ["DELETE /webhooks"] = {},
      ["GET /.*"] = { ["GET /webhooks"] = true, ["GET /videos/vi1"] = true, ["GET /videos/vi1/status"] = true,
        ["GET /live-streams"] = true },
    } do
      for _, request in ipairs { "GET /webhooks", "POST /webhooks", "GET /videos/vi1", "GET /videos/vi1/status",
        "GET /live-streams" } do
        local_api:clear_faults()
        local_api:fault { on = on, status = 418 }
        local method, path = request:match("^(%u+) (.*)$")
        assert.equal(faulty[request] or false, assert(send(method, path)).status == 418, on .. ": " .. request)
      end
    end
  end)

  it("applies faults to /auth, and never to /emulator", function()
    local_api:fault { status = 401, times = math.huge }
    local function post(path, body)
      return assert(http.request { method = "POST", url = local_api.url .. path, body = body, username = "key" }).status
    end
    assert.equal(401, post("/auth/api-key", '{"apiKey":"key"}'))
    assert.equal(202, post("/emulator/events", '{"type":"video.source.recorded","emittedAt":"x","videoId":"v",'
      .. '"liveStreamId":"l"}'))
    assert.equal(404, post("/emulator/x", ""))
    assert.equal(1, #local_api.requests)
  end)

  it("applies a fault with the given probability", function()
    local_api:fault { status = 500, chance = 0 }
    assert.equal(200, assert(get()).status)
    local_api:clear_faults()
    local_api:fault { status = 500, chance = 1, times = 2 }
    local_api:fault { status = 503, chance = 1 }
    local seen = {}
    for i = 1, 5 do seen[i] = assert(get()).status end
    assert.same({ 500, 500, 503, 503, 503 }, seen)
    local_api:clear_faults()
    local_api:fault { status = 500, chance = 0.5 }
    local count_faulty = 0
    for _ = 1, 200 do
      if assert(get()).status == 500 then count_faulty = count_faulty + 1 end
    end
    assert.is_true(count_faulty > 50 and count_faulty < 150, tostring(count_faulty))
  end)

  it("stops while requests are delayed or stalled", function()
    local_api:fault { latency = 600 }
    local_api:fault { stall = true }
    local results = {}
    for i = 1, 2 do
      runtime.spawn(function() results[i] = { get() } end)
      wait_for(function() return #local_api.requests == i end, "a request")
    end
    local stopped
    runtime.spawn(function()
      local_api:stop()
      stopped = true
    end)
    wait_for(function() return stopped and results[1] and results[2] end, "the end")
    assert.equal(200, results[1][1].status)
    assert.equal("network", results[2][2].kind)
  end)

  it("takes a path that is a malformed pattern as an error at once, and never at a request", function()
    local atoms = { "%", "[", "]", "^", "(", ")", "b", "f", "z", "1", "2", "-", "a", ".", "*", "/" }
    math.randomseed(5)
    local subjects, counts = { "", "/", "a", "/a/a", "ab", "[]", "(a)", "//" }, { 0, 0 }
    for _ = 1, 5000 do
      local parts = {}
      for i = 1, math.random(6) do parts[i] = atoms[math.random(#atoms)] end
      local path = "/" .. table.concat(parts)
      local problem = pattern.problem(path)
      counts[problem and 1 or 2] = counts[problem and 1 or 2] + 1
      for _, subject in ipairs(subjects) do
        local ok, err = pcall(string.find, subject, "^" .. path .. "$")
        assert(ok or problem, ("%s is not valid: %s"):format(path, tostring(err)))
      end
    end
    assert.is_true(counts[1] > 500 and counts[2] > 500)
    for _, valid in ipairs { "/a", "/live%-streams/.+", "/(a)%1", "/[]]", "/[^]%]a-]*", "/%f[%a]a", "/%b()", "/()",
      "/%%" } do
      assert.is_nil(pattern.problem(valid), valid)
    end
  end)

  it("raises an error with a remedy for an invalid fault", function()
    for _, case in ipairs {
      { nil, "a table of options expected" }, { {}, "a fault must have a kind, one of: latency, status" },
      { { latncy = 1 }, 'did you mean "latency"?' }, { { latency = -1 }, '"latency" must be a number of seconds' },
      { { latency = math.huge }, '"latency" must be' }, { { status = 99 }, "from 200 to 599" },
      { { status = 200.5 }, "from 200 to 599" }, { { status = 500, latency = 1 }, 'not both "latency" and "status"' },
      { { reset = "during" }, '"before" or "after"' }, { { reset = true }, '"reset" must be a string' },
      { { truncate = false }, '"truncate" must be true' }, { { stall = true, content_type = "x" }, "not both" },
      { { body = "x" }, "a fault must have a kind" }, { { body = "x", stall = true }, '"body" needs "status"' },
      { { status = 500, times = 0 }, '"times" must be an integer of at least 1 or math.huge' },
      { { status = 500, chance = 2 }, '"chance" must be' },
      { { status = 500, on = "webhooks" }, 'such as "GET /webhooks"' },
      { { refuse = true, on = "/webhooks" }, "cannot be combined" },
      { { refuse = true, chance = 1 }, "cannot be combined" },
      { { rate_limited = true }, '"rate_limited" must be a table' },
      { { rate_limited = { header = "Retry" } }, '"date" or "none"' },
      { { rate_limited = { secs = 1 } }, 'unknown option "secs"' },
      { { status = 500, on = "FETCH /videos" }, 'option "on" must be a path with or without a method, such as' },
      { { status = 500, on = "/videos/[" }, 'option "on" is not a valid Lua pattern: "[" without "]"' },
      { { status = 500, on = "/a%" }, '"%" at the end' }, -- with the anchor, it would be a dollar sign
      { { status = 500, on = "GET /a/(.*" }, '"(" without ")"; write %% for a percent sign, and %[' },
    } do
      local message = misuse(function() local_api:fault(case[1]) end)
      assert.truthy(message:find("emulator:fault", 1, true), message)
      assert.truthy(message:find(case[2], 1, true), message)
    end
    assert.equal(200, assert(get()).status)
  end)
end)
