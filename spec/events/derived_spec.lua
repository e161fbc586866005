-- The types of derived events: none of them concerns api.video.

local apivideo = require "apivideo"
local cjson = require "cjson"
local derived = require "apivideo.events.derived"
local misuse = require "spec.support.misuse"
local running = require "spec.support.running"
local stderr = require "spec.support.stderr"
local testing = require "apivideo.testing"

local SECRET = "sig_sec_1"
local READY, FAILED = "apivideo.video.ready", "apivideo.video.failed"
local QUALITY, RECORDED = "video.encoding.quality.completed", "video.source.recorded"

local events = apivideo.events

local function ignore() end

-- The bytes of a derived event that a sender forged.
local function forged(name)
  return cjson.encode(events:sample(name))
end

describe("a derived type", function()
  after_each(running.stop)

  it("is in the catalogue, and not among the names of those that api.video sends", function()
    local names, count = {}, 0
    for _, name in ipairs(events:names()) do names[name] = true end
    for name, schema in pairs(events.types) do
      assert.equal(schema.derived or false, derived.is(name), name)
      assert.equal(not schema.derived, names[name] or false, name)
      if schema.derived then
        count = count + 1
        assert.is_string(events:key(events:sample(name)))
        assert.is_false(schema.emitted_at)
        for _, field in ipairs(schema.identity) do assert.is_string(schema.sample[field]) end
      end
    end
    assert.equal(5, count)
    assert.equal("20:apivideo.video.ready24:vi4blUQJFrYWbaG44NChkH114:720p", events:key(events:sample(READY)))
  end)

  it("is not an event that api.video sent, nor is a later one of this library", function()
    for _, name in ipairs { READY, FAILED, "apivideo.later" } do
      local event, err = apivideo.parse(
        ('{"type":"%s","videoId":"v","condition":"c","encoding":"e","quality":"q"}'):format(name))
      assert.is_nil(event)
      assert.equal("bad_event", err.kind)
      assert.equal("type", err.field)
      assert.matches('"' .. name .. '" is a type that this library derives', err.message, 1, true)
    end
    assert.is_table(apivideo.parse '{"type":"apivideo"}')
    assert.is_table(apivideo.parse '{"type":"apivideos.x"}')
  end)

  it("cannot be defined by an application", function()
    local message = misuse(function() events:extend { ["apivideo.mine"] = { required = {}, identity = {} } } end)
    assert.matches('names that begin with "apivideo." are those of derived events', message, 1, true)
  end)

  it("cannot be subscribed to, sent by the local api.video, nor built as a delivery", function()
    local api = running.emulator()
    local client = apivideo.client { api_key = "key", base_url = api.url, retries = 0 }
    for _, call in ipairs {
      function() client.webhooks:create { url = "https://example.com/", events = { READY } } end,
      function() client.webhooks:sync { { url = "https://example.com/", events = { QUALITY, FAILED } } } end,
      function() testing.delivery(READY) end,
    } do
      assert.matches("is a type that this library derives", misuse(call), 1, true)
    end
    local webhook, err = client:request("POST", "/webhooks",
      { body = { url = "https://example.com/", events = { READY } } })
    assert.is_nil(webhook)
    assert.equal(400, err.status)
  end)

  for _, is_signed in ipairs { true, false } do
    it(("of a webhook is never handled; %s"):format(is_signed and "signed" or "in an unsigned receiver"), function()
      local handled, reported = 0, {}
      local handlers = apivideo.handlers():on_failed(function() handled = handled + 1 end)
      handlers:on("*", function() handled = handled + 1 end):otherwise(function() handled = handled + 1 end)
      handlers:on_error(function(_, event, delivery) reported[#reported + 1] = { event, delivery.raw } end)
      local receiver = apivideo.receiver { handlers = handlers, secrets = is_signed and SECRET or nil,
        unsigned = not is_signed, on_outcome = ignore }
      local raw = forged(FAILED)
      local status = receiver:receive { method = "POST", body = raw,
        headers = { ["X-Api-Video-Signature"] = apivideo.sign(raw, SECRET) } }
      assert.equal(400, status)
      assert.equal(0, handled)
      assert.same(is_signed and { { nil, raw } } or {}, reported)
    end)
  end

  it("of a webhook is a dead letter of an inbox, also after redrive", function()
    local handled = 0
    local inbox = apivideo.inbox { store = apivideo.inbox.memory() }
    local receiver = apivideo.receiver { inbox = inbox, secrets = SECRET, on_outcome = ignore }
    local raw = forged(FAILED)
    assert.equal(204, (receiver:receive { method = "POST", body = raw,
      headers = { ["X-Api-Video-Signature"] = apivideo.sign(raw, SECRET) } }))
    assert.equal(1, inbox:redrive { id = inbox:list({ state = "dead" })[1].id })
    assert.is_nil(inbox:list({ state = "waiting" })[1].event)
    local cancel = apivideo.cancellation()
    local handlers = apivideo.handlers():on_failed(function() handled = handled + 1 end)
    inbox:work(handlers, { cancel = cancel, on_settled = function(settled)
      assert.equal("dead_lettered", settled.disposition)
      cancel:cancel()
    end })
    assert.equal(0, handled)
    assert.equal(1, inbox:stats().dead)
  end)

  it("is accepted by inbox:put with an origin other than webhook", function()
    local inbox, event = apivideo.inbox { store = apivideo.inbox.memory() }, events:sample(FAILED)
    local delivery = { event = event, raw = forged(FAILED) }
    assert.matches("pass its origin, reconcile or derived", misuse(function() inbox:put(delivery) end), 1, true)
    delivery.origin = "reconcile"
    assert.is_true(inbox:put(delivery))
    delivery.origin = "derived"
    assert.is_false(inbox:put(delivery))
    local claim = inbox:claim()[1]
    assert.same(event, claim.event)
    assert.equal(events:key(event), claim.delivery.key)
  end)
end)

describe("handlers of derived events", function()
  local handlers, calls

  before_each(function() handlers, calls = apivideo.handlers(), {} end)

  local function note(name)
    return function(event) calls[#calls + 1] = name .. " " .. event.type end
  end

  it("run for the two failures, and patterns and otherwise do not", function()
    stderr.of(function() handlers:on({ "*", "apivideo.*" }, note "pattern") end)
    handlers:otherwise(note "otherwise")
    handlers:on_failed(note "failed")
    handlers:on(FAILED, { encoding = "mp4" }, note "mp4")
    for _, name in ipairs { FAILED, "apivideo.summary.failed" } do
      assert.equal(1, handlers:dispatch(events:sample(name)))
    end
    assert.equal(0, handlers:dispatch(events:sample(READY)))
    assert.same({ "failed " .. FAILED, "failed apivideo.summary.failed" }, calls)
  end)

  it("are registered by their own methods where these cause the events", function()
    local function register(name) handlers:on(name, ignore) end
    assert.matches("only for the functions of handlers:on_ready", misuse(function()
      handlers:on(READY, ignore)
      return nil
    end), 1, true)
    local _, message = pcall(register, { QUALITY, "apivideo.recording.ready" })
    assert.matches("only for the functions of handlers:on_recording", message, 1, true)
  end)

  it("need a webhook for the causes of their events", function()
    assert.same({}, handlers:on_failed(ignore):types())
    assert.same({ QUALITY }, handlers:on_ready("mp4", ignore):types())
    assert.same({ QUALITY, RECORDED }, handlers:on_recording(ignore):types())
    local unhandled, unsubscribed = handlers:_compare { QUALITY, "video.caption.generated" }
    assert.same({ "video.caption.generated" }, unhandled)
    assert.same({ RECORDED }, unsubscribed)
  end)

  it("keep the functions of their methods: off rejects the types", function()
    handlers:on_ready("mp4", ignore):on_recording(ignore):on_caption(ignore):on_failed(ignore)
    local types = handlers:types()
    for name, method in pairs { [READY] = "on_ready", ["apivideo.recording.ready"] = "on_recording",
      ["apivideo.caption.available"] = "on_caption" } do
      local message = misuse(function()
        handlers:off({ QUALITY, name }, ignore)
        return nil
      end)
      assert.matches(("handlers:off: events of type %s exist only for the functions of handlers:%s; they cannot be"
        .. " removed: create other handlers"):format(name, method), message, 1, true)
    end
    assert.same(types, handlers:types())
    assert.equal(1, handlers:off("apivideo.video.failed", ignore))
  end)
end)
