--- The application's view of each attempt (`on_request`, `on_response`), without secrets.

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
---@field seconds number how long the attempt took
---@field status? integer nil when there was no answer
---@field headers? table<string, string|string[]> by name in lower case
---@field body? string secrets in it are shown as ***
---@field err? apivideo.Error why there was no answer

local observe = {}

-- Calls the application's function; its failure must not become the call's.
local function tell(hook, fact, secrets)
  local ok, err = protected.call(hook, fact)
  if not ok then log.error("a hook failed: " .. redact.text(failure.message(err), secrets)) end
end

local function shown_request(request, attempt, secrets)
  local headers = {}
  for _, line in ipairs(request.headers) do
    local name, value = line:match("^([^:]*): *(.*)$")
    local is_hidden = redact.is_secret(name) and name ~= "Authorization" -- of which the scheme is shown
    headers[name] = is_hidden and "***" or redact.text(value, secrets)
  end
  if request.username then headers.Authorization = "Basic ***" end
  return {
    method = request.method, url = redact.text(request.url, secrets), headers = headers,
    body = request.body and redact.text(request.body, secrets), attempt = attempt,
  }
end

--- Tells of an attempt that is about to be sent.
---@param call apivideo.Call
---@param request apivideo.Request
function observe.request(call, request)
  local account = call.account
  if not (account.on_request or account.on_response) then return end
  local secrets = call:secrets()
  request.shown = shown_request(request, call.attempts, secrets)
  request.began = runtime.monotonic()
  if account.on_request then tell(account.on_request, request.shown, secrets) end
end

--- Tells of its answer, or why there was none.
---@param call apivideo.Call
---@param request apivideo.Request
---@param response? apivideo.Response
---@param err? apivideo.Error
function observe.response(call, request, response, err)
  local account = call.account
  if not account.on_response then return end
  local secrets = call:secrets()
  tell(account.on_response, {
    request = request.shown, seconds = runtime.monotonic() - request.began,
    status = response and response.status, headers = response and redact.value(response.headers, secrets),
    body = response and redact.text(response.body, secrets),
    err = err and errors.new(err.kind, err.message, err, secrets),
  }, secrets)
end

return observe
