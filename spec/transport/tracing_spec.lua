-- Spans of calls, and the header traceparent.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local peer = require "spec.support.peer"
local raised_by = require "spec.support.misuse"
local running = require "spec.support.running"
local spans = require "spec.support.spans"
local stderr = require "spec.support.stderr"
local waits = require "spec.support.waits"

local PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
local LIST = '{"data":[],"videoId":"vi1"}'

-- Checks that a call is misuse, and what its message begins with.
local function misuse(fn, text)
  local message = raised_by(fn)
  assert.truthy(message:find(text, 1, true), message)
end

describe("a call", function()
  local requests

  before_each(function()
    requests = {}
    waits.set(0.002, 0.002)
    spans.start()
  end)

  after_each(function()
    spans.stop()
    running.stop()
    waits.restore()
  end)

  -- A peer whose responses have these status lines, one after the other; the last one repeats.
  local function peer_with(...)
    local lines = { ... }
    return running.serving(function(request)
      requests[#requests + 1] = request
      return lines[math.min(#requests, #lines)], "", LIST
    end)
  end

  local function sent(number) return peer.values(requests[number], "traceparent") end

  it("has a span with OpenTelemetry's names", function()
    local p = peer_with "200 OK"
    assert(client_of(p.url).videos:get "vi1")
    assert.equal(1, #spans.ended)
    local span = spans.ended[1]
    assert.equal("GET", span.name)
    assert.equal("client", span.kind)
    assert.same({
      ["http.request.method"] = "GET", ["url.full"] = p.url .. "/videos/vi1", ["server.address"] = "127.0.0.1",
      ["server.port"] = tonumber(p.port), ["http.response.status_code"] = 200, ["network.protocol.version"] = "1.1",
      ["apivideo.video.id"] = "vi1",
    }, span.attributes)
    assert.is_nil(span.parent)
    assert.is_nil(span.status)
    assert.is_nil(span.err)
    assert.is_true(span.ended_at >= span.started_at and span.started_at > 1e9)
    assert.same({ spans.traceparent(1) }, sent(1))
  end)

  it("has one span with all its attempts", function()
    local p = peer_with("503 Service Unavailable", "503 Service Unavailable", "200 OK")
    assert(client_of(p.url, { retries = 2 }).videos:list())
    assert.equal(1, #spans.ended)
    local attributes = spans.ended[1].attributes
    assert.equal(2, attributes["http.request.resend_count"])
    assert.equal(200, attributes["http.response.status_code"])
    for i = 1, 3 do assert.same({ spans.traceparent(1) }, sent(i)) end
  end)

  it("that fails has the status and the kind of the error", function()
    local p = peer_with "404 Not Found"
    local _, err = client_of(p.url).videos:get "vi1"
    local span = spans.ended[1]
    assert.equal("error", span.status)
    assert.equal(err.kind, span.err.kind)
    assert.equal("404", span.attributes["error.type"])
    local closed = running.peer(function() end)
    assert.is_nil(client_of(closed.url).videos:get "vi1")
    assert.equal("network", spans.ended[2].attributes["error.type"])
    assert.is_nil(spans.ended[2].attributes["http.response.status_code"])
  end)

  it("that is cancelled is no error", function()
    local p = peer_with "200 OK"
    local cancel = apivideo.cancellation()
    cancel:cancel()
    assert.is_nil(client_of(p.url).videos:get("vi1", { cancel = cancel }))
    assert.equal(1, #spans.ended)
    assert.is_nil(spans.ended[1].status)
    assert.is_nil(spans.ended[1].attributes["error.type"])
  end)

  it("with an unknown method does not create a name", function()
    local p = peer_with "200 OK"
    assert(client_of(p.url):request("PURGE", "/videos"))
    local span = spans.ended[1]
    assert.equal("HTTP", span.name)
    assert.equal("_OTHER", span.attributes["http.request.method"])
    assert.equal("PURGE", span.attributes["http.request.method_original"])
  end)

  it("shows no secret", function()
    local p = peer_with "200 OK"
    local client = client_of(p.url, { api_key = "observed.key-77", auth = "basic" })
    assert(client:request("GET", "/x", { query = { token = "secret-1", a = "observed.key-77" } }))
    local full = spans.ended[1].attributes["url.full"]
    assert.truthy(full:find("token=***", 1, true), full)
    assert.is_nil(full:find("secret-1", 1, true) or full:find("observed.key-77", 1, true))
  end)

  it("sends the option traceparent, whether tracing is on or off", function()
    local p = peer_with "200 OK"
    spans.stop()
    assert(client_of(p.url).videos:list({}, { traceparent = PARENT }))
    assert.same({ PARENT }, sent(1))
    assert(client_of(p.url).videos:list())
    assert.same({}, sent(2))
    apivideo.tracing { on_start = function(span) spans.started[1] = span end }
    assert(client_of(p.url).videos:list({}, { traceparent = PARENT }))
    assert.same({ PARENT }, sent(3))
    assert.same({ traceparent = PARENT }, spans.started[1].parent)
    spans.start()
    assert(client_of(p.url).videos:list({}, { traceparent = PARENT }))
    assert.same({ spans.traceparent(1) }, sent(4))
    assert.same({ traceparent = PARENT }, spans.started[1].parent)
  end)

  for name, value in pairs {
    ["in capital letters"] = PARENT:upper(), ["of zeros"] = "00-" .. ("0"):rep(32) .. "-00f067aa0ba902b7-01",
    ["with an id of zeros"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    ["of a later version"] = PARENT:gsub("^00", "01"), ["with more fields"] = PARENT .. "-x",
    ["with a line break"] = PARENT .. "\r\nX: y", ["of another form"] = "abc",
  } do
    it("rejects a traceparent " .. name, function()
      local client = client_of "http://127.0.0.1:9"
      misuse(function() client.videos:get("vi1", { traceparent = value }) end,
        'videos:get: option "traceparent" must be like 00-')
      spans.start { on_start = function(span) span.traceparent = value end }
      local p = peer_with "200 OK"
      local printed = table.concat(stderr.of(function() assert(client_of(p.url).videos:list()) end))
      assert.truthy(printed:find("on_start set an invalid traceparent", 1, true), printed)
      assert.same({}, sent(1))
      assert.is_nil(spans.ended[1].traceparent)
    end)
  end

  it("rejects the header traceparent, which has an option", function()
    local client = client_of "http://127.0.0.1:9"
    misuse(function() client.videos:get("vi1", { headers = { Traceparent = PARENT } }) end,
      'the header "Traceparent" is set by the library; use the option traceparent of the call')
  end)

  it("is not changed by hooks that raise an error", function()
    local p = peer_with "200 OK"
    apivideo.tracing { on_start = function() error("start", 0) end, on_end = function() error("stop", 0) end }
    local printed = table.concat(stderr.of(function() assert(client_of(p.url).videos:list()) end))
    assert.truthy(printed:find("apivideo: tracing: a hook failed: start", 1, true), printed)
    assert.truthy(printed:find("apivideo: tracing: a hook failed: stop", 1, true), printed)
  end)

  it("is not changed by hooks that replace the fields of its span", function()
    spans.start { on_start = function(span)
      span.attributes, span.parent, span.started_at = nil, span, "now"
    end }
    assert(client_of(peer_with("200 OK").url).videos:get "vi1")
    assert.equal(200, spans.ended[1].attributes["http.response.status_code"])
  end)

  it("of a hook has no span", function()
    local p = peer_with "200 OK"
    local client = client_of(p.url)
    spans.start { on_end = function() assert(client.videos:list()) end }
    assert(client.videos:list())
    assert.equal(2, #requests)
    assert.equal(1, #spans.started)
    assert(client.videos:list())
    assert.equal(2, #spans.started)
  end)

  it("that began before tracing was turned off ends its span with the same hooks", function()
    local p = running.serving(function()
      spans.stop()
      return "200 OK", "", LIST
    end)
    assert(client_of(p.url).videos:list())
    assert(client_of(p.url).videos:list())
    assert.equal(1, #spans.started)
    assert.equal(1, #spans.ended)
  end)

  it("of a settlement is a child of the call that it settles", function()
    local p = running.peer(function(connection)
      while true do
        local request = connection:read_request()
        if not request then return end
        if request.line:find "^POST" then return connection:reset() end
        connection:respond("200 OK", "", LIST)
      end
    end)
    assert(client_of(p.url):request("POST", "/x", {}, function() return client_of(p.url).videos:list() end))
    assert.equal(2, #spans.ended)
    assert.equal(spans.started[1], spans.started[2].parent)
  end)

  it("that raises an error ends its span", function()
    local p = running.peer(function(connection)
      if connection:read_request() then connection:reset() end
    end)
    local client = client_of(p.url)
    assert.has_error(function() client:request("POST", "/x", {}, function() error("lost", 0) end) end, "lost")
    assert.equal(1, #spans.ended)
    assert.equal("lost", spans.ended[1].err)
    assert.equal("_OTHER", spans.ended[1].attributes["error.type"])
  end)
end)

describe("apivideo.tracing", function()
  it("rejects other options", function()
    misuse(function() apivideo.tracing { on_stop = print } end, 'tracing: unknown option "on_stop"')
    misuse(function() apivideo.tracing { on_start = "x" } end, 'tracing: option "on_start" must be a function')
    misuse(function() apivideo.tracing(true) end, "tracing: a table of options expected, got boolean")
  end)

  it("is off without hooks", function()
    local tracing = require "apivideo.runtime.tracing"
    apivideo.tracing { on_end = print }
    assert.is_true(tracing.is_on)
    apivideo.tracing {}
    assert.is_false(tracing.is_on)
    apivideo.tracing { on_start = print }
    apivideo.tracing(nil)
    assert.is_false(tracing.is_on)
  end)
end)
