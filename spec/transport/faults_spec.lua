-- The result of a call for each fault of api.video, and the number of requests.

local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"
local waits = require "spec.support.waits"

local WANTED = { url = "https://example.com/", events = { "video.source.recorded" } }

local function rate_limited(header)
  return { fault = { rate_limited = { header = header, seconds = 0 } }, kind = "rate_limited", status = 429,
    post = { "POST", "POST" } }
end

-- For each fault: the error without retries, and the requests of a `create` that meets it
-- once (unprocessed and processed ones differ). `usual` faults have no effect on the result.
local cases = {
  ["latency"] = { fault = { latency = 0.01 }, usual = true },
  ["a wrong content type"] = { fault = { content_type = "text/plain" }, usual = true },
  ["429 with X-RateLimit-Retry-After"] = rate_limited "X-RateLimit-Retry-After",
  ["429 with Retry-After in seconds"] = rate_limited "Retry-After",
  ["429 with Retry-After as a date"] = rate_limited "date",
  ["429 with no header"] = rate_limited "none",
  ["500"] = { fault = { status = 500 }, kind = "server_error", status = 500, post = { "POST", "GET", "POST" } },
  ["503"] = { fault = { status = 503 }, kind = "server_error", status = 503, post = { "POST", "GET", "POST" } },
  ["408"] = { fault = { status = 408 }, kind = "timeout", status = 408, post = { "POST", "GET", "POST" } },
  ["HTML of a proxy"] = {
    fault = { status = 502, content_type = "text/html", body = "<html>Bad Gateway</html>" },
    kind = "server_error", status = 502, post = { "POST", "GET", "POST" },
  },
  ["a reset before the request was processed"] = { fault = { reset = "before" }, kind = "network",
    post = { "POST", "GET", "POST" } },
  ["a reset after the request was processed"] = { fault = { reset = "after" }, kind = "network",
    post = { "POST", "GET" } },
  ["a truncated body"] = { fault = { truncate = true }, kind = "network", post = { "POST", "GET" } },
  ["a stalled body"] = { fault = { stall = true }, kind = "timeout", post = { "POST", "GET" } },
}

describe("a client that meets", function()
  local local_api, timeout

  before_each(function()
    timeout = 60
    waits.set(0.01, 0.02)
    local_api = assert(emulator.start { api_key = "k", rate_window = 0.1 })
  end)

  after_each(function()
    local_api:stop()
    waits.restore()
  end)

  local function client_of(retries)
    return apivideo.client { api_key = "k", base_url = local_api.url, retries = retries, timeout = timeout }
  end

  -- The methods of the requests to api.video since then.
  local function asked()
    local list = {}
    for i, request in ipairs(local_api.requests) do list[i] = request.method end
    for i = #local_api.requests, 1, -1 do local_api.requests[i] = nil end
    return list
  end

  for name, case in pairs(cases) do
    local time = case.fault.stall and 1 or 60

    it(name .. ", once", function()
      timeout = time
      local webhook = assert(client_of().webhooks:create(WANTED))
      asked()
      local_api:fault(case.fault)
      assert.equal(webhook.webhookId, assert(client_of().webhooks:get(webhook.webhookId)).webhookId)
      assert.same(case.usual and { "GET" } or { "GET", "GET" }, asked())

      if case.fault.truncate == nil and case.fault.stall == nil then -- a 204 has no body to cut
        local_api:fault(case.fault)
        assert.is_true(assert(client_of().webhooks:delete(webhook.webhookId)))
        assert.same(case.usual and { "DELETE" } or { "DELETE", "DELETE" }, asked())
      else
        assert(client_of().webhooks:delete(webhook.webhookId))
        asked()
      end

      local_api:fault(case.fault)
      local made = assert(client_of().webhooks:create(WANTED))
      assert.same(case.usual and { "POST" } or case.post, asked())
      local page = assert(client_of().webhooks:list())
      assert.equal(1, #page.data) -- never two
      assert.equal(made.webhookId, page.data[1].webhookId)
    end)

    if not case.usual then
      it(name .. ", and may not try again", function()
        timeout = time
        case.fault.on = "/videos"
        local_api:fault(case.fault)
        local page, err = client_of(0).videos:list()
        assert.is_nil(page)
        assert.equal(case.kind, err.kind)
        assert.equal(case.status, err.status)
        assert.equal(case.status, err.response and err.response.status)
        assert.equal(1, err.attempts)
        assert.is_true(err.retryable)
        assert.same({ "GET" }, asked())
        case.fault.on = nil
      end)

      it(name .. ", for good", function()
        timeout = time
        case.fault.times = math.huge
        local_api:fault(case.fault)
        local page, err = client_of(2).videos:list()
        assert.is_nil(page)
        assert.equal(case.kind, err.kind)
        assert.equal(3, err.attempts)
        assert.same({ "GET", "GET", "GET" }, asked())
        case.fault.times = nil
      end)
    end
  end

  it("a connection that is closed as soon as it is made", function()
    local_api:fault { refuse = true }
    assert(client_of().webhooks:list())
    assert.same({ "GET" }, asked())
    local_api:fault { refuse = true }
    assert(client_of().webhooks:create(WANTED))
    assert.equal(1, #assert(client_of().webhooks:list()).data)
  end)

  it("connections that are closed as soon as they are made, for good", function()
    local_api:fault { refuse = true, times = 3 }
    local page, err = client_of(2).webhooks:list()
    assert.is_nil(page)
    assert.equal("network", err.kind)
    assert.equal(3, err.attempts)
  end)

  it("counters and links that lie", function()
    for i = 1, 5 do local_api:put_video { videoId = "vi" .. i } end
    for _, counters in ipairs { { itemsTotal = 0, pagesTotal = 0 }, { itemsTotal = 1000, pagesTotal = 500 },
      { itemsTotal = "5", currentPageItems = -1, links = {} } } do
      local_api:fault { counters = counters, times = math.huge, on = "GET /videos" }
      local seen = {}
      for video in client_of().videos:each { pageSize = 2 } do seen[#seen + 1] = video.videoId end
      table.sort(seen)
      assert.same({ "vi1", "vi2", "vi3", "vi4", "vi5" }, seen)
      local_api:clear_faults()
    end
    local_api:fault { counters = true, times = math.huge, on = "GET /videos" }
    local seen = 0
    for _ in client_of().videos:each { pageSize = 2 } do seen = seen + 1 end
    assert.equal(5, seen)
  end)

  it("tokens that have ended", function()
    local client = apivideo.client { api_key = "k", auth = "bearer", base_url = local_api.url }
    assert(client.videos:list())
    local_api:expire_tokens()
    assert(client.videos:list())
    local paths = {}
    for i, request in ipairs(local_api.requests) do paths[i] = request.path end
    assert.same({ "/auth/api-key", "/videos", "/videos", "/auth/refresh", "/videos" }, paths)
  end)
end)
