-- Signed bytes are never lost, also if they cannot be parsed: from the receiver to the dead letters and back.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local memory = require "apivideo.inbox.memory"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"

local SECRET = inboxes.SECRET
local QUALITY = "video.encoding.quality.completed"

-- Signed bodies that this version cannot parse, and that another version might.
local BODIES = {
  ["a lone surrogate in a title"] = '{"type":"video.renamed","title":"\\ud800"}',
  ["no field of the identity"] = '{"type":"' .. QUALITY .. '","videoId":"vi1","encoding":"hls"}',
  ["null in a field of the identity"] = '{"type":"' .. QUALITY .. '","videoId":"vi1","encoding":"hls","quality":null}',
  ["more depth than the parser takes"] = '{"type":"a","b":' .. ("["):rep(100) .. ("]"):rep(100) .. "}",
  ["a list of events"] = '[{"type":"video.renamed"}]',
  ["no JSON"] = "hello",
  ["bytes that are not UTF-8"] = '{"type":"a\255"}',
  ["a NUL"] = '{"type":"a\0"}',
  ["nothing"] = "",
}

local function receiver_of(options)
  options.secrets = not options.unsigned and SECRET or nil
  return apivideo.receiver(options)
end

describe("a signed delivery with fewer fields than documented", function()
  it("is handled: only the fields of the identity are needed", function()
    local seen = {}
    local receiver = receiver_of { handlers = apivideo.handlers():on("*", function(event) seen[#seen + 1] = event end) }
    for _, raw in ipairs {
      '{"type":"video.caption.generated","emittedAt":"2024-08-08T14:12:18+00:00","videoId":"vi1",'
        .. '"captionId":"caption_1","language":"en"}',
      '{"type":"video.caption.generated","emittedAt":null,"videoId":"vi1","captionId":"caption_1","language":null}',
    } do
      assert.equal(204, inboxes.deliver(receiver, raw))
      assert.equal("caption_1", seen[#seen].captionId)
    end
    assert.equal(2, #seen)
  end)
end)

describe("a signed body that cannot be parsed, with an inbox,", function()
  local store, inbox, receiver, outcomes

  before_each(function()
    store = inboxes.failing(memory())
    inbox = apivideo.inbox { store = store }
    outcomes = {}
    receiver = receiver_of { inbox = inbox, on_outcome = function(o) outcomes[#outcomes + 1] = o end }
  end)

  for what, raw in pairs(BODIES) do
    it("is acknowledged and becomes a dead letter, once: " .. what, function()
      assert.equal(204, inboxes.deliver(receiver, raw))
      assert.equal(204, inboxes.deliver(receiver, raw))
      local dead = assert(inbox:list { state = "dead" })
      assert.equal(1, #dead)
      assert.equal((raw:gsub("%z", "\255")), dead[1].raw) -- stores need not support NUL
      assert.equal("webhook_1", dead[1].webhook_id)
      assert.is_true(dead[1].verified)
      assert.truthy(dead[1].error:find "^event: ", dead[1].error)
      assert.equal(0, dead[1].attempt)
      assert.same({}, inbox:claim())
      assert.equal(204, outcomes[1].status)
      assert.is_true(outcomes[1].is_new)
      assert.is_false(outcomes[2].is_new)
      assert.equal(dead[1].error, tostring(outcomes[1].err))
      assert.equal(raw, outcomes[1].delivery.raw)
    end)
  end

  -- Runs handlers on an inbox until its store has a number of entries in a state.
  local function work(over, handlers, state, count)
    local cancel = apivideo.cancellation()
    apivideo.spawn(function() over:work(handlers, { cancel = cancel }) end)
    wait_for(function() return assert(over:stats())[state] == count end, "the work")
    cancel:cancel()
  end

  it("is handled after an upgrade that can parse it", function()
    local raw = BODIES["no field of the identity"]
    inboxes.deliver(receiver, raw)
    local upgraded = apivideo.inbox { store = store,
      events = apivideo.events:extend { [QUALITY] = { required = { "videoId" }, identity = { "videoId" } } } }
    assert.equal(1, upgraded:redrive())
    local seen
    work(upgraded, apivideo.handlers():on(QUALITY, function(_, delivery) seen = delivery end), "done", 1)
    assert.equal(raw, seen.raw)
    assert.is_true(seen.verified)
    assert.equal(1, seen.attempt)
  end)

  it("is a dead letter again after a redrive without an upgrade", function()
    inboxes.deliver(receiver, "hello")
    assert.equal(1, inbox:redrive())
    local printed = inboxes.printed_by(function() work(inbox, apivideo.handlers(), "dead", 1) end)
    assert.truthy(printed:find("event: bad_json", 1, true), printed)
    assert.truthy(assert(inbox:list { state = "dead" })[1].error:find("event: bad_json", 1, true))
  end)

  it("gets 503 while the store is unavailable", function()
    store.down = true
    assert.equal(503, inboxes.deliver(receiver, "hello"))
    assert.equal("store_unavailable", outcomes[1].err.kind)
  end)

  it("waits in the spool while the store is unavailable, and becomes a dead letter of the store", function()
    local spool = memory()
    inbox = apivideo.inbox { store = store, spool = spool }
    receiver = receiver_of { inbox = inbox }
    store.down = true
    inboxes.printed_by(function()
      for _, raw in ipairs { "hello", inboxes.caption "a", BODIES["a NUL"] } do
        assert.equal(204, inboxes.deliver(receiver, raw))
      end
      store.down = false
      wait_for(function() return assert(store:stats()).waiting == 1 end, "the spooled event")
      wait_for(function() return assert(store:stats()).dead == 2 end, "the dead letters")
    end)
    assert.equal("hello", assert(inbox:list { state = "dead" })[1].raw)
    assert.same({}, spool:list({ state = "dead" }, { limit = 10 }))
  end)

  it("is logged once, with a remedy", function()
    receiver = receiver_of { inbox = inbox }
    local written = stderr.of(function()
      inboxes.deliver(receiver, "hello")
      inboxes.deliver(receiver, "hello")
    end)
    assert.equal(1, #written)
    assert.truthy(written[1]:find("event: bad_json", 1, true), written[1])
    assert.truthy(written[1]:find("inbox:redrive()", 1, true), written[1])
  end)

  it("is counted as stored, then as duplicate", function()
    inboxes.deliver(receiver, "hello")
    inboxes.deliver(receiver, "hello")
    local text = receiver:metrics()
    for _, line in ipairs { 'stored_total{type="other"} 1', 'duplicate_total{type="other"} 1',
      'apivideo_inbox_events{state="dead"} 1' } do
      assert.truthy(text:find(line .. "\n", 1, true), text)
    end
  end)

  it("is rejected with 400 if it is unsigned", function()
    receiver = receiver_of { inbox = inbox, unsigned = true }
    for _, raw in pairs(BODIES) do assert.equal(400, inboxes.deliver(receiver, raw)) end
    assert.equal(0, assert(inbox:stats()).dead)
  end)
end)

describe("a signed body that cannot be parsed, without an inbox,", function()
  local handlers, failures

  before_each(function()
    failures = {}
    handlers = apivideo.handlers():on_error(function(err, event, delivery)
      failures[#failures + 1] = { err = err, event = event, delivery = delivery }
    end)
  end)

  it("reaches on_error and the log with its bytes, and gets 400", function()
    for _, defer in ipairs { false, true } do
      for what, raw in pairs(BODIES) do
        failures = {}
        local outcome
        local receiver = receiver_of { handlers = handlers, defer = defer, on_outcome = function(o) outcome = o end }
        assert.equal(400, inboxes.deliver(receiver, raw), what)
        local failure = failures[1]
        assert.truthy(tostring(failure.err):find "^event: ", what)
        assert.is_nil(failure.event)
        assert.equal(raw, failure.delivery.raw)
        assert.equal("webhook_1", failure.delivery.webhook_id)
        assert.is_true(failure.delivery.verified)
        assert.equal(failure.delivery, outcome.delivery)
        assert.equal(failure.err, outcome.err)
        assert.equal(400, outcome.status)
        assert.is_nil(failures[2])
      end
    end
  end)

  it("is in the default log, redacted and cut", function()
    local receiver = receiver_of { handlers = handlers }
    local written = stderr.of(function()
      inboxes.deliver(receiver, 'hey\0you "apiKey":"hidden-1" sig_sec_hidden2 ' .. ("x"):rep(100000))
    end)
    assert.equal(1, #written)
    local expected = "rejected with 400 although its signature is valid: event: bad_json"
    assert.truthy(written[1]:find(expected, 1, true), written[1])
    assert.truthy(written[1]:find('hey you "apiKey":"***"', 1, true), written[1])
    assert.is_nil(written[1]:find("hidden", 1, true))
    assert.is_true(#written[1] < 1500)
  end)

  it("gets 400 also if on_error fails, which is logged", function()
    handlers:on_error(function(_, event) return event.type end)
    local receiver = receiver_of { handlers = handlers }
    local written = stderr.of(function() assert.equal(400, inboxes.deliver(receiver, "hello")) end)
    assert.equal(2, #written)
    assert.truthy(written[2]:find("event", 1, true), written[2])
  end)

  it("reaches all functions of on_error, and the log has each of their failures", function()
    handlers:on_error(function() error "first" end):on_error(function() error "second" end)
    local reached, outcome = 0, nil
    handlers:on_error(function() reached = reached + 1 end)
    inboxes.deliver(receiver_of { handlers = handlers, on_outcome = function(o) outcome = o end }, "hello")
    assert.equal(1, reached)
    assert.truthy(outcome.errors[1]:find("first", 1, true))
    assert.truthy(outcome.errors[2]:find("second", 1, true))
    assert.truthy(outcome.tracebacks[2])
    assert.is_nil(outcome.errors[3])
  end)

  it("does not reach on_error if it is unsigned", function()
    local receiver = receiver_of { handlers = handlers, unsigned = true }
    for _, raw in pairs(BODIES) do assert.equal(400, inboxes.deliver(receiver, raw)) end
    assert.same({}, failures)
  end)
end)
