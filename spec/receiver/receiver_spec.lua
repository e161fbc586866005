local apivideo = require "apivideo"
local cjson = require "cjson"
local errors = require "apivideo.error"
local misuse = require "spec.support.misuse"
local published = require "spec.support.published"
local runtime = require "apivideo.runtime"
local stderr = require "spec.support.stderr"

local SECRET, ID, RAW, HEX = published.SECRET, published.ID, published.RAW, published.HEX
local request = published.request

describe("receiver", function()
  local events, deliveries, outcomes, handlers

  before_each(function()
    events, deliveries, outcomes = {}, {}, {}
    handlers = apivideo.handlers():otherwise(function(event, delivery)
      events[#events + 1] = event
      deliveries[#deliveries + 1] = delivery
    end)
  end)

  local function new(more) return published.receiver(handlers, outcomes, more) end

  local function signed(body, secret)
    return request { body = body, headers = { ["x-api-video-webhookid"] = ID,
      ["x-api-video-signature"] = apivideo.sign(body, secret or SECRET) } }
  end

  local function kind()
    return outcomes[#outcomes].err and outcomes[#outcomes].err.kind
  end

  it("passes a verified event to its handlers and responds 204", function()
    local before = runtime.now()
    local status, headers, body = new():receive(request())
    assert.equal(204, status)
    assert.same({}, headers)
    assert.equal("", body)
    assert.equal("vi0000000000000000000000", events[1].videoId)
    local delivery = deliveries[1]
    assert.equal(ID, delivery.webhook_id)
    assert.equal(RAW, delivery.raw)
    assert.is_true(delivery.verified)
    assert.equal("webhook", delivery.origin)
    assert.equal(events[1], delivery.event)
    assert.is_true(delivery.received_at >= before and delivery.received_at <= runtime.now())
    assert.equal(apivideo.events:key(events[1]), delivery.key)
    assert.is_nil(delivery.attempt)
    assert.equal(204, outcomes[1].status)
    assert.equal(1, outcomes[1].handled)
    assert.is_true(outcomes[1].seconds >= 0)
  end)

  it("finds headers in any case, and as lists", function()
    local receiver = new()
    for _, headers in ipairs {
      { ["x-api-video-webhookid"] = ID, ["x-api-video-signature"] = HEX },
      { ["X-API-VIDEO-WEBHOOKID"] = ID, ["X-API-VIDEO-SIGNATURE"] = HEX },
      { ["x-api-video-webhookid"] = { ID }, ["x-api-video-signature"] = { HEX } },
    } do
      assert.equal(204, (receiver:receive(request { headers = headers })))
    end
  end)

  it("accepts a signature in upper case: it is the same 32 bytes", function()
    local r = request()
    r.headers["X-Api-Video-Signature"] = HEX:upper()
    assert.equal(204, (new():receive(r)))
  end)

  describe("rejects with 401 and an empty body, without running a handler:", function()
    local function rejected(r, receiver)
      local status, headers, body = (receiver or new()):receive(r)
      assert.equal(401, status)
      assert.same({}, headers)
      assert.equal("", body)
      assert.equal(0, #events)
      assert.equal("bad_signature", kind())
      assert.is_nil(tostring(outcomes[#outcomes].err):find(SECRET, 1, true))
      return outcomes[#outcomes].err.message
    end

    it("no signature", function()
      assert.truthy(rejected(request { headers = { ["X-Api-Video-WebhookID"] = ID } })
        :find("no x-api-video-signature header", 1, true))
    end)

    it("a repeated signature, even if both are valid", function()
      for _, headers in ipairs {
        { ["x-api-video-webhookid"] = ID, ["x-api-video-signature"] = { HEX, HEX } },
        { ["x-api-video-webhookid"] = ID, ["x-api-video-signature"] = HEX,
          ["X-Api-Video-Signature"] = HEX },
      } do
        assert.truthy(rejected(request { headers = headers }):find("more than one"))
      end
    end)

    it("a signature of another length, form, body or key", function()
      for _, hex in ipairs { "", HEX:sub(1, 63), HEX .. "0", HEX:sub(1, 63) .. "g", " " .. HEX:sub(2),
        "sha256=" .. HEX, ("0"):rep(64), HEX:sub(1, 63) .. "d" } do
        rejected(request { headers = { ["X-Api-Video-WebhookID"] = ID, ["X-Api-Video-Signature"] = hex } })
      end
      rejected(request { body = RAW .. " " })
      rejected(request { body = RAW:gsub("720p", "721p") })
      rejected(request { body = "" })
      local r = request { headers = { ["X-Api-Video-WebhookID"] = ID,
        ["X-Api-Video-Signature"] = apivideo.sign(RAW, "sig_sec_another") } }
      rejected(r)
    end)

    it("an unknown or missing webhook id", function()
      local receiver = new { secrets = { [ID] = SECRET } }
      local headers = { ["X-Api-Video-Signature"] = HEX }
      assert.truthy(rejected(request { headers = headers }, receiver):find("webhookid"))
      headers["X-Api-Video-WebhookID"] = "webhook_another"
      assert.truthy(rejected(request { headers = headers }, receiver):find("no secret is known"))
      headers["X-Api-Video-WebhookID"] = { ID, ID }
      assert.truthy(rejected(request { headers = headers }, receiver):find("more than one"))
    end)
  end)

  it("accepts secrets as a string, a list, a table by id, and a function", function()
    for _, secrets in ipairs {
      SECRET, { "sig_sec_old", SECRET }, { [ID] = SECRET }, { [ID] = { "sig_sec_old", SECRET } },
      function(id) return id == ID and SECRET or nil end,
    } do
      assert.equal(204, (new { secrets = secrets }:receive(request())))
    end
  end)

  it("responds 503 if the secret is unavailable", function()
    local receiver = new { secrets = function() return nil, errors.new("network", "away") end }
    assert.equal(503, (receiver:receive(request())))
    assert.equal("network", kind())
    assert.equal(0, #events)
  end)

  it("accepts unsigned deliveries only with unsigned = true", function()
    local receiver = new { unsigned = true }
    assert.equal(204, (receiver:receive { method = "POST", headers = {}, body = RAW }))
    assert.is_false(deliveries[1].verified)
    assert.is_nil(deliveries[1].webhook_id)
  end)

  it("responds 405 to other methods than POST", function()
    for _, method in ipairs { "GET", "HEAD", "PUT", "post" } do
      local status, headers = new():receive(request { method = method })
      assert.equal(405, status)
      assert.equal("POST", headers.Allow)
    end
    assert.equal(0, #events)
  end)

  it("responds 413 to a body larger than max_body, before it checks the signature", function()
    local receiver = new { secrets = SECRET, max_body = #RAW }
    assert.equal(204, (receiver:receive(request())))
    assert.equal(413, (receiver:receive(signed(RAW .. " "))))
    assert.equal("too_large", kind())
    assert.equal(413, (new():receive(request { body = ("x"):rep(10 * 1024 * 1024) })))
  end)

  it("responds 413 to a body that was not read because it is too large", function()
    local receiver = new()
    assert.equal(413, (receiver:receive { method = "POST", headers = {}, size = receiver.max_body + 1 }))
    assert.equal(413, (receiver:receive { method = "POST", headers = {}, size = math.huge }))
    assert.equal("too_large", kind())
    assert.truthy(outcomes[1].err.message:find("max_body: 1048577 > 1048576 bytes", 1, true))
    assert.equal(401, (receiver:receive { method = "POST", headers = {}, size = receiver.max_body }))
  end)

  it("responds 400 to signed bytes that are not an event", function()
    local receiver = new()
    for body, expected in pairs {
      [""] = "bad_json", ["hello"] = "bad_json", [RAW:sub(1, -2)] = "bad_json",
      [("["):rep(100000)] = "bad_json", ['{"type":"a","type":"b"}'] = "bad_json",
      ['{"type":"a\255"}'] = "bad_json", ["[]"] = "bad_event", ["{}"] = "bad_event",
      ['{"type":"video.source.recorded"}'] = "bad_event",
    } do
      assert.equal(400, (receiver:receive(signed(body))), body:sub(1, 40))
      if kind() ~= "too_large" then assert.equal(expected, kind(), body:sub(1, 40)) end
    end
    assert.equal(0, #events)
  end)

  it("logs which field is missing", function()
    new():receive(signed '{"type":"video.source.recorded","emittedAt":"2024","liveStreamId":"li"}')
    assert.equal("videoId", outcomes[1].err.field)
  end)

  it("delivers unknown types, fields and dates", function()
    local receiver = new()
    assert.equal(204, (receiver:receive(signed '{"type":"video.renamed","new":[1,{"a":null}]}')))
    assert.equal("video.renamed", events[1].type)
    assert.equal(1, events[1].new[1])
    assert.equal(cjson.decode("[null]")[1], cjson.null)
    assert.equal(204, (receiver:receive(signed((RAW:gsub("2021%-01%-29T15", "2024-08-151T10"))))))
    assert.is_nil(apivideo.timestamp(events[2].emittedAt))
    assert.truthy(deliveries[1].key ~= deliveries[2].key)
  end)

  it("responds 500 if a handler fails, and logs each failure", function()
    handlers:on("video.*", function() error("it broke", 0) end)
    handlers:on("video.*", function() return nil, "that too" end)
    assert.equal(500, (new():receive(request())))
    assert.same({ "it broke", "that too" }, outcomes[1].errors)
  end)

  it("acknowledges an event that no handler matches", function()
    local receiver = apivideo.receiver { handlers = apivideo.handlers(), secrets = SECRET,
      on_outcome = function(o) outcomes[#outcomes + 1] = o end }
    assert.equal(204, (receiver:receive(request())))
    assert.equal(0, outcomes[1].handled)
  end)

  it("logs rejections, failures and unhandled events to stderr by default", function()
    local receiver = apivideo.receiver { handlers = apivideo.handlers(), secrets = SECRET }
    local written = stderr.of(function()
      receiver:receive(request { body = "x\n" })
      receiver:receive(request())
      handlers:on("*", function() error("it broke\nbadly", 0) end)
      apivideo.receiver { handlers = handlers, secrets = SECRET }:receive(request())
    end)
    assert.equal(3, #written)
    assert.truthy(written[1]:find("rejected with 401: .*bad_signature: signature mismatch"))
    assert.truthy(written[2]:find("without a handler: video.encoding.quality.completed", 1, true))
    assert.truthy(written[3]:find("failed: it broke badly; stack: spec/receiver/receiver_spec.lua:%d+ in [^\n]+\n$"))
  end)

  it("calls on_outcome after the log has its line", function()
    local before
    local written = stderr.catch()
    local receiver = apivideo.receiver { handlers = handlers, secrets = SECRET,
      on_outcome = function(outcome) before = #written .. " " .. outcome.err.kind end }
    local ok, status = pcall(receiver.receive, receiver, request { body = "x" })
    stderr.release()
    assert.is_true(ok, status)
    assert.equal("1 bad_signature", before)
    assert.truthy(written[1]:find("rejected with 401: ", 1, true))
  end)

  it("raises for the method secret_source that was not called", function()
    local client = apivideo.client { api_key = "key" }
    local options = { handlers = apivideo.handlers(), secrets = client.webhooks.secret_source }
    local message = misuse(function() return (apivideo.receiver(options)) end)
    assert.matches('receiver: option "secrets" is the method secret_source itself; call it:'
      .. " client.webhooks:secret_source()", message, 1, true)
    message = misuse(function() return (apivideo.construct_event("{}", {}, client.webhooks.secret_source)) end)
    assert.matches('construct_event: argument "secrets" is the method secret_source itself', message, 1, true)
  end)

  it("raises for misuse, with a remedy", function()
    local function message(fn, ...)
      local ok, err = pcall(fn, ...)
      assert.is_false(ok)
      return tostring(err)
    end
    assert.truthy(message(apivideo.receiver, { handlers = handlers }):find("secrets.*unsigned = true"))
    assert.truthy(message(apivideo.receiver, { handlers = handlers, secrets = os.getenv "APIVIDEO_NOT_SET" })
      :find("a signatureSecret (an environment variable that is not set is nil)", 1, true))
    assert.truthy(message(apivideo.receiver, { handlers = handlers, secrets = SECRET, unsigned = true })
      :find("exclude"))
    assert.truthy(message(apivideo.receiver, { handlers = handlers, secret = SECRET })
      :find('did you mean "secrets"?', 1, true))
    assert.truthy(message(apivideo.receiver, { secrets = SECRET }):find('"handlers" is required', 1, true))
    assert.truthy(message(apivideo.receiver, { handlers = {}, secrets = SECRET }):find("apivideo.handlers"))
    assert.truthy(message(apivideo.receiver, { handlers = handlers, secrets = {} }):find("empty"))
    assert.truthy(message(apivideo.receiver, { handlers = handlers, secrets = "" }):find("secrets"))
    assert.is_false(pcall(apivideo.receiver, { handlers = handlers, secrets = 5 }))
    local webhook = { webhookId = "webhook_1", url = "https://x", signatureSecret = SECRET }
    for _, wrong in ipairs { webhook, apivideo.client { api_key = "k" }, apivideo.client { api_key = "k" }.webhooks,
      { webhook_a = 5 }, { webhook_a = "" }, { "" } } do
      assert.truthy(message(apivideo.receiver, { handlers = handlers, secrets = wrong }):find("secrets"))
    end
    local receiver = new()
    assert.truthy(message(receiver.receive, receiver, request { body = {} }):find("decoded"))
    assert.is_false(pcall(receiver.receive, receiver, { method = "POST" }))
    assert.is_false(pcall(receiver.receive, receiver))
    assert.truthy(message(receiver.receive, receiver, request { size = "5" })
      :find("size must be a whole number of bytes", 1, true))
    local outside = message(function() receiver:nginx() end)
    assert.truthy(outside:find("receiver_spec.lua.*receiver:nginx: this is not nginx; .* receiver:receive"), outside)
  end)

  it("raises if a method is called with a dot", function()
    local receiver = new()
    for name, argument in pairs { receive = request(), metrics = false } do
      for _, options in ipairs { argument, {} } do
        local message = misuse(function() return (receiver[name](options or nil)) end)
        assert.truthy(message:find(("receiver:%s: call it with a colon, receiver:%s(…)"):format(name, name), 1, true),
          message)
      end
    end
  end)

  it("returns the same response if on_outcome fails, and logs no secret", function()
    local status
    local written = stderr.of(function()
      local failing = apivideo.receiver { handlers = handlers, secrets = SECRET,
        on_outcome = function() error("no space left") end }
      status = failing:receive(request())
      handlers:on("*", function() error("about " .. SECRET, 0) end)
      apivideo.receiver { handlers = handlers, secrets = SECRET }:receive(request())
    end)
    assert.equal(204, status)
    assert.truthy(written[1]:find("no space left"))
    assert.truthy(written[2]:find("about sig_sec_***", 1, true))
  end)

  it("requests no secret for a malformed signature", function()
    local asked = 0
    local receiver = new { secrets = function() asked = asked + 1 return SECRET end }
    local r = request()
    r.headers["X-Api-Video-Signature"] = "zz"
    assert.equal(401, (receiver:receive(r)))
    assert.equal(0, asked)
  end)

  it("leaves the key of a delivery unchanged if a handler changes the event", function()
    local keys = {}
    handlers:on("*", function(event, delivery)
      keys[1] = delivery.key
      event.videoId = nil
    end)
    handlers:on("*", function(_, delivery) keys[2] = delivery.key end)
    assert.equal(204, (new():receive(request())))
    assert.equal(keys[1], keys[2])
  end)

  it("shows no secret if it is printed", function()
    local receiver = new()
    assert.is_nil(tostring(receiver):find("sig_sec"))
    local function search(value, seen)
      if type(value) == "string" then return value:find(SECRET, 1, true) end
      if type(value) ~= "table" or seen[value] then return nil end
      seen[value] = true
      for k, v in pairs(value) do
        if search(k, seen) or search(v, seen) then return true end
      end
      return nil
    end
    assert.is_nil((search(receiver, {})))
  end)
end)
