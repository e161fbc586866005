-- Spans of deliveries.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local headers = require "apivideo.util.headers"
local http = require "apivideo.transport.http"
local inboxes = require "spec.support.inboxes"
local memory = require "apivideo.inbox.memory"
local peer = require "spec.support.peer"
local published = require "spec.support.published"
local running = require "spec.support.running"
local spans = require "spec.support.spans"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"

local TYPE = "video.encoding.quality.completed"
local RECEIVED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
local RAW = published.RAW

describe("a delivery", function()
  local handlers, api, client

  before_each(function()
    handlers = apivideo.handlers()
    api = running.responding("200 OK", nil, '{"data":[]}')
    client = client_of(api.url)
    spans.start()
  end)

  after_each(function()
    spans.stop()
    running.stop()
  end)

  local function receiver_of(more)
    local options = { handlers = handlers, secrets = published.SECRET, on_outcome = function() end }
    for name, value in pairs(more or {}) do options[name] = value or nil end
    return apivideo.receiver(options)
  end

  local function deliver(receiver, more, raw)
    local request = published.request()
    request.body = raw or request.body
    for name, value in pairs(more or {}) do request.headers[name] = value end
    return receiver:receive(request)
  end

  -- The first result of fn(...), without what it logs.
  local function quietly(fn, ...)
    local arguments, result = { ... }, nil
    stderr.of(function() result = fn(arguments[1], arguments[2], arguments[3]) end)
    return result
  end

  it("has a span with OpenTelemetry's names, and its calls are children", function()
    handlers:on("*", function() assert(client.videos:list()) end)
    assert.equal(204, deliver(receiver_of()))
    local span = spans.of("server")[1]
    assert.equal("process " .. TYPE, span.name)
    assert.same({
      ["http.request.method"] = "POST", ["http.response.status_code"] = 204,
      ["messaging.system"] = "apivideo", ["messaging.operation.name"] = "process",
      ["messaging.operation.type"] = "process", ["messaging.destination.name"] = TYPE,
      ["messaging.message.id"] = apivideo.events:key(apivideo.parse(RAW), RAW), ["apivideo.event.type"] = TYPE,
      ["apivideo.webhook.id"] = published.ID, ["apivideo.video.id"] = "vi0000000000000000000000",
      ["apivideo.live_stream.id"] = "li0000000000000000000000",
    }, span.attributes)
    assert.is_nil(span.parent or span.status or span.err)
    local call = spans.of("client")[1]
    assert.equal(span, call.parent)
    assert.same({ call.traceparent }, peer.values(api.requests[1], "traceparent"))
    assert(client.videos:list())
    assert.is_nil(spans.of("client")[2].parent)
  end)

  it("is a child of the sender's span", function()
    deliver(receiver_of(), { Traceparent = RECEIVED })
    assert.same({ traceparent = RECEIVED }, spans.ended[1].parent)
    deliver(receiver_of(), { TraceParent = RECEIVED:gsub("^00", "cc") .. "-more" })
    assert.same({ traceparent = RECEIVED }, spans.ended[2].parent)
    for _, invalid in ipairs { RECEIVED:upper(), RECEIVED .. "-x", RECEIVED:gsub("^00", "ff"), "", "x",
      { RECEIVED, RECEIVED } } do
      spans.start()
      assert.equal(204, deliver(receiver_of(), { traceparent = invalid }))
      assert.is_nil(spans.ended[1].parent)
    end
  end)

  it("passes on the sender's traceparent, if on_start sets none", function()
    apivideo.tracing { on_start = function() end }
    handlers:on("*", function() assert(client.videos:list()) end)
    deliver(receiver_of(), { traceparent = RECEIVED })
    assert.same({ RECEIVED }, peer.values(api.requests[1], "traceparent"))
  end)

  it("that is rejected has the kind of the error, and no data of the sender", function()
    assert.equal(401, quietly(deliver, receiver_of(), { ["X-Api-Video-Signature"] = ("0"):rep(64) }))
    local span = spans.ended[1]
    assert.equal("process", span.name)
    assert.equal("bad_signature", span.err.kind)
    assert.is_nil(span.status)
    assert.same({
      ["http.request.method"] = "POST", ["http.response.status_code"] = 401, ["error.type"] = "bad_signature",
      ["messaging.system"] = "apivideo", ["messaging.operation.name"] = "process",
      ["messaging.operation.type"] = "process",
    }, span.attributes)
    assert.equal(405, quietly(receiver_of().receive, receiver_of(), { method = "PURGE", headers = {} }))
    assert.equal("_OTHER", spans.ended[2].attributes["http.request.method"])
  end)

  it("of an unknown type does not create a name", function()
    local receiver = receiver_of { unsigned = true, secrets = false }
    quietly(deliver, receiver, nil, ('{"type":"x.%s"}'):format(("y"):rep(200)))
    local span = spans.ended[1]
    assert.equal("process", span.name)
    assert.is_nil(span.attributes["messaging.destination.name"])
    assert.equal(80, #span.attributes["apivideo.event.type"])
  end)

  it("has texts of the event that are UTF-8, also where they are cut", function()
    local receiver = receiver_of { unsigned = true, secrets = false }
    quietly(deliver, receiver, nil, ('{"type":"x%s"}'):format(("é"):rep(100)))
    assert.equal("x" .. ("é"):rep(39) .. "\239\191\189", spans.ended[1].attributes["apivideo.event.type"])
  end)

  it("whose handler fails has the status error", function()
    handlers:on("*", function() error("away", 0) end)
    assert.equal(500, quietly(deliver, receiver_of()))
    local span = spans.ended[1]
    assert.equal("error", span.status)
    assert.equal("away", span.err)
    assert.equal("_OTHER", span.attributes["error.type"])
    assert.equal(500, span.attributes["http.response.status_code"])
  end)

  it("whose handler returns an error of the library has its kind", function()
    handlers:on("*", function() return apivideo.parse "{" end)
    assert.equal(500, quietly(deliver, receiver_of()))
    assert.equal("bad_json", spans.ended[1].attributes["error.type"])
  end)

  it("with deferred handlers has a second span for them", function()
    handlers:on("*", function()
      apivideo.sleep(0)
      assert(client.videos:list())
      return nil, "away"
    end)
    apivideo.run(function() assert.equal(204, deliver(receiver_of { defer = true })) end)
    wait_for(function() return #spans.ended == 3 end, "the handlers")
    local server, consumer, call = spans.of("server")[1], spans.of("consumer")[1], spans.of("client")[1]
    assert.equal("receive " .. TYPE, server.name)
    assert.is_nil(server.status)
    assert.equal("process " .. TYPE, consumer.name)
    assert.equal(server, consumer.parent)
    assert.equal(consumer, call.parent)
    assert.equal("away", consumer.err)
    assert.equal("error", consumer.status)
  end)

  it("with an inbox is received, and the unavailable store is its error", function()
    local store = inboxes.failing(memory())
    local inbox = apivideo.inbox { store = store }
    local receiver = receiver_of { inbox = inbox, handlers = false }
    assert.equal(204, deliver(receiver))
    assert.equal("receive " .. TYPE, spans.ended[1].name)
    assert.is_nil(spans.ended[1].attributes["messaging.operation.type"])
    store.down = true
    assert.equal(503, quietly(deliver, receiver))
    assert.equal("error", spans.ended[2].status)
    assert.equal("store_unavailable", spans.ended[2].attributes["error.type"])
    inbox:close()
  end)

  it("whose store raises an error ends its span", function()
    local failing = { events = apivideo.events, dispatch = function() error("odd", 0) end }
    local receiver = receiver_of { handlers = failing }
    assert.has_error(function() deliver(receiver) end, "odd")
    assert.equal(1, #spans.ended)
    assert.equal("odd", spans.ended[1].err)
  end)

  it("for the health check has no span", function()
    local receiver = receiver_of { health = "/health" }
    assert.equal(200, (receiver:receive { method = "GET", headers = {}, path = "/health" }))
    assert.equal(0, #spans.started)
  end)

  it("does not mix with concurrent ones", function()
    handlers:on("*", function(event)
      apivideo.sleep(0)
      local _, errs = apivideo.parallel(2, { "a", "b", "c" }, function(item)
        apivideo.sleep(0)
        return client:request("GET", "/videos/" .. event.summaryId .. "/" .. item)
      end)
      assert.is_nil(errs)
    end)
    local receiver = receiver_of { unsigned = true, secrets = false }
    local function one(id)
      return deliver(receiver, nil, inboxes.raw_of("video.summary.generated", { summaryId = id }))
    end
    local _, errs = apivideo.parallel(5, { "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8" }, one)
    assert.is_nil(errs)
    local calls = spans.of "client"
    assert.equal(24, #calls)
    for _, call in ipairs(calls) do
      local id = call.attributes["apivideo.video.id"]
      assert.truthy(call.parent.attributes["messaging.message.id"]:find(id, 1, true), id)
    end
    for _, span in ipairs(spans.started) do assert.truthy(span.ended_at) end
  end)

  it("whose handler yields to another scheduler ends its span once, also if that resumes it", function()
    handlers:on("*", function() coroutine.yield() end)
    local receiver = receiver_of()
    local task = coroutine.create(function() return deliver(receiver) end)
    assert.is_true(coroutine.resume(task))
    assert.equal(0, #spans.ended)
    local _, status = coroutine.resume(task)
    assert.equal(204, status)
    assert.equal(1, #spans.ended)
    assert.is_nil(spans.ended[1].status)
  end)

  it("of a server whose handler yields to another scheduler ends its span once", function()
    handlers:on("*", function()
      if #spans.started == 1 then coroutine.yield() end
    end)
    local listening = assert(apivideo.server.listen { receiver = receiver_of() })
    running.add(function() listening:stop() end)
    local request = published.request()
    local function post()
      local lines = headers.lines(request.headers)
      return assert(http.request { method = "POST", url = listening.url, headers = lines, body = RAW }).status
    end
    assert.equal(500, quietly(post))
    assert.equal(0, #spans.ended)
    for _ = 1, 4 do collectgarbage() end
    assert.equal(204, post())
    assert.equal(2, #spans.ended)
    assert.equal("abandoned", spans.started[1].attributes["error.type"])
    assert.equal(204, spans.started[2].attributes["http.response.status_code"])
  end)

  it("whose task is dropped ends its span once", function()
    handlers:on("*", function()
      if #spans.started == 1 then coroutine.yield() end
    end)
    local receiver = receiver_of()
    do
      local task = coroutine.create(function() deliver(receiver) end)
      assert.is_true(coroutine.resume(task))
    end
    for _ = 1, 4 do collectgarbage() end
    deliver(receiver)
    deliver(receiver)
    assert.equal(3, #spans.ended)
    local span = spans.started[1]
    assert.equal("abandoned", span.attributes["error.type"])
    assert.equal("error", span.status)
    assert.is_nil(spans.started[2].status or spans.started[3].status)
  end)
end)
