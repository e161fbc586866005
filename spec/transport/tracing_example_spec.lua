-- examples/tracing.lua, loaded by a program that exports its spans to a stand-in for a collector.

local apivideo = require "apivideo"
local cjson = require "cjson"
local file = require "spec.support.file"
local process = require "spec.support.process"
local running = require "spec.support.running"

-- Two deliveries, one of a gateway with a traceparent; then their attempts, with a call each.
local PROGRAM = [[
local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local tracing = dofile "examples/tracing.lua"

local client = apivideo.client { api_key = "key", base_url = os.getenv "API_URL" }
local inbox = apivideo.inbox { store = apivideo.inbox.memory() }
local receiver = apivideo.receiver { inbox = inbox, unsigned = true }
local handlers, cancel, count = apivideo.handlers(), apivideo.cancellation(), 0
handlers:on("*", function()
  count = count + 1
  if count == 2 then cancel:cancel() end
  return client.videos:list()
end)
apivideo.run(function()
  inboxes.deliver(receiver, inboxes.caption "c1", { traceparent = os.getenv "TRACEPARENT" })
  inboxes.deliver(receiver, inboxes.caption "c2", {})
  assert(inbox:work(handlers, { cancel = cancel }))
  print(tracing.flush())
end)
]]

local PARENT = { trace = ("4b"):rep(16), id = ("0a"):rep(8) }

describe("the example tracing.lua #process", function()
  after_each(running.stop)

  -- Runs the program. Returns its output.
  local function run(collector_url)
    local api = running.responding("200 OK", nil, '{"data":[]}')
    local path = os.tmpname()
    file.write(path, PROGRAM)
    running.add(function() os.remove(path) end)
    local environment = "API_URL=%s TRACEPARENT=00-%s-%s-01 OTEL_EXPORTER_OTLP_ENDPOINT=%s OTEL_SERVICE_NAME=example"
    return (process.run({ path }, environment:format(api.url, PARENT.trace, PARENT.id, collector_url)))
  end

  -- The attributes of a list of OTLP, by name.
  local function attributes_of(list)
    local attributes = {}
    for _, item in ipairs(list) do attributes[item.key] = item.value.stringValue or tonumber(item.value.intValue) end
    return attributes
  end

  -- The spans of all requests to the collector, by kind, in the order of their ends.
  local function spans_of(collector)
    local by_kind = {}
    for _, request in ipairs(collector.requests) do
      assert.equal("POST /v1/traces HTTP/1.1", request.line)
      for _, resource in ipairs(cjson.decode(request.body).resourceSpans) do
        assert.same({ ["service.name"] = "example" }, attributes_of(resource.resource.attributes))
        for _, span in ipairs(resource.scopeSpans[1].spans) do
          span.attributes = attributes_of(span.attributes)
          by_kind[span.kind] = by_kind[span.kind] or {}
          table.insert(by_kind[span.kind], span)
        end
      end
    end
    return by_kind
  end

  it("sends the spans with their parents", function()
    local collector = running.responding("200 OK", nil, "{}")
    local output = run(collector.url .. "/")
    assert.equal("true\n", output)
    local spans = spans_of(collector)
    local deliveries, calls, attempts = spans[2], spans[3], spans[5]
    assert.same({ 2, 2, 2 }, { #deliveries, #calls, #attempts })
    assert.equal(PARENT.trace, deliveries[1].traceId)
    assert.equal(PARENT.id, deliveries[1].parentSpanId)
    assert.is_nil(deliveries[2].parentSpanId)
    for i = 1, 2 do
      assert.is_nil(attempts[i].parentSpanId)
      assert.equal(attempts[i].traceId, calls[i].traceId)
      assert.equal(attempts[i].spanId, calls[i].parentSpanId)
      assert.equal(deliveries[i].attributes["messaging.message.id"], attempts[i].attributes["messaging.message.id"])
      assert.equal(200, calls[i].attributes["http.response.status_code"])
      assert.truthy(attempts[i].traceId:find("^" .. ("%x"):rep(32) .. "$"))
      assert.truthy(attempts[i].startTimeUnixNano:find("^%d+$"))
      assert.is_true(tonumber(calls[i].endTimeUnixNano) >= tonumber(calls[i].startTimeUnixNano))
    end
    assert.are_not.equal(attempts[1].traceId, attempts[2].traceId)
  end)

  it("uses functions that the guide promises: their names, arguments and results stay", function()
    local core, http = require "apivideo.core", require "apivideo.transport.http"
    assert.equal(16, #core.random(16))
    local collector = running.responding("202 Accepted", nil, "{}")
    local started = {}
    apivideo.tracing { on_start = function(span) started[#started + 1] = span end }
    local response = assert(http.request {
      method = "POST", url = collector.url .. "/v1/traces", headers = { "Content-Type: application/json" }, body = "[]",
    })
    apivideo.tracing(nil)
    assert.same({ 202, "{}" }, { response.status, response.body })
    assert.equal("[]", collector.requests[1].body)
    assert.same({}, started)
    local nothing, err = http.request { method = "GET", url = "nothing" }
    assert.is_nil(nothing)
    assert.equal("invalid_request", err.kind)
  end)

  it("reports the spans that the collector rejects", function()
    local collector = running.responding("503 Service Unavailable", nil, "")
    local output = run(collector.url)
    assert.truthy(output:find("tracing: %d spans are lost: 503"), output)
    assert.truthy(output:find "false\n", output)
  end)
end)
