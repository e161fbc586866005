--- Responds to a monitoring system: with metrics, and with the result of a health check.

local exposition = require "apivideo.runtime.exposition"
local host = require "apivideo.runtime.host"
local json = require "apivideo.util.json"
local nginx_response = require "apivideo.runtime.nginx_response"
local runtime = require "apivideo.runtime"

local ngx = host.ngx -- nil elsewhere

local PAGES = {
  metrics = function(target) return 200, exposition.CONTENT_TYPE, target:metrics() end,
  health = function(target, limits)
    local result = target:health(limits)
    return result.ok and 200 or 503, "application/json", assert(json.encode(result)) .. "\n"
  end,
}

local monitor = {}

-- The response to a request of a method for a path.
local function response_to(target, method, path, limits)
  local page = PAGES[path:match "/(%a+)$"]
  if not page then return 404, { ["Content-Type"] = "text/plain" }, "only /metrics and /health exist\n" end
  if method ~= "GET" and method ~= "HEAD" then return 405, { Allow = "GET, HEAD" }, "" end
  local status, kind, body = page(target, limits)
  return status, { ["Content-Type"] = kind, ["Cache-Control"] = "no-store" }, body
end

-- Raises at the caller of the method unless there is a request.
local function check_request(where, request)
  if request == nil then
    local refusal = not ngx and "this is not nginx; pass the request, which has method and path" or runtime.refusal()
    if refusal then error(("%s: %s"):format(where, refusal), 4) end
  elseif type(request) ~= "table" or type(request.method) ~= "string" or type(request.path) ~= "string" then
    error(where .. ": a request expected, with method and path", 4)
  end
end

--- See apivideo.Receiver.monitor.
---@param where string the method, for messages
---@param target apivideo.Inbox|apivideo.Receiver
---@param request? { method: string, path: string }
---@param limits? apivideo.HealthLimits
---@return integer|nil status
---@return table<string, string>|nil headers
---@return string|nil body
function monitor.respond(where, target, request, limits)
  check_request(where, request)
  local method = request and request.method or ngx.req.get_method()
  local status, list, body = response_to(target, method, request and request.path or ngx.var.uri, limits)
  if request then return status, list, body end
  return nginx_response.send(status, list, body)
end

return monitor
