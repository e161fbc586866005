-- Spans of the attempts of inbox:work.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local inboxes = require "spec.support.inboxes"
local peer = require "spec.support.peer"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local spans = require "spec.support.spans"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"
local working = require "spec.support.working"

local TYPE = "video.caption.generated"

describe("an attempt", function()
  local client, api

  before_each(function()
    working.start()
    api = running.responding("200 OK", nil, '{"data":[]}')
    client = client_of(api.url)
  end)

  after_each(function()
    working.stop()
    spans.stop()
    running.stop()
  end)

  -- Delivers events, and works until a number of attempts has ended.
  local function work(attempts, ids, more)
    for _, id in ipairs(ids) do assert.equal(204, working.deliver(inboxes.caption(id))) end
    spans.start()
    working.work(more)
    wait_for(function() return #spans.of "consumer" == attempts end, attempts .. " attempts")
  end

  it("has a span with OpenTelemetry's names, and its calls are children", function()
    working.handlers:on("*", function() assert(client.videos:list()) end)
    work(1, { "c1" })
    local span, raw = spans.of("consumer")[1], inboxes.caption "c1"
    assert.equal("process " .. TYPE, span.name)
    assert.same({
      ["messaging.system"] = "apivideo", ["messaging.operation.name"] = "process",
      ["messaging.operation.type"] = "process", ["messaging.destination.name"] = TYPE,
      ["messaging.message.id"] = apivideo.events:key(apivideo.parse(raw), raw), ["apivideo.event.type"] = TYPE,
      ["apivideo.webhook.id"] = "webhook_1", ["apivideo.video.id"] = apivideo.parse(raw).videoId,
      ["apivideo.attempt"] = 1, ["apivideo.disposition"] = "completed",
    }, span.attributes)
    assert.is_nil(span.parent or span.status or span.err)
    local call = spans.of("client")[1]
    assert.equal(span, call.parent)
    assert.same({ call.traceparent }, peer.values(api.requests[1], "traceparent"))
  end)

  it("that fails has the status error, and the next one a span of its own", function()
    working.handlers:on("*", function(_, delivery)
      if delivery.attempt == 1 then return nil, "away" end
    end)
    work(2, { "c1" })
    local first, second = spans.of("consumer")[1], spans.of("consumer")[2]
    assert.equal("error", first.status)
    assert.equal("away", first.err)
    assert.equal("retried", first.attributes["apivideo.disposition"])
    assert.equal(2, second.attributes["apivideo.attempt"])
    assert.is_nil(second.status)
  end)

  it("is the parent of the calls of on_settled", function()
    work(1, { "c1" }, { on_settled = function() assert(client.videos:list()) end })
    assert.equal(spans.started[1], spans.started[2].parent)
    assert.same({ spans.started[2], spans.started[1] }, spans.ended) -- the parent ends last
  end)

  it("is the parent of the calls of on_settled also if its handler does not return", function()
    working.handlers:on("*", function(_, delivery)
      if delivery.attempt == 1 then runtime.latch():wait() end
    end)
    stderr.of(function()
      work(2, { "c1" }, { handler_timeout = 0.1, on_settled = function() assert(client.videos:list()) end })
    end)
    local calls = spans.of "client"
    assert.equal(spans.started[1], calls[1].parent)
    assert.equal(2, calls[2].parent.attributes["apivideo.attempt"])
  end)

  it("is not the current span after it has ended", function()
    local tracing = require "apivideo.runtime.tracing"
    local current = {}
    local claim = working.inbox._claim
    working.inbox._claim = function(...)
      current[#current + 1] = tracing.current() or false
      return claim(...)
    end
    work(1, { "c1" })
    wait_for(function() return #current >= 2 end, "the next claim")
    assert.is_false(current[2])
  end)

  it("does not mix with concurrent ones", function()
    working.handlers:on("*", function(event)
      apivideo.sleep(0)
      assert(client:request("GET", "/videos/" .. event.captionId))
      apivideo.sleep(0)
      assert(client:request("GET", "/videos/" .. event.captionId))
    end)
    work(6, { "c1", "c2", "c3", "c4", "c5", "c6" }, { concurrency = 3 })
    local calls = spans.of "client"
    assert.equal(12, #calls)
    for _, call in ipairs(calls) do
      local id = call.attributes["apivideo.video.id"]
      assert.truthy(call.parent.attributes["messaging.message.id"]:find(id, 1, true), id)
    end
  end)

  it("that times out ends its span once, and later calls are still its children", function()
    local go, called = runtime.latch(), false
    working.handlers:on("*", function(_, delivery)
      if delivery.attempt > 1 then return end
      go:wait()
      called = client.videos:list() ~= nil
    end)
    stderr.of(function()
      work(2, { "c1" }, { handler_timeout = 1 })
      local first = spans.of("consumer")[1]
      assert.equal("error", first.status)
      assert.truthy(first.err:find("did not return within", 1, true), first.err)
      go:open()
      wait_for(function() return called end, "the call")
    end)
    assert.equal(spans.started[1], spans.of("client")[1].parent)
    assert.equal(3, #spans.ended)
  end)

  it("that yields to another scheduler ends its span once", function()
    working.handlers:on("*", function(_, delivery)
      if delivery.attempt == 1 then coroutine.yield() end
    end)
    work(2, { "c1" })
    assert.truthy(spans.started[1].err:find("yielded to a scheduler", 1, true))
    assert.equal(2, #spans.ended)
  end)

  it("whose dispatch raises an error ends its span once", function()
    local count = 0
    working.handlers = { dispatch = function()
      count = count + 1
      if count == 1 then error("odd", 0) end
      return 1
    end }
    work(2, { "c1" })
    assert.equal("odd", spans.started[1].err)
    assert.equal(2, #spans.ended)
  end)

  it("whose hooks fail or yield to another scheduler is completed all the same", function()
    assert.equal(204, working.deliver(inboxes.caption "c1"))
    local is_first = true
    spans.start { on_start = function()
      if is_first then
        is_first = false
        coroutine.yield()
      end
      error("no", 0)
    end }
    working.handlers:on("*", function() end)
    stderr.of(function()
      working.work()
      working.wait_until("done", 1)
    end)
    assert.equal(2, #spans.started)
  end)
end)
