-- The option freshness of a receiver: the age of an event by its signed emittedAt.

local apivideo = require "apivideo"
local memory = require "apivideo.inbox.memory"
local misuse = require "spec.support.misuse"
local published = require "spec.support.published"
local runtime = require "apivideo.runtime"
local stderr = require "spec.support.stderr"

local SECRET, ID = published.SECRET, published.ID

-- A signed request; `emitted` is a date, or an age in seconds; nil for no date.
local function request(emitted)
  if type(emitted) == "number" then emitted = os.date("!%Y-%m-%dT%H:%M:%S.5Z", os.time() - emitted) end
  local member = emitted and ('"emittedAt":"%s",'):format(emitted) or ""
  local body = ('{"type":"video.encoding.quality.completed",%s"videoId":"vi1","encoding":"hls","quality":"720p"}')
    :format(member)
  return { method = "POST", body = body, headers = { ["x-api-video-webhookid"] = ID,
    ["x-api-video-signature"] = apivideo.sign(body, SECRET) } }
end

local UNREADABLE = { "2024-08-151T10:18:47+00:00", "", "yesterday", false }

describe("receiver with freshness", function()
  local outcomes, deliveries, handlers

  before_each(function()
    outcomes, deliveries = {}, {}
    handlers = apivideo.handlers():on("*", function(_, delivery) deliveries[#deliveries + 1] = delivery end)
  end)

  local function new(action, more)
    local options = { secrets = SECRET, freshness = action and { max_age = 300, action = action } }
    for name, value in pairs(more or {}) do options[name] = value end
    return published.receiver(handlers, outcomes, options)
  end

  it("accepts events of any age without the option, and flags none", function()
    local receiver = new()
    for _, emitted in ipairs { 0, 1e8, -1e8, UNREADABLE[1] } do
      assert.equal(204, (receiver:receive(request(emitted))))
      assert.is_nil(deliveries[#deliveries].stale)
      assert.is_nil(deliveries[#deliveries].undated)
    end
  end)

  for _, action in ipairs { "reject", "flag" } do
    it("accepts a fresh event: " .. action, function()
      local receiver = new(action)
      for _, age in ipairs { 0, 200, -200 } do
        assert.equal(204, (receiver:receive(request(age))))
        assert.is_nil(deliveries[#deliveries].stale)
        assert.is_nil(deliveries[#deliveries].undated)
      end
    end)

    it("flags an event without a readable date, and loses none: " .. action, function()
      local receiver = new(action)
      for i, emitted in ipairs(UNREADABLE) do
        assert.equal(204, (receiver:receive(request(emitted))))
        assert.is_true(deliveries[i].undated)
        assert.is_nil(deliveries[i].stale)
      end
    end)

    it("leaves a signed body that cannot be parsed to on_error: " .. action, function()
      local seen
      handlers:on_error(function(_, _, delivery) seen = delivery.raw end)
      assert.equal(400, (new(action):receive { method = "POST", body = "{}", headers = {
        ["x-api-video-signature"] = apivideo.sign("{}", SECRET) } }))
      assert.equal("{}", seen)
    end)
  end

  it("rejects an old event, and one from the future, with 401", function()
    local receiver = new "reject"
    for age, expected in pairs { [400] = "is 4%d%d s old", [-400] = "is %d%d%d s in the future" } do
      assert.equal(401, (receiver:receive(request(age))))
      local err = outcomes[#outcomes].err
      assert.equal("stale", err.kind)
      assert.equal("receiver", err.origin)
      assert.truthy(err.message:find(expected), err.message)
      assert.truthy(err.message:find('the option "freshness" allows 300 s', 1, true), err.message)
    end
    assert.equal(0, #deliveries)
    assert.truthy(receiver:metrics():find('rejected_total{reason="stale"} 2', 1, true))
    local event, err, status = receiver:verify(request(400))
    assert.is_nil(event)
    assert.equal("stale", err.kind)
    assert.equal(401, status)
  end)

  it("compares fractions of a second", function()
    local now = runtime.now
    finally(function() runtime.now = now end)
    runtime.now = function() return 1611935185.4 end
    local receiver = new "flag"
    for emitted, is_stale in pairs {
      ["2021-01-29T15:41:25.6Z"] = false, -- 299.8 s ago
      ["2021-01-29T15:51:25.9Z"] = true,  -- in 300.5 s
    } do
      assert.equal(204, (receiver:receive(request(emitted))))
      assert.equal(is_stale, deliveries[#deliveries].stale == true, emitted)
    end
  end)

  it("does not depend on later changes of the options", function()
    local freshness = { max_age = 300, action = "reject" }
    local receiver = new(nil, { freshness = freshness })
    freshness.action, freshness.max_age = "flag", "x"
    assert.equal(401, (receiver:receive(request(400))))
  end)

  it("passes the event to the log, since api.video does not keep it", function()
    local old = request(400)
    assert.equal(401, (new "reject":receive(old)))
    assert.equal("vi1", outcomes[1].event.videoId)
    assert.equal(old.body, outcomes[1].delivery.raw)
    assert.equal(ID, outcomes[1].delivery.webhook_id)
  end)

  it("writes a line with the body to the log for a rejected event", function()
    local receiver = apivideo.receiver { handlers = handlers, secrets = SECRET,
      freshness = { max_age = 300, action = "reject" } }
    local written = stderr.of(function() receiver:receive(request(400)) end)
    assert.truthy(written[1]:find("rejected with 401 although its signature is valid: receiver: stale: "
      .. 'video.encoding.quality.completed .*; the body: {"type":.*"videoId":"vi1"'), written[1])
    assert.equal(1, #written)
  end)

  it("flags an old event, and one from the future", function()
    local receiver = new "flag"
    for _, age in ipairs { 400, -400 } do
      assert.equal(204, (receiver:receive(request(age))))
      assert.is_true(deliveries[#deliveries].stale)
    end
    local _, delivery = receiver:verify(request(400))
    assert.is_true(delivery.stale)
  end)

  it("is checked after the signature", function()
    local old = request(400)
    old.headers["x-api-video-signature"] = ("0"):rep(64)
    assert.equal(401, (new "reject":receive(old)))
    assert.equal("bad_signature", outcomes[1].err.kind)
  end)

  it("keeps old events out of an inbox, and lets those without a date in", function()
    local inbox = apivideo.inbox { store = memory() }
    local receiver = apivideo.receiver { inbox = inbox, secrets = SECRET,
      freshness = { max_age = 300, action = "reject" } }
    assert.equal(401, (receiver:receive(request(400))))
    assert.equal(0, inbox:stats().waiting)
    assert.equal(204, (receiver:receive(request "yesterday")))
    assert.equal(1, inbox:stats().waiting)
  end)

  it("raises for misuse, with a remedy", function()
    local function message(freshness, more)
      local options = { handlers = handlers, secrets = SECRET, freshness = freshness }
      for name, value in pairs(more or {}) do options[name] = value or nil end
      return misuse(function()
        local receiver = apivideo.receiver(options)
        return receiver
      end)
    end
    for expected, text in pairs {
      ['option "freshness": option "action" is required'] = message { max_age = 300 },
      ['option "freshness": option "max_age" is required'] = message { action = "flag" },
      ['option "freshness": option "max_age" must be a number of seconds of at least 10, got 5']
        = message { max_age = 5, action = "flag" },
      ['option "freshness.action" must be "reject" or "flag", got "drop"'] = message { max_age = 60, action = "drop" },
      ['options "freshness" and "unsigned" exclude each other: without a signature'] = message(
        { max_age = 60, action = "flag" }, { secrets = false, unsigned = true }),
      ['option "freshness.action" must be "reject" with an inbox, which does not store the flag'] = message(
        { max_age = 60, action = "flag" }, { handlers = false, inbox = apivideo.inbox { store = memory() } }),
    } do
      assert.truthy(text:find("receiver: " .. expected, 1, true), text)
    end
  end)
end)
