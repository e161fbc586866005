local apivideo = require "apivideo"
local pages = require "spec.support.page"
local published = require "spec.support.published"
local running = require "spec.support.running"
local stderr = require "spec.support.stderr"

describe("the page's API for deliveries", function()
  before_each(function() stderr.catch() end)

  after_each(function()
    running.stop()
    stderr.release()
  end)

  local function get(page, path) return pages.call(page, "GET", "/api/" .. path) end

  it("lists the deliveries of the receiver, oldest first", function()
    local page, receiver = pages.new()
    pages.deliver(receiver, "video.encoding.quality.completed", { videoId = "vi1", encoding = "mp4", quality = "720p" })
    pages.deliver(receiver, "live-stream.broadcast.started", { liveStreamId = "li1" })
    local body, status = get(page, "deliveries")
    assert.equal(200, status)
    assert.same({ 1, 2 }, { body.first, body.last })
    local first, second = body.data[1], body.data[2]
    assert.same({ 1, "handled", 204, "video.encoding.quality.completed", "vi1", "mp4 720p", true },
      { first.id, first.result, first.status, first.type, first.subject, first.detail, first.verified })
    assert.same({ "live-stream.broadcast.started", "li1" }, { second.type, second.subject })
    assert.equal("webhook_0000000000000000000000", first.webhook_id)
    assert(math.abs(first.at_ms / 1000 - os.time()) < 60)
  end)

  it("lists those after an id, at most as many as the limit", function()
    local page, receiver = pages.new()
    for _ = 1, 5 do pages.deliver(receiver) end
    local body = get(page, "deliveries?after=2&limit=2")
    assert.same({ 3, 4, nil }, { body.data[1].id, body.data[2].id, body.data[3] })
    assert.same({}, get(page, "deliveries?after=5").data)
    for _, wrong in ipairs { "after=-1", "after=x", "after=1e3", "limit=0", "limit=99999999999999999999" } do
      assert.equal(200, select(2, get(page, "deliveries?" .. wrong)))
    end
  end)

  it("has the result of each outcome", function()
    local handlers = apivideo.handlers():on("video.source.recorded", function(event)
      if event.videoId == "vi_fails" then error("it broke") end
    end)
    local page, receiver = pages.new({}, { handlers = handlers })
    pages.deliver(receiver)
    pages.deliver(receiver, "live-stream.broadcast.ended")
    pages.deliver(receiver, nil, { videoId = "vi_fails" })
    pages.deliver(receiver, nil, nil, "sig_sec_forged")
    receiver:receive { method = "GET", headers = {} }
    local results = {}
    for i, each in ipairs(get(page, "deliveries").data) do results[i] = each.result .. " " .. each.status end
    assert.same({ "handled 204", "unhandled 204", "failed 500", "rejected 401", "rejected 405" }, results)
  end)

  it("has those of a receiver with an inbox, and with dedupe", function()
    local inbox = apivideo.inbox { store = apivideo.inbox.memory() }
    local page, receiver = pages.new({}, { inbox = inbox })
    receiver:receive(published.request())
    receiver:receive(published.request())
    local raw = "not JSON"
    receiver:receive { method = "POST", body = raw,
      headers = { ["X-Api-Video-Signature"] = apivideo.sign(raw, pages.SECRET) } }
    local results = {}
    for i, each in ipairs(get(page, "deliveries").data) do results[i] = each.result end
    assert.same({ "stored", "duplicate", "dead" }, results)
    page, receiver = pages.new({}, { dedupe = {} })
    receiver:receive(published.request())
    receiver:receive(published.request())
    assert.equal("duplicate", get(page, "deliveries").data[2].result)
  end)

  it("has the exact bytes and the headers of a delivery, also of a forged one", function()
    local page, receiver = pages.new()
    local bytes = "{\"type\":\"\0\255<script>\"}"
    receiver:receive { method = "POST", body = bytes, headers = {
      ["x-two"] = { "a", "b" }, ["X-Api-Video-Signature"] = ("0"):rep(64), Authorization = "Bearer abcdef0123456789" } }
    local body, status, list = get(page, "deliveries/1/body")
    assert.same({ bytes, 200, "application/octet-stream" }, { body, status, list["Content-Type"] })
    assert.equal("nosniff", list["X-Content-Type-Options"])
    local details = get(page, "deliveries/1")
    assert.same({ { "Authorization", "***" }, { "X-Api-Video-Signature", ("0"):rep(64) }, { "x-two", "a" },
      { "x-two", "b" } }, details.headers)
    assert.equal("bad_signature", details.err.kind)
    assert.is_false(details.verified)
  end)

  it("has the errors of handlers with their tracebacks, without secrets", function()
    local handlers = apivideo.handlers()
    handlers:on("*", function() error("about " .. pages.SECRET) end)
    handlers:on("*", function() return nil, "no space left" end)
    local page, receiver = pages.new({}, { handlers = handlers })
    pages.deliver(receiver)
    local errors = get(page, "deliveries/1").errors
    assert.matches("about sig_sec_%*%*%*", errors[1].message)
    assert.matches("deliveries_spec.lua:%d+", errors[1].traceback)
    assert.is_nil(errors[1].traceback:find("receiver/init.lua", 1, true))
    assert.same({ message = "no space left" }, errors[2])
    assert.matches("about sig_sec_%*%*%*", get(page, "deliveries").data[1].problem)
  end)

  it("still calls the option on_outcome, and each page of a receiver", function()
    local seen = 0
    local page, receiver = pages.new({}, { on_outcome = function() seen = seen + 1 end })
    local other = apivideo.page { receiver = receiver }
    pages.deliver(receiver)
    assert.same({ 1, 1, 1 }, { seen, get(page, "deliveries").last, get(other, "deliveries").last })
  end)

  it("responds 404 for a delivery and a path that it does not have, and 405 for a method", function()
    local page = pages.new { write = true }
    for path, expected in pairs { ["deliveries/1"] = 404, ["deliveries/99999999999999999999"] = 404, nothing = 404,
      ["deliveries/1/replay"] = 405, ["inbox"] = 404 } do
      local body, status = get(page, path)
      assert.equal(expected, status, path)
      if type(body) == "table" then assert.truthy(body.error.message) end
    end
  end)

  describe("that sends again", function()
    it("sends the same bytes through the receiver, and links the two", function()
      local seen = {}
      local handlers = apivideo.handlers():on("*", function(_, delivery) seen[#seen + 1] = delivery.raw end)
      local page, receiver = pages.new({ write = true }, { handlers = handlers })
      pages.deliver(receiver)
      local sent, status = pages.call(page, "POST", "/api/deliveries/1/replay?to=receiver")
      assert.same({ 200, 204, 2 }, { status, sent.status, sent.id })
      assert.equal(seen[1], seen[2])
      assert.equal(1, get(page, "deliveries").data[2].replay_of)
    end)

    it("sends them to the URL of forward_to", function()
      local received
      local peer = running.serving(function(request)
        received = request
        return "202 Accepted"
      end)
      local page, receiver = pages.new { write = true, forward_to = peer.url .. "/hooks" }
      local delivery = pages.deliver(receiver)
      local sent = pages.call(page, "POST", "/api/deliveries/1/replay?to=forward")
      assert.equal(202, sent.status)
      assert.equal(delivery.body, received.body)
      assert.equal("POST /hooks HTTP/1.1", received.line)
      local signature = delivery.headers["X-Api-Video-Signature"]
      assert.truthy(received.head:find("x-api-video-signature: " .. signature, 1, true))
    end)

    it("reports a URL that does not respond", function()
      local page, receiver = pages.new { write = true, forward_to = "http://127.0.0.1:1/" }
      pages.deliver(receiver)
      local sent, status = pages.call(page, "POST", "/api/deliveries/1/replay?to=forward")
      assert.equal(200, status)
      assert.is_nil(sent.status)
      assert.matches("network", sent.error)
    end)

    it("signs an edited body with the secret of the webhook", function()
      local seen
      local handlers = apivideo.handlers():on("*", function(event) seen = event.videoId end)
      local by_id = { webhook_0000000000000000000000 = { pages.SECRET, "sig_sec_older" } }
      local page, receiver = pages.new({ write = true }, { handlers = handlers, secrets = by_id })
      pages.deliver(receiver)
      local sent = pages.call(page, "POST", "/api/deliveries/1/resend?to=receiver", nil,
        { body = '{"type":"video.source.recorded","emittedAt":"2026-01-01T00:00:00Z","videoId":"vi_edited"}' })
      assert.same({ 204, "vi_edited" }, { sent.status, seen })
    end)

    it("says why it cannot", function()
      local page, receiver = pages.new({ write = true }, { secrets = function() return nil end })
      receiver:receive(published.request())
      for path, message in pairs {
        ["resend?to=receiver"] = "no secret", ["replay?to=forward"] = "forward_to",
        ["replay?to=moon"] = "receiver or forward", replay = "receiver or forward" } do
        local body, status = pages.call(page, "POST", "/api/deliveries/1/" .. path)
        assert.equal(409, status)
        assert.matches(message, body.error.message)
      end
    end)

    it("sends an edited body without a signature to a receiver that needs none", function()
      local page, receiver = pages.new({ write = true }, { unsigned = true })
      pages.deliver(receiver)
      local sent = pages.call(page, "POST", "/api/deliveries/1/resend?to=receiver", nil, { body = "{}" })
      assert.equal(400, sent.status)
    end)
  end)
end)
