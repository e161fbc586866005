local stepwise = require "spec.support.steps"
local retry = require "apivideo.transport.retry"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local socket = require "socket"
local waits = require "spec.support.waits"

local steps, client_of = stepwise.serve, stepwise.client_of
local WEBHOOK, FOUND = stepwise.WEBHOOK, stepwise.FOUND
local close, reset, truncate, stall = stepwise.close, stepwise.reset, stepwise.truncate, stepwise.stall

describe("retries", function()
  before_each(function() waits.set(0.01, 0.02) end)

  after_each(function()
    running.stop()
    waits.restore()
  end)

  local broken = { close = close, reset = reset, truncate = truncate }

  describe("of GET", function()
    for _, status in ipairs { "408 X", "429 X", "500 X", "502 X", "503 X", "504 X", "599 X" } do
      it("come after " .. status, function()
        local url, asked = steps(status, { status, "Content-Type: text/html\r\n", "<html>" }, FOUND)
        assert.equal("webhook_1", assert(client_of(url).webhooks:get "webhook_1").webhookId)
        assert.equal(3, #asked)
      end)
    end

    for name, step in pairs(broken) do
      it("come after a " .. name, function()
        local url, asked = steps(step, FOUND)
        assert(client_of(url).webhooks:get "webhook_1")
        assert.equal(2, #asked)
      end)
    end

    it("come after a timeout, on a new connection", function()
      local url, asked = steps(stall, FOUND)
      assert(client_of(url, { timeout = 1 }).webhooks:get "webhook_1")
      assert.equal(2, #asked)
    end)

    it("do not come after a response that would be the same again", function()
      for _, status in ipairs { "400 X", "401 X", "403 X", "404 X", "409 X", "422 X", "302 X" } do
        local url, asked = steps(status)
        local result, err = client_of(url).webhooks:get "webhook_1"
        assert.is_nil(result)
        assert.equal(tonumber(status:match("%d+")), err.status)
        assert.equal(1, err.attempts)
        assert.equal(1, #asked)
      end
      local url, asked = steps { "200 OK", nil, "<html>" }
      assert.is_nil((client_of(url).webhooks:get "webhook_1"))
      assert.equal(1, #asked)
    end)

    it("end after three, or as many as are allowed", function()
      for retries, expected in pairs { [-1] = 4, [0] = 1, [1] = 2, [5] = 6 } do
        for _, step in ipairs { "503 X", close } do
          local url, asked = steps(step)
          local result, err = client_of(url, { retries = retries >= 0 and retries or nil }).webhooks:get "webhook_1"
          assert.is_nil(result)
          assert.equal(expected, err.attempts)
          assert.equal(expected, #asked)
        end
      end
      local url, asked = steps "503 X"
      client_of(url, { retries = 5 }).webhooks:get("webhook_1", { retries = 1 })
      assert.equal(2, #asked)
    end)
  end)

  describe("of DELETE", function()
    it("come after failures", function()
      for _, step in ipairs { "503 X", "429 X", close, reset } do
        local url, asked = steps(step, "204 X")
        assert.is_true(assert(client_of(url).webhooks:delete "webhook_1"))
        assert.equal(2, #asked)
      end
    end)

    it("succeed with a 404 when an earlier attempt may have deleted the object", function()
      for _, step in ipairs { "503 X", close, reset } do
        local url, asked = steps(step, "404 X")
        assert.is_true(assert(client_of(url).webhooks:delete "webhook_1"))
        assert.equal(2, #asked)
      end
      for _, step in ipairs { "404 X", "429 X" } do
        local url = steps(step, "404 X")
        local ok, err = client_of(url).webhooks:delete "webhook_1"
        assert.is_nil(ok)
        assert.equal("not_found", err.kind)
      end
    end)
  end)

  describe("of POST", function()
    it("do not come when the request may have been processed", function()
      for _, step in ipairs { "500 X", "502 X", "503 X", "504 X", "408 X", close, reset, truncate } do
        local url, asked = steps(step, { "201 X", nil, WEBHOOK })
        local result, err = client_of(url):request("POST", "/videos", { body = { title = "x" } })
        assert.is_nil(result)
        assert.is_true(err.in_doubt)
        assert.is_false(err.retryable)
        assert.equal(1, err.attempts)
        assert.same({ "POST /videos" }, asked)
      end
    end)

    it("do not come on an idle connection that is closed without a response, for any method", function()
      for _, method in ipairs { "POST", "PATCH", "PUT" } do
        local url, asked = steps(FOUND, close, FOUND)
        local client = client_of(url)
        assert(client.webhooks:get "webhook_1")
        local result, err = client:request(method, "/videos", { body = { title = "x" } })
        assert.is_nil(result)
        assert.is_true(err.in_doubt)
        assert.equal(2, #asked)
      end
    end)

    it("come after 429, and when nothing was sent", function()
      local url, asked = steps("429 X", { "201 X", nil, WEBHOOK })
      assert(client_of(url):request("POST", "/videos", { body = { title = "x" } }))
      assert.equal(2, #asked)
      local closed = assert(socket.bind("127.0.0.1", 0))
      local _, port = closed:getsockname()
      closed:close()
      local result, err = client_of("http://127.0.0.1:" .. port, { retries = 2 })
        :request("POST", "/videos", { body = { title = "x" } })
      assert.is_nil(result)
      assert.equal("network", err.kind)
      assert.equal(3, err.attempts)
      assert.is_nil(err.in_doubt)
    end)
  end)

  describe("wait", function()
    local function asked(status, headers)
      return retry.requested_delay { status = status, headers = headers }
    end

    it("as long as the server requests: seconds, or a date by its own clock", function()
      assert.equal(7, asked(429, { ["retry-after"] = "7" }))
      assert.equal(7, asked(503, { ["retry-after"] = "7" }))
      assert.equal(30, asked(429, { ["retry-after"] = "Sun, 06 Nov 1994 08:49:37 GMT",
        date = "Sun, 06 Nov 1994 08:49:07 GMT" }))
      assert.equal(0, asked(429, { ["retry-after"] = "Sun, 06 Nov 1994 08:49:37 GMT" }))
      assert.equal(5, asked(429, { ["x-ratelimit-retry-after"] = "5", ["retry-after"] = "7" }))
      for _, text in ipairs { "-1", "soon", "", "1.5", "1e9", "Sunday, 06-Nov-94 08:49:37 GMT", "0x10" } do
        assert.is_nil(asked(429, { ["retry-after"] = text }))
      end
    end)

    it("not for the header that every response has", function()
      assert.is_nil(asked(503, { ["x-ratelimit-retry-after"] = "55" }))
    end)

    it("no longer than 67 seconds, and never less than requested", function()
      for i = 1, 200 do
        local delay = retry.delay(1, i)
        assert.is_true(delay >= math.min(i, 60) and delay < 67)
      end
      assert.is_true(retry.delay(1, 1e300) < 67)
    end)

    it("by exponential backoff with full jitter", function()
      waits.set(1, 8)
      for attempts, longest in pairs { 1, 2, 4, 8, 8, 8 } do
        local least, most = math.huge, 0
        for _ = 1, 300 do
          local delay = retry.delay(attempts)
          least, most = math.min(least, delay), math.max(most, delay)
        end
        assert.is_true(least >= 0 and least < longest * 0.1)
        assert.is_true(most <= longest and most > longest * 0.9)
      end
    end)

    it("before they send the next request", function()
      for _, header in ipairs { "X-RateLimit-Retry-After: 1\r\n", "Retry-After: 1\r\n" } do
        local url, requests = steps({ "429 X", header }, FOUND)
        local began = runtime.monotonic()
        assert(client_of(url).webhooks:get "webhook_1")
        assert.is_true(runtime.monotonic() - began >= 1)
        assert.equal(2, #requests)
      end
    end)

    it("not beyond the total timeout", function()
      for _, headers in ipairs { "", "Retry-After: 30\r\n" } do
        waits.set(1e9, 1e9)
        local url, requests = steps { "503 X", headers }
        local result, err = client_of(url, { total_timeout = 5 }).webhooks:get "webhook_1"
        assert.is_nil(result)
        assert.equal("server_error", err.kind)
        assert.equal(headers ~= "" and 30 or nil, err.retry_after)
        assert.equal(1, #requests)
      end
    end)
  end)

  describe("have a budget", function()
    it("so that they do not multiply the load of an outage", function()
      local url, asked = steps "503 X"
      local client = client_of(url)
      for _ = 1, 100 do client.webhooks:get "webhook_1" end
      assert.is_true(#asked >= 100 + 15 and #asked <= 100 + 25, #asked)
    end)

    it("that successes and time refill", function()
      local now, monotonic = 1000, runtime.monotonic
      runtime.monotonic = function() return now end
      finally(function() runtime.monotonic = monotonic end)
      local budget = retry.new_budget()
      local function take_all(count)
        for _ = 1, count do assert.is_true(budget:take()) end
        assert.is_false(budget:take())
      end
      take_all(20)
      for _ = 1, 5 do retry.add_success(budget) end
      take_all(1)
      now = now + 20
      take_all(2)
      now = now + 1e6
      take_all(20)
    end)

    it("that a rate limit does not use", function()
      local url, asked = steps { "429 X", "Retry-After: 0\r\n" }
      waits.set(0.001, 0.02)
      local client = client_of(url, { rate_limit = false })
      for _ = 1, 20 do client.webhooks:get "webhook_1" end
      assert.equal(80, #asked)
    end)
  end)

  it("of a secret's lookup end before api.video gives up on the delivery", function()
    local url, asked = steps { "503 X", "Retry-After: 6\r\n" }
    local secret, err = client_of(url).webhooks:secret_source():resolve "webhook_1"
    assert.is_nil(secret)
    assert.equal("server_error", err.kind)
    assert.equal(1, #asked)
  end)
end)
