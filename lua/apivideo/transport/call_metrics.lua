--- Metrics of the calls of a client.

-- The labels of responses. Others share one, so that a server cannot create series.
local STATUSES = { 200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 502, 503, 504 }
local PROBLEMS = { "timeout", "network", "tls", "cancelled" } -- kinds of errors without a response

---@class apivideo.transport.CallCounts
---@field private _requests table<string, apivideo.metrics.Counter> by status or kind of error
---@field private _seconds apivideo.metrics.Histogram
---@field private _waits table<string, apivideo.metrics.Counter> by class of the rate limit
local CallCounts = {}
CallCounts.__index = CallCounts
CallCounts.__name = "apivideo.transport.CallCounts"

--- Counts an attempt.
---@param seconds number
---@param response? apivideo.Response
---@param err? apivideo.Error
function CallCounts:request(seconds, response, err)
  local count = self._requests[response and response.status or err and err.kind] or self._requests.other
  count:add(1)
  self._seconds:observe(seconds)
end

--- Counts a wait for the rate limit.
---@param class "reads"|"writes"
---@param seconds number
function CallCounts:waited(class, seconds)
  self._waits[class]:add(seconds)
end

local call_metrics = {}

--- Creates the counts of a client.
---@param registry apivideo.Metrics
---@return apivideo.transport.CallCounts
function call_metrics.new(registry)
  local self = setmetatable({ _requests = {}, _waits = {} }, CallCounts)
  local family = registry:_counter("apivideo_api_requests_total",
    "Requests to api.video, by the status of the response or the kind of the error.", { "status" })
  for _, status in ipairs(STATUSES) do self._requests[status] = family:with(("%d"):format(status)) end
  for _, kind in ipairs(PROBLEMS) do self._requests[kind] = family:with(kind) end
  self._requests.other = family:with "other"
  self._seconds = registry:_histogram("apivideo_api_request_seconds", "Duration of the requests to api.video."):with()
  family = registry:_counter("apivideo_api_rate_limit_wait_seconds_total",
    "Time that calls have waited for api.video's rate limit.", { "class" })
  for _, class in ipairs { "reads", "writes" } do self._waits[class] = family:with(class) end
  return self
end

return call_metrics
