--- One call of the management API with all its attempts: it waits for the rate limit, sets the Authorization header,
--- retries where that is safe, and keeps its timeouts.
---
--- This room sends a client's requests: attempts and retries, rate limits, hooks, and what responses mean.

local call_span = require "apivideo.transport.call_span"
local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local hooks = require "apivideo.transport.hooks"
local http = require "apivideo.transport.http"
local rate_limit = require "apivideo.transport.rate_limit"
local redact = require "apivideo.util.redact"
local responses = require "apivideo.transport.response"
local retry = require "apivideo.transport.retry"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"
local tracing = require "apivideo.runtime.tracing"

-- Methods whose requests may be repeated when it is unknown whether the request was processed.
local idempotent = { GET = true, HEAD = true, DELETE = true }

-- Methods whose requests have a body, even if it is empty.
local with_body = { POST = true, PUT = true, PATCH = true }

-- Values of secret headers are redacted in all texts. A shorter value may be an ordinary word.
local SECRET_MIN_BYTES = 8

---@class apivideo.Account what the calls of a client have in common
---@field base_url string
---@field name string identifies the account in a shared store; not a secret
---@field headers table<string, string> of each call
---@field header_lines string[] the same headers as lines
---@field credentials apivideo.Credentials
---@field rate_limiter? apivideo.RateLimiter
---@field budget apivideo.TokenBucket of retries
---@field limits apivideo.CallOptions the defaults of the options of calls
---@field connection table<string, any> of each transfer: proxy, ca_file, client_cert, client_key, http2
---@field counts? apivideo.transport.CallCounts
---@field on_request? fun(request: apivideo.ObservedRequest)
---@field on_response? fun(response: apivideo.ObservedResponse)

---@class apivideo.Call
---@field account apivideo.Account
---@field method string
---@field url string
---@field body? string
---@field options apivideo.CallOptions
---@field settle? fun(seconds: number): any, apivideo.Error? finds out what an attempt with an unknown outcome created: returns that; nothing when it created nothing; nil, err when the outcome stays unknown
---@field is_idempotent boolean
---@field class? "reads"|"writes" of the rate limit; nil for a token request, which also has no Authorization header
---@field attempts integer how often the request was sent
---@field failures integer how many attempts have failed
---@field in_doubt boolean whether the outcome of an attempt is unknown
---@field response? apivideo.Response the last response
---@field deadline number by the monotonic clock
---@field traceparent? string the header of its requests: that of its span, or the option
local Call = {}
Call.__index = Call
Call.__name = "apivideo.Call"

-- An option of this call, or the client's default.
local function option(self, name)
  local own = self.options[name]
  if own == nil then return self.account.limits[name] end
  return own
end

--- What must not be shown of the call: credentials, and values of the application's own headers with secret names.
---@return string[]
function Call:secrets()
  local list = {}
  for i, secret in ipairs(self.account.credentials.secrets) do list[i] = secret end
  for _, own in ipairs { self.account.headers, self.options.headers } do
    for name, value in pairs(own) do
      if redact.is_secret(name) and #value >= SECRET_MIN_BYTES then list[#list + 1] = value end
    end
  end
  return list
end

-- The fields that each error of this call has, and its secrets.
local function error_fields(self, more)
  return tables.merge({ attempts = self.attempts, request = { method = self.method, url = self.url } }, more),
    self:secrets()
end

local function cancelled(self)
  return errors.new("cancelled", "the request was cancelled", error_fields(self))
end

local function time_left(self)
  return self.deadline - runtime.monotonic()
end

local function timed_out(self)
  return errors.new("timeout", "the total timeout of the call expired", error_fields(self))
end

-- Waits; false when the call is cancelled during the wait.
local function pause(self, seconds)
  local cancel = self.options.cancel
  if cancel then return not cancel.latch:wait(seconds) end
  runtime.sleep(seconds)
  return true
end

-- Waits until there are valid credentials.
local function wait_for_credentials(self)
  local cancel = self.options.cancel
  while true do
    local renewal = self.account.credentials:renewal()
    if not renewal then return true end
    local ok, result, err = renewal:wait(math.max(0, time_left(self)), cancel and cancel.latch)
    if ok == false then error(result, 0) end
    if not ok then return nil, result == "cancelled" and cancelled(self) or timed_out(self) end
    -- A copy: all waiting calls receive the same error.
    if not result then return nil, errors.new(err.kind, err.message, err) end
  end
