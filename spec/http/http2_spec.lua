-- HTTP/2 with a real peer: nginx, over TLS, with certificates created here.

local certificates = require "spec.support.certificates"
local http = require "apivideo.transport.http"
local is_below = require "spec.support.is_below"
local libcurl = require "spec.support.libcurl"
local nginx = require "spec.support.nginx"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"

describe("HTTP/2 #process", function()
  local authority, url, impatient_url, old_url

  setup(function()
    authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    local directive = 'return 200 "$server_protocol $request_method";'
    local requests = is_below(nginx.version(), "1.19.7") and "http2_max_requests" or "keepalive_requests"
    local ports = nginx.start(authority, {
      { "ssl http2", directive },
      { "ssl http2", requests .. " 20; " .. directive },
      { "ssl", directive },
    })
    url = ("https://127.0.0.1:%d/"):format(ports[1])
    impatient_url = ("https://127.0.0.1:%d/"):format(ports[2])
    old_url = ("https://127.0.0.1:%d/"):format(ports[3])
  end)

  teardown(function()
    authority:remove()
    runtime.sleep(0)
  end)

  local function request(target, more)
    local options = tables.merge({
      method = "GET", url = target, timeout = 30, ca_file = authority:path "ca.crt"
    }, more)
    return http.request(options)
  end

  -- Makes `total` requests, `limit` at a time. Returns the responses.
  local function many(target, total, limit, more)
    local responses, started, running = {}, 0, limit
    runtime.run(function()
      local all = runtime.latch()
      for _ = 1, limit do
        runtime.spawn(function()
          while started < total do
            started = started + 1
            local response, err, sent = request(target, more)
            responses[#responses + 1] = response or { err = err, sent = sent }
          end
          running = running - 1
          if running == 0 then all:open() end
        end)
      end
      all:wait()
    end)
    local opened = 0
    for _, response in ipairs(responses) do opened = opened + (response.connections or 0) end
    return responses, opened
  end

  it("is used with a peer that supports it", function()
    local response = assert(request(url))
    assert.equal("2", response.http_version)
    assert.equal("HTTP/2.0 GET", response.body)
    assert.equal("2", assert(request(url)).http_version)
  end)

  it("sends method, headers and body", function()
    for _, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
      local response = assert(request(url, { method = method, body = ("x"):rep(50000),
        headers = { "Content-Type: text/plain" } }))
      assert.equal("HTTP/2.0 " .. method, response.body)
    end
  end)

  it("carries many requests at once over few connections", function()
    local responses, opened = many(url .. "?new", 200, 50)
    assert.equal(200, #responses)
    for _, response in ipairs(responses) do assert.equal("2", response.http_version) end
    assert.is_true(opened <= 2, opened)
  end)

  it("can be disabled", function()
    libcurl.needs(pending, "7.77.0", "opens another connection for HTTP/1.1")
    assert.equal("2", assert(request(url)).http_version)
    local response = assert(request(url, { http2 = false }))
    assert.equal("1.1", response.http_version)
    assert.equal("HTTP/1.1 GET", response.body)
    assert.equal("2", assert(request(url)).http_version)
  end)

  it("is not used with a peer that does not support it", function()
    local responses = many(old_url, 60, 20)
    assert.equal(60, #responses)
    for _, response in ipairs(responses) do assert.equal("1.1", response.http_version) end
  end)

  it("retries a GET that a server leaves unprocessed with GOAWAY", function()
    local opened = 0
    -- In rounds, since libcurl retries a request five times: each connection serves twenty of a round's fifty, so that
    -- no request is rejected more than three times.
    for _ = 1, 8 do
      local responses, opened_now = many(impatient_url, 50, 50)
      assert.equal(50, #responses)
      for _, response in ipairs(responses) do
        assert.equal(200, response.status, tostring(response.err))
      end
      opened = opened + opened_now
    end
    assert.is_true(opened >= 10, opened)
  end)

  it("does not retry other methods then", function()
    local rejected, rounds = 0, 0
    repeat
      rounds = rounds + 1
      for _, response in ipairs((many(impatient_url, 200, 50, { method = "POST", body = "{}" }))) do
        if response.err then
          rejected = rejected + 1
          assert.equal("network", response.err.kind, tostring(response.err))
          assert.is_true(response.sent)
        end
      end
    until rejected > 0 or rounds == 10 -- several requests must be in progress when a connection closes
    assert.is_true(rejected > 0)
  end)
end)
