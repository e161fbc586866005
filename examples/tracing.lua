--- Exports the spans of a program to an OpenTelemetry collector, as JSON over HTTP (OTLP). Load it before the program
--- handles events:
---
---   local tracing = dofile "tracing.lua"
---
--- and call `tracing.flush()` before the program exits. OTEL_EXPORTER_OTLP_ENDPOINT is the URL of the collector, by
--- default http://127.0.0.1:4318, and OTEL_SERVICE_NAME the name of the program. (nginx needs the directive `env` for
--- both.)

local apivideo = require "apivideo"
local cjson = require "cjson"
local core = require "apivideo.core" -- its function `random` is stable, see docs/guides/tracing.md
local http = require "apivideo.transport.http" -- so is `request`, which is not traced, unlike those of a client

local ENDPOINT = (os.getenv "OTEL_EXPORTER_OTLP_ENDPOINT" or "http://127.0.0.1:4318"):gsub("/+$", "") .. "/v1/traces"
local SERVICE = os.getenv "OTEL_SERVICE_NAME" or "apivideo"
local INTERVAL_S = 1
local QUEUE_MAX = 2048 -- spans; more of them are dropped while the collector is slow

local KINDS = { server = 2, client = 3, consumer = 5 } -- numbers of OTLP
local STATUS_ERROR = 2

local queue, is_scheduled = {}, false

local function random_hex(bytes)
  return (core.random(bytes):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

-- The trace id, the span id and the flags of a traceparent.
local function parts_of(traceparent)
  return (traceparent or ""):match "^00%-(%x+)%-(%x+)%-(%x+)$"
end

local function value_of(value)
  if type(value) == "number" then return { intValue = ("%.0f"):format(value) } end
  return { stringValue = tostring(value) }
end

local function nanoseconds(seconds)
  return ("%.0f"):format(seconds * 1e9)
end

local function otlp(span)
  local trace_id, span_id = parts_of(span.traceparent)
  local _, parent_id = parts_of(span.parent and span.parent.traceparent)
  local attributes = {}
  for name, value in pairs(span.attributes) do attributes[#attributes + 1] = { key = name, value = value_of(value) } end
  return {
    traceId = trace_id, spanId = span_id, parentSpanId = parent_id, name = span.name, kind = KINDS[span.kind],
    startTimeUnixNano = nanoseconds(span.started_at), endTimeUnixNano = nanoseconds(span.ended_at),
    attributes = attributes, status = span.status and { code = STATUS_ERROR } or nil,
  }
end

local function body_of(spans)
  return cjson.encode { resourceSpans = { {
    resource = { attributes = { { key = "service.name", value = { stringValue = SERVICE } } } },
    scopeSpans = { { scope = { name = apivideo._VERSION }, spans = spans } },
  } } }
end

local tracing = {}

--- Sends the spans that have ended.
---@return boolean is_sent
function tracing.flush()
  if #queue == 0 then return true end
  local spans = queue
  queue = {}
  local response, err = http.request {
    method = "POST", url = ENDPOINT, headers = { "Content-Type: application/json" }, body = body_of(spans),
  }
  if response and response.status == 200 then return true end
  io.stderr:write(("tracing: %d spans are lost: %s\n"):format(#spans, tostring(err or response.status)))
  return false
end

-- Sends the spans in a task: a hook must not wait.
local function schedule()
  if is_scheduled then return end
  is_scheduled = true
  apivideo.spawn(function()
    apivideo.sleep(INTERVAL_S)
    is_scheduled = false
    tracing.flush()
  end)
end

apivideo.tracing {
  on_start = function(span)
    local trace_id, _, flags = parts_of(span.parent and span.parent.traceparent)
    span.traceparent = ("00-%s-%s-%s"):format(trace_id or random_hex(16), random_hex(8), flags or "01")
  end,
  on_end = function(span)
    if #queue >= QUEUE_MAX then return end
    queue[#queue + 1] = otlp(span)
    schedule()
  end,
}

return tracing
