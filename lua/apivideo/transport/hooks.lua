--- What is done before and after each attempt: the client's options `on_request` and `on_response`, which show it to the
--- application, without secrets; the log; the metrics.

local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local protected = require "apivideo.util.pcall"
local redact = require "apivideo.util.redact"
local runtime = require "apivideo.runtime"

---@class apivideo.ObservedRequest
---@field method string
---@field url string
---@field headers table<string, string> by name as sent; credentials are shown as ***
---@field body? string secrets in it are shown as ***
---@field attempt integer 1 for the first

---@class apivideo.ObservedResponse
---@field request apivideo.ObservedRequest
---@field seconds number the duration of the attempt
---@field status? integer nil when no response arrived
---@field headers? table<string, string|string[]> by name in lower case
---@field body? string secrets in it are shown as ***
---@field err? apivideo.Error why no response arrived

local hooks = {}

-- Calls the application's function. Its error is logged: it must not become the error of the call.
local function run(hook, observed, secrets)
  local ok, err = protected.call(hook, observed)
  if not ok then log.error("a hook failed: " .. redact.text(failure.message(err), secrets)) end
end

local function observed_request(request, attempt, secrets)
  local headers = {}
  for _, line in ipairs(request.headers) do
    local name, value = line:match("^([^:]*): *(.*)$")
    local is_hidden = redact.is_secret(name) and name ~= "Authorization" -- redact.text leaves its scheme
    headers[name] = is_hidden and "***" or redact.text(value, secrets)
  end
  if request.username then headers.Authorization = "Basic ***" end
  return {
    method = request.method, url = redact.text(request.url, secrets), headers = headers,
    body = request.body and redact.text(request.body, secrets), attempt = attempt,
  }
end

--- Calls `on_request` for an attempt that is about to be sent.
---@param call apivideo.Call
---@param request apivideo.Request
function hooks.on_request(call, request)
  local account = call.account
  request.started_at = runtime.monotonic()
  if not (account.on_request or account.on_response) then return end
  local secrets = call:secrets()
  request.observed = observed_request(request, call.attempts, secrets)
  if account.on_request then run(account.on_request, request.observed, secrets) end
end

-- Logs an attempt. Errors may have secrets of the account in any form, so all of the text is redacted.
local function log_attempt(call, request, response, err)
  local text = ("client: %s %s: %s"):format(request.method, request.url,
    response and response.status or failure.message(err))
  log.debug(redact.text(text, call:secrets()), { "attempt", call.attempts })
end

--- Counts an attempt, and calls `on_response` for its response, or for the error instead of it.
---@param call apivideo.Call
---@param request apivideo.Request
---@param response? apivideo.Response
---@param err? apivideo.Error
function hooks.on_response(call, request, response, err)
  local account, seconds = call.account, runtime.monotonic() - request.started_at
  if log.enabled.debug then log_attempt(call, request, response, err) end
  if account.counts then account.counts:request(seconds, response, err) end
  if not account.on_response then return end
  local secrets = call:secrets()
  run(account.on_response, {
    request = request.observed, seconds = seconds,
    status = response and response.status, headers = response and redact.value(response.headers, secrets),
    body = response and redact.text(response.body, secrets),
    err = err and errors.new(err.kind, err.message, err, secrets),
  }, secrets)
end

return hooks
