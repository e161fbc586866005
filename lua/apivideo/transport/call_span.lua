--- The span of a call, with all its attempts and waits, as OpenTelemetry's conventions for HTTP define it.

local redact = require "apivideo.util.redact"
local tracing = require "apivideo.runtime.tracing"
local url = require "apivideo.util.url"

local IDS = { -- the segment of a path before an id -> attribute
  videos = "apivideo.video.id", ["live-streams"] = "apivideo.live_stream.id", webhooks = "apivideo.webhook.id",
}

local function attributes_of(call)
  local method, host, port = tracing.http_method(call.method), url.address(call.url)
  local attributes = {
    ["http.request.method"] = method, ["http.request.method_original"] = method ~= call.method and call.method or nil,
    ["url.full"] = redact.text(call.url, call:secrets()), ["server.address"] = host, ["server.port"] = port,
  }
  local collection, id = call.url:sub(#call.account.base_url + 1):match "^/([^/?]+)/([^/?]+)"
  if IDS[collection] then attributes[IDS[collection]] = id end
  return attributes
end

local function parent_of(call)
  if call.options.traceparent then return { traceparent = call.options.traceparent } end
  local current = tracing.current()
  return current and current.span
end

-- What is known after the last attempt.
local function add_results(attributes, call)
  local response = call.response
  if call.attempts > 1 then attributes["http.request.resend_count"] = call.attempts - 1 end
  if not response then return end
  attributes["http.response.status_code"] = response.status
  attributes["network.protocol.version"] = response.http_version
end

local call_span = {}

--- Calls run(call) in a span, and sets the call's `traceparent`.
---@param call apivideo.Call
---@param run fun(call: apivideo.Call): table|true|nil, apivideo.Error?
---@return table|true|nil result
---@return apivideo.Error? err
function call_span.call(call, run)
  local attributes = attributes_of(call)
  local method = attributes["http.request.method"]
  local state = tracing.start {
    name = method == "_OTHER" and "HTTP" or method, kind = "client", attributes = attributes, parent = parent_of(call),
  }
  if not state then return run(call) end
  call.traceparent = state.traceparent
  local result, err = tracing.call(state, run, call)
  add_results(attributes, call)
  tracing.finish(state, err, err ~= nil and err.kind ~= "cancelled")
  return result, err
end

return call_span
