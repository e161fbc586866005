-- A server whose responses to token requests, and whose rate limits, make no sense.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local peer = require "spec.support.peer"
local retry = require "apivideo.transport.retry"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"
local waits = require "spec.support.waits"

describe("a client of a hostile server", function()
  after_each(running.stop)

  -- Starts a server that responds to token requests with a body. Returns its client, and the requests.
  local function exchanging(body, more)
    local p = running.serving(function(request)
      if request.line:find "/auth/" then return "200 OK", nil, body end
      return "200 OK", nil, '{"data":[]}'
    end)
    local options = tables.merge({
      api_key = "the-key", auth = "bearer", base_url = p.url, retries = 0, total_timeout = 10
    }, more)
    return apivideo.client(options), p
  end

  local function count(p, pattern)
    local found = 0
    for _, request in ipairs(p.requests) do
      if request.line:find(pattern) then found = found + 1 end
    end
    return found
  end

  it("sends no Authorization header without a valid token", function()
    for _, token in ipairs { "null", "true", "5", '""', "{}", "[]", '["a"]', '"a b"', '"a\\r\\nX-Evil: 1"',
      '"a\\u0000b"', '"a\\n"', '"\\u00e9"', '"\\u007f"' } do
      local client, p = exchanging('{"access_token":' .. token .. ',"expires_in":3600}')
      local page, err = client.webhooks:list()
      assert.is_nil(page)
      assert.equal("unexpected_response", err.kind)
      assert.equal(1, #p.requests)
    end
  end)

  it("sends the key again after an invalid refresh token", function()
    for _, token in ipairs { "null", "5", '""', "{}", '"a\\r\\nX-Evil: 1"' } do
      local client, p = exchanging('{"access_token":"a","refresh_token":' .. token .. ',"expires_in":3600}')
      assert(client.webhooks:list())
      client._account().credentials:reject "a"
      assert(client.webhooks:list())
      assert.equal(2, count(p, "/auth/api%-key"))
      assert.equal(0, count(p, "/auth/refresh"))
    end
  end)

  it("sends one token request when tokens have expired, or never expire", function()
    for _, seconds in ipairs { "0", "-1", "-1e308", "1e308", "0.0000001", '"nan"', '"inf"', '"-inf"', '"0x10"', '""',
      '"x"', "null", "true", "[]", "{}" } do
      local client, p = exchanging('{"access_token":"a","refresh_token":"r","expires_in":' .. seconds .. "}")
      for _ = 1, 3 do assert(client.webhooks:list()) end
      assert.equal(1, count(p, "/auth/"), seconds)
      assert.same({ "Bearer a" }, peer.values(p.requests[2], "Authorization"))
    end
  end)

  it("requests another token after a day when tokens never expire", function()
    local client, p = exchanging '{"access_token":"a","expires_in":1e308}'
    assert(client.webhooks:list())
    local monotonic = runtime.monotonic
    runtime.monotonic = function() return monotonic() + 86400 end
    finally(function() runtime.monotonic = monotonic end)
    assert(client.webhooks:list())
    assert.equal(2, count(p, "/auth/"))
  end)

  it("requests one more token when its token is rejected", function()
    local p = running.serving(function(request)
      if request.line:find "/auth/" then return "200 OK", nil, '{"access_token":"a","refresh_token":"r"}' end
      return "401 X"
    end)
    local client = apivideo.client { api_key = "the-key", auth = "bearer", base_url = p.url }
    local page, err = client.webhooks:list()
    assert.is_nil(page)
    assert.equal("unauthorized", err.kind)
    assert.equal(2, count(p, "/auth/"))
    assert.equal(2, count(p, "/webhooks"))
  end)

  local absurd = { "1e300", "-1", "-0", "0", "999999999999999999999", ("9"):rep(400), "nan", "inf", "0x7fffffff", "1.5",
    "", "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Xxx, 99 Xxx 9999 99:99:99 GMT",
    "Fri, 31 Feb 2026 00:00:00 GMT" }

  local function limits_of(limit, value)
    return ("X-RateLimit-Limit: %s\r\nX-RateLimit-Remaining: %s\r\nX-RateLimit-Retry-After: %s\r\n")
      :format(limit, value, value)
  end

  it("waits at most 68 seconds when absurd waits are requested", function()
    for _, value in ipairs(absurd) do
      local headers = { ["retry-after"] = value, ["x-ratelimit-retry-after"] = value }
      local asked = retry.requested_delay { status = 429, headers = headers }
      for attempts = 1, 100, 33 do
        local delay = retry.delay(attempts, asked)
        assert.is_true(delay >= 0 and delay < 68, value)
      end
    end
  end)

  it("does not wait beyond the total timeout when absurd waits are requested", function()
    waits.set(0.001, 0.002)
    finally(waits.restore)
    for _, status in ipairs { "429 X", "503 X" } do
      for _, value in ipairs(absurd) do
        local p = running.responding(status, limits_of(value, value) .. "Retry-After: " .. value .. "\r\n")
        local client = apivideo.client { api_key = "k", base_url = p.url, retries = 2, total_timeout = 0.1 }
        local began = runtime.monotonic()
        local page, err = client.webhooks:list()
        assert.is_nil(page)
        assert.is_true(errors.is(err))
        assert.is_true(runtime.monotonic() - began < 5)
        running.stop()
      end
    end
  end)

  it("sends the next call after a minute at the latest when absurd limits are reported", function()
    local now, offset = runtime.now, 0
    runtime.now = function() return now() + offset end
    finally(function() runtime.now = now end)
    for _, value in ipairs(absurd) do
      for _, limit in ipairs { value, "1" } do
        local p = running.responding("200 OK", limits_of(limit, value), '{"data":[]}')
        local client = apivideo.client { api_key = "k", base_url = p.url, retries = 0, total_timeout = 0.05 }
        for _ = 1, 3 do client.webhooks:list() end
        offset = offset + 62
        assert(client.webhooks:list(nil, { total_timeout = 60 }))
        running.stop()
      end
    end
  end)
end)