end

-- Waits until the rate limit allows the call.
local function wait_for_rate_limit(self)
  while true do
    local seconds = self.account.rate_limiter:acquire(self.class, self)
    if not seconds then return true end
    if seconds > time_left(self) then
      return nil, errors.new("rate_limited",
        ("api.video's rate limit is reached: the next call can be sent in %.1f s"):format(seconds),
        error_fields(self, { retry_after = seconds, origin = "client" }))
    end
    -- A little longer than necessary, so that waiting calls do not resume at the same moment.
    local began, counts = runtime.monotonic(), self.account.counts
    local is_over = pause(self, math.min(retry.delay(1, seconds), time_left(self)))
    if counts then counts:waited(self.class, runtime.monotonic() - began) end
    if not is_over then return nil, cancelled(self) end
  end
end

local function header_lines(self, token)
  if not (token or self.options.headers or self.body or self.traceparent) then return self.account.header_lines end
  return headers.lines(self.account.headers, self.options.headers, {
    Authorization = token and "Bearer " .. token,
    ["Content-Type"] = self.body and "application/json",
    traceparent = self.traceparent,
  })
end

-- Sends the request once: response | nil, err, sent.
local function send(self, token)
  local account, cancel = self.account, self.options.cancel
  local connection = account.connection
  local request = {
    method = self.method, url = self.url, body = self.body or with_body[self.method] and "" or nil,
    headers = header_lines(self, token), username = self.class and account.credentials.username,
    connect_timeout = option(self, "connect_timeout"), proxy = connection.proxy, ca_file = connection.ca_file,
    client_cert = connection.client_cert, client_key = connection.client_key, http2 = connection.http2,
  }
  self.attempts = self.attempts + 1
  hooks.on_request(self, request)
  request.timeout = math.max(0.001, math.min(option(self, "timeout"), time_left(self)))
  local response, err, sent = http.request(request, cancel and cancel.latch)
  if err then err = errors.new(err.kind, err.message, err, self:secrets()) end
  hooks.on_response(self, request, response, err)
  return response, err, sent
end

-- Waits until the call may be sent.
local function wait_until_allowed(self)
  local cancel = self.options.cancel
  if cancel and cancel:is_cancelled() then return nil, cancelled(self) end
  if not self.class then return true end
  local ok, err, limiter = true, nil, self.account.rate_limiter
  if limiter then ok, err = wait_for_rate_limit(self) end
  if not ok then return nil, err end
  -- After all other waits: a token that was valid before them may have expired.
  ok, err = wait_for_credentials(self)
  if ok and time_left(self) <= 0 then ok, err = nil, timed_out(self) end
  if not ok and limiter then limiter:finished(self.class, self) end
  return ok, err
end

-- One attempt with its waits: response | nil, err, sent, and the token of its Authorization header. `sent` is nil when
-- no request was made.
local function attempt(self)
  local ok, err = wait_until_allowed(self)
  if not ok then return nil, err end
  local account = self.account
  local token = self.class and account.credentials.token
  local response, problem, sent = send(self, token)
  if self.class and account.rate_limiter then account.rate_limiter:finished(self.class, self, response) end
  return response, problem, sent, token
end

local function is_success(self, response)
  return response.status >= 200 and response.status < 300
    -- An earlier attempt, whose response was lost, deleted it.
    or response.status == 404 and self.method == "DELETE" and self.in_doubt
end

-- The outcome of an attempt: a result; or nil and the error.
local function outcome(self, response, err)
  if not response then return nil, err end
  self.response, response.attempts = response, self.attempts
  if is_success(self, response) then
    retry.add_success(self.account.budget)
    local result = responses.result(self.method, response)
    if result and not (result == true and self.settle) then return result end
    return nil, responses.body_error(response, error_fields(self))
  end
  return nil, responses.status_error(response,
    error_fields(self, { retry_after = retry.requested_delay(response) }))
end

