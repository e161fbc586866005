local apivideo = require "apivideo"
local dictionary = require "apivideo.runtime.dictionary"
local http = require "apivideo.transport.http"
local metrics = require "apivideo.receiver.metrics"
local misuse = require "spec.support.misuse"
local samples_of = require "spec.support.samples_of"
local server = require "apivideo.server"
local tables = require "apivideo.util.tables"

local SECRET = "sig_sec_0000000000000000000000"

describe("metrics", function()
  local handlers

  before_each(function() handlers = apivideo.handlers() end)

  local function new(more)
    local options = tables.merge({ handlers = handlers, secrets = SECRET }, more)
    return apivideo.receiver(options)
  end

  local function send(receiver, body, more)
    local request = { method = "POST", body = body,
      headers = { ["x-api-video-webhookid"] = "webhook_1",
        ["x-api-video-signature"] = apivideo.sign(body, SECRET) } }
    for name, value in pairs(more or {}) do request[name] = value end
    return (receiver:receive(request))
  end

  local RECORDED = '{"type":"video.source.recorded","emittedAt":"2024","liveStreamId":"li","videoId":"vi"}'

  local function value(receiver, name)
    return samples_of(receiver:metrics())["apivideo_deliver" .. name]
  end

  it("count handled, unhandled and failed deliveries by type", function()
    local receiver = new()
    send(receiver, RECORDED)
    handlers:on("video.source.recorded", function() end)
    for _ = 1, 3 do send(receiver, RECORDED) end
    handlers:on("video.source.recorded", function() error "no" end)
    for _ = 1, 2 do assert.equal(500, send(receiver, RECORDED)) end
    assert.equal(1, value(receiver, 'ies_unhandled_total{type="video.source.recorded"}'))
    assert.equal(3, value(receiver, 'ies_handled_total{type="video.source.recorded"}'))
    assert.equal(2, value(receiver, 'ies_failed_total{type="video.source.recorded"}'))
    assert.equal(6, value(receiver, "ies_received_total"))
    assert.equal(0, value(receiver, 'ies_handled_total{type="video.caption.generated"}'))
  end)

  it("count rejected requests by reason", function()
    local known = SECRET
    local receiver = new { max_body = 100, secrets = function()
      if known then return known end
      return nil, "away"
    end }
    send(receiver, RECORDED, { method = "GET" })
    for _ = 1, 2 do send(receiver, (" "):rep(101)) end
    send(receiver, "", { size = 101 })
    for _ = 1, 4 do send(receiver, RECORDED, { headers = {} }) end
    for _, body in ipairs { "", "{}", '{"type":"video.source.recorded"}', ("["):rep(100), '{"type":1}' } do
      assert.equal(400, send(receiver, body))
    end
    known = nil
    for _ = 1, 6 do assert.equal(503, send(receiver, RECORDED)) end
    local counts = {}
    for name, count in pairs(samples_of(receiver:metrics())) do
      local reason = name:match('^apivideo_deliveries_rejected_total{reason="([%l_]+)"}$')
      if reason then counts[reason] = count end
    end
    assert.same({ bad_method = 1, too_large = 3, bad_signature = 4, bad_event = 5, secret_unavailable = 6,
      store_unavailable = 0, body_unavailable = 0, in_progress = 0, stale = 0 }, counts)
    assert.equal(19, value(receiver, "ies_received_total"))
    assert.equal(0, value(receiver, "y_seconds_count"))
  end)

  it("do not grow with types that a sender invents", function()
    local receiver = new()
    local before = #receiver:metrics()
    for i = 1, 9 do assert.equal(204, send(receiver, ('{"type":"made.up.%d"}'):format(i))) end
    assert.equal(204, send(receiver, '{"type":"other"}'))
    assert.equal(10, value(receiver, 'ies_unhandled_total{type="other"}'))
    assert.is_nil(receiver:metrics():find("made.up", 1, true))
    assert.is_true(#receiver:metrics() < before + 100)
  end)

  it("have the types of an application, with names of any characters", function()
    local name = 'a"b\\c\nd'
    handlers = apivideo.handlers { events = apivideo.events:extend {
      [name] = { required = { "id" }, identity = { "id" } }, other = { required = { "id" }, identity = { "id" } },
    } }
    local receiver = new()
    assert.equal(204, send(receiver, '{"type":"a\\"b\\\\c\\nd","id":"1"}'))
    assert.equal(204, send(receiver, '{"type":"other","id":"1"}'))
    assert.equal(1, value(receiver, [[ies_unhandled_total{type="a\"b\\c\nd"}]]))
    assert.equal(1, value(receiver, 'ies_unhandled_total{type="other"}'))
  end)

  it("have a histogram of durations", function()
    local registry = apivideo.metrics()
    local counts = metrics.new({ "a" }, registry)
    for _, seconds in ipairs { 0, 0.001, 0.0011, 0.3, 2, 10, 11, 1e6 } do counts:handled("a", 1, seconds) end
    local samples = samples_of(registry:text())
    for bound, expected in pairs { ["0.001"] = 2, ["0.005"] = 3, ["0.25"] = 3, ["0.5"] = 4, ["1"] = 4, ["2.5"] = 5,
      ["5"] = 5, ["10"] = 6, ["+Inf"] = 8 } do
      assert.equal(expected, samples[('apivideo_delivery_seconds_bucket{le="%s"}'):format(bound)], bound)
    end
    assert.equal(8, samples.apivideo_delivery_seconds_count)
    assert.is_true(math.abs(samples.apivideo_delivery_seconds_sum - 1000023.3021) < 1e-6)
    local receiver = new()
    send(receiver, RECORDED)
    assert.equal(1, value(receiver, "y_seconds_count"))
    assert.is_true(value(receiver, "y_seconds_sum") > 0)
  end)

  it("are the same in every locale", function()
    local registry = apivideo.metrics()
    local counts = metrics.new({ "a" }, registry)
    counts:handled("a", 1, 0.25)
    local before = os.setlocale(nil, "numeric")
    local comma = os.setlocale("de_DE.UTF-8", "numeric") or os.setlocale("fr_FR.UTF-8", "numeric")
    local text = registry:text()
    os.setlocale(before, "numeric")
    if not comma then pending("no locale with a decimal comma here") end
    assert.equal(0.25, samples_of(text).apivideo_delivery_seconds_sum)
  end)

  it("are shared through a store", function()
    local store = dictionary.new()
    local one = new { metrics = apivideo.metrics { store = store } }
    local other = new { metrics = apivideo.metrics { store = store } }
    send(one, RECORDED)
    send(other, RECORDED)
    send(other, RECORDED, { headers = {} })
    for _, receiver in ipairs { one, other } do
      assert.equal(3, value(receiver, "ies_received_total"))
      assert.equal(2, value(receiver, "y_seconds_count"))
    end
    assert.equal(0, value(new(), "ies_received_total"))
  end)

  it("must come from apivideo.metrics", function()
    for _, options in ipairs { {}, { store = dictionary.new() } } do
      local ok, message = pcall(function() return (new { metrics = options }) end)
      assert.is_false(ok)
      assert.truthy(message:find('receiver: option "metrics" must come from apivideo.metrics()', 1, true), message)
    end
  end)

  it("are those of the inbox, if there is one", function()
    local registry = apivideo.metrics()
    local inbox = apivideo.inbox { store = apivideo.inbox.memory(), metrics = registry }
    for _, more in ipairs { {}, { metrics = registry } } do
      local receiver = apivideo.receiver { inbox = inbox, unsigned = true, metrics = more.metrics }
      assert.truthy(receiver:metrics():find("apivideo_inbox_", 1, true))
    end
    local message = misuse(function()
      local _ = apivideo.receiver { inbox = inbox, unsigned = true, metrics = apivideo.metrics() }
    end)
    assert.matches('option "metrics" must be that of the inbox', message, 1, true)
  end)

  it("are served beside the receiver", function()
    local receiver = new()
    local listening = assert(server.listen { handler = function(request)
      if request.path == "/metrics" then
        return 200, { ["Content-Type"] = "text/plain; version=0.0.4" }, receiver:metrics()
      end
      return receiver:receive(request)
    end })
    finally(function() listening:stop() end)
    local function ask(method, path) return assert(http.request { method = method, url = listening.url .. path }) end
    assert.equal(405, ask("GET", "/").status)
    local response = ask("GET", "/metrics")
    assert.equal("text/plain; version=0.0.4", response.headers["content-type"])
    assert.equal(1, samples_of(response.body)['apivideo_deliveries_rejected_total{reason="bad_method"}'])
  end)
end)