-- Whether the server may still be processing a request that failed for the client: then looking for what the request
-- created proves nothing yet.
local function may_still_run(err)
  return err.kind == "timeout" and err.status == nil or err.status == 504
end

-- The seconds until the next attempt; nil when a retry would be unsafe, too many, or too late.
local function next_delay(self, err, is_unprocessed)
  if not err.retryable or self.failures > option(self, "retries") then return nil end
  if not (is_unprocessed or self.is_idempotent or self.settle and not may_still_run(err)) then return nil end
  local delay = retry.delay(self.failures, err.retry_after)
  if delay >= time_left(self) then return nil end
  return (err.kind == "rate_limited" or self.account.budget:take()) and delay or nil
end

-- Finds out whether an attempt with an unknown outcome was processed: what it created, and whether that is known.
local function settle(self)
  if not (self.in_doubt and self.settle) then return nil, true end
  if time_left(self) <= 0 then return nil, false end
  local found, err = self.settle(time_left(self))
  if err then self.settle = nil end
  return found, not err
end

-- Ends a failed call: nil and the error, or what an attempt turns out to have created.
local function fail(self, err)
  local found = err.kind ~= "cancelled" and settle(self)
  if found then return found end
  if self.attempts > 0 then err.attempts = self.attempts end
  if self.in_doubt and not self.is_idempotent then err.in_doubt, err.retryable = true, false end
  return nil, err
end

-- After a failed attempt: waits for the next one. False and the error when there is no next attempt; or what a failed
-- attempt turns out to have created.
local function prepare_retry(self, err, sent)
  local is_unprocessed = sent == false or err.kind == "rate_limited"
  self.in_doubt = self.in_doubt or not is_unprocessed and (err.retryable or sent == true)
  self.failures = self.failures + 1
  local delay = next_delay(self, err, is_unprocessed)
  if not delay then return false, err end
  if not pause(self, delay) then return false, cancelled(self) end
  local found, known = settle(self)
  return known, err, found
end

-- Makes attempts until one has a final outcome.
local function run(self)
  local obstacle = runtime.refusal()
  if obstacle then return nil, errors.new("wrong_phase", obstacle, error_fields(self)) end
  local is_renewed = false
  while true do
    local response, problem, sent, token = attempt(self)
    local result, err = outcome(self, response, problem)
    if result then return result end
    if err.kind == "unauthorized" and not is_renewed and self.account.credentials:reject(token) then
      is_renewed = true
    elseif sent == nil and not response then
      return fail(self, err)
    else
      if response and is_success(self, response) then sent = true end
      local again, why, found = prepare_retry(self, err, sent)
      if found then return found end
      if not again then return fail(self, why) end
    end
  end
end

--- Makes the call, in a span if tracing is on.
---@return table|true|nil result
---@return apivideo.Error? err
function Call:run()
  if tracing.is_on then return call_span.call(self, run) end
  return run(self)
end

local function new(account, fields)
  local self = setmetatable({
    account = account, method = fields.method, url = fields.url, body = fields.body, options = fields.options,
    settle = fields.settle, is_idempotent = fields.is_idempotent, class = fields.class, attempts = 0, failures = 0,
    in_doubt = false, traceparent = fields.options.traceparent,
  }, Call)
  self.deadline = runtime.monotonic() + option(self, "total_timeout")
  return self
end

local call = {}

--- Prepares a call.
---@param account apivideo.Account
---@param fields { method: string, url: string, body?: string, options: apivideo.CallOptions, settle?: function }
---@return apivideo.Call
function call.new(account, fields)
  fields.is_idempotent = idempotent[fields.method] or false
  fields.class = rate_limit.class_of(fields.method)
  return new(account, fields)
end

--- Makes a token request, a POST to /auth. It is idempotent, and may be retried.
---@param account apivideo.Account
---@param path string
---@param body string
---@param retries? integer
---@return table|true|nil result
---@return apivideo.Error? err
---@return apivideo.Response? response not after an error
function call.request_tokens(account, path, body, retries)
  local request = new(account, {
    method = "POST", url = account.base_url .. path, body = body, is_idempotent = true,
    options = { retries = retries },
  })
  local result, err = request:run()
  if not result then return nil, err end
  return result, nil, request.response
end

return call
