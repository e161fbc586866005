--- One call of the management API with all its attempts: it waits for the rate limit, shows
--- credentials, tries again where that is safe, and keeps to its limits of time.

local answer = require "apivideo.transport.response"
local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local http = require "apivideo.transport.http"
local observe = require "apivideo.transport.hooks"
local rate_limit = require "apivideo.transport.rate_limit"
local redact = require "apivideo.util.redact"
local retry = require "apivideo.transport.retry"
local runtime = require "apivideo.runtime"

-- Methods that may be sent again when nobody knows whether they were carried out.
local repeatable = { GET = true, HEAD = true, DELETE = true }

---@class apivideo.Account what the calls of a client have in common
---@field base_url string
---@field name string what tells it from other accounts where they share a store; no secret
---@field headers table<string, string> of each call
---@field lines string[] the same as lines
---@field credentials apivideo.Credentials
---@field rate_limit? apivideo.RateGovernor
---@field budget apivideo.TokenBucket of retries
---@field limits apivideo.CallOptions
---@field reach table<string, any> what each transfer has: proxy, ca_file, client_cert, client_key, http2
---@field on_request? fun(request: apivideo.ObservedRequest)
---@field on_response? fun(response: apivideo.ObservedResponse)

---@class apivideo.Call
---@field account apivideo.Account
---@field method string
---@field url string
---@field body? string
---@field options apivideo.CallOptions
---@field settle? fun(seconds: number): any, apivideo.Error? for what is not repeatable: what an attempt made after all; nothing when it made nothing; nil, err when that is not to be found out
---@field repeatable boolean
---@field class? "reads"|"writes" what it counts for; nil for a call of /auth, which shows no credentials either
---@field attempts integer how often it was sent
---@field tries integer how many attempts have failed
---@field in_doubt boolean whether an attempt may have been carried out
---@field response? apivideo.Response the last answer
---@field ends_at number by the monotonic clock
local Call = {}
Call.__index = Call

-- What holds for this call: its own option, or the client's.
local function limit(self, name)
  local own = self.options[name]
  if own == nil then return self.account.limits[name] end
  return own
end

local SHORTEST = 8 -- bytes of a header's value that is looked for everywhere: a word is no secret

--- What must not be shown of the call: credentials, and what the application's own headers hold.
---@return string[]
function Call:secrets()
  local list = {}
  for i, secret in ipairs(self.account.credentials.secrets) do list[i] = secret end
  for _, own in ipairs { self.account.headers, self.options.headers } do
    for name, value in pairs(own) do
      if redact.is_secret(name) and #value >= SHORTEST then list[#list + 1] = value end
    end
  end
  return list
end

local function about(self, more)
  local fields = { attempts = self.attempts, request = { method = self.method, url = self.url } }
  for name, value in pairs(more or {}) do fields[name] = value end
  return fields, self:secrets()
end

local function cancelled(self)
  return errors.new("cancelled", "the request was cancelled", about(self))
end

local function time_left(self)
  return self.ends_at - runtime.monotonic()
end

local function too_late(self)
  return errors.new("timeout", "the time for the whole call is over", about(self))
end

-- Waits; false when the call was cancelled meanwhile.
local function pause(self, seconds)
  local cancel = self.options.cancel
  if cancel then return not cancel.latch:wait(seconds) end
  runtime.sleep(seconds)
  return true
end

-- Waits until there are credentials to show.
local function wait_for_credentials(self)
  local cancel = self.options.cancel
  while true do
    local renewal = self.account.credentials:renewal()
    if not renewal then return true end
    local ok, result, err = renewal:wait(math.max(0, time_left(self)), cancel and cancel.latch)
    if ok == false then error(result, 0) end
    if not ok then return nil, result == "cancelled" and cancelled(self) or too_late(self) end
    -- All who wait get one and the same error.
    if not result then return nil, errors.new(err.kind, err.message, err) end
  end
end

-- Waits until the rate limit has a place for the call.
local function wait_for_place(self)
  while true do
    local seconds = self.account.rate_limit:acquire(self.class, self)
    if not seconds then return true end
    if seconds > time_left(self) then
      return nil, errors.new("rate_limited",
        ("api.video's limit of calls is reached: the next can be sent in %.1f s"):format(seconds),
        about(self, { retry_after = seconds, origin = "client" }))
    end
    -- A little longer, so that not all who wait come at the same moment.
    if not pause(self, math.min(retry.delay(1, seconds), time_left(self))) then
      return nil, cancelled(self)
    end
  end
end

-- Methods whose requests have a body, be it an empty one.
local with_body = { POST = true, PUT = true, PATCH = true }

local function header_lines(self, token)
  if not (token or self.options.headers or self.body) then return self.account.lines end
  return headers.lines(self.account.headers, self.options.headers, {
    Authorization = token and "Bearer " .. token,
    ["Content-Type"] = self.body and "application/json",
  })
end

-- Sends the request once: response | nil, err, sent.
local function send(self, token)
  local account, cancel = self.account, self.options.cancel
  local request = {
    method = self.method, url = self.url, body = self.body or with_body[self.method] and "" or nil,
    headers = header_lines(self, token), username = self.class and account.credentials.username,
    connect_timeout = limit(self, "connect_timeout"),
  }
  for name, value in pairs(account.reach) do request[name] = value end
  self.attempts = self.attempts + 1
  observe.request(self, request)
  request.timeout = math.max(0.001, math.min(limit(self, "timeout"), time_left(self)))
  local response, err, sent = http.request(request, cancel and cancel.latch)
  if err then err = errors.new(err.kind, err.message, err, self:secrets()) end
  observe.response(self, request, response, err)
  return response, err, sent
end

-- Waits until the call may be sent.
local function wait_for_turn(self)
  local cancel = self.options.cancel
  if cancel and cancel:is_cancelled() then return nil, cancelled(self) end
  if not self.class then return true end
  local ok, err, governor = true, nil, self.account.rate_limit
  if governor then ok, err = wait_for_place(self) end
  if not ok then return nil, err end
  -- Last of all, so that what is shown is what is good when the request goes out.
  ok, err = wait_for_credentials(self)
  if ok and time_left(self) <= 0 then ok, err = nil, too_late(self) end
  if not ok and governor then governor:finished(self.class, self) end
  return ok, err
end

-- One attempt, from its turn to its answer: response | nil, err, sent, and the token that it showed.
-- `sent` is nil where it did not come to a request.
local function attempt(self)
  local ok, err = wait_for_turn(self)
  if not ok then return nil, err end
  local account = self.account
  local token = self.class and account.credentials.token
  local response, problem, sent = send(self, token)
  if self.class and account.rate_limit then account.rate_limit:finished(self.class, self, response) end
  return response, problem, sent, token
end

local function succeeded(self, response)
  return response.status >= 200 and response.status < 300
    -- It is gone: by an attempt whose answer did not come.
    or response.status == 404 and self.method == "DELETE" and self.in_doubt
end

-- What became of an attempt: a result, or nil and the error.
local function outcome(self, response, err)
  if not response then return nil, err end
  self.response, response.attempts = response, self.attempts
  if succeeded(self, response) then
    retry.add_success(self.account.budget)
    local result = answer.result(self.method, response)
    if result and not (result == true and self.settle) then return result end
    return nil, answer.no_result(response, about(self))
  end
  return nil, answer.refusal(response, about(self, { retry_after = retry.requested_delay(response) }))
end

-- Whether the server may still be at work on what failed for us: then a look for what it made proves
-- nothing yet.
local function may_go_on(err)
  return err.kind == "timeout" and err.status == nil or err.status == 504
end

-- The seconds after which to try again; nil when that would be unsafe, too often or too late.
local function next_delay(self, err, unprocessed)
  if not err.retryable or self.tries > limit(self, "retries") then return nil end
  if not (unprocessed or self.repeatable or self.settle and not may_go_on(err)) then return nil end
  local delay = retry.delay(self.tries, err.retry_after)
  if delay >= time_left(self) then return nil end
  return (err.kind == "rate_limited" or self.account.budget:take()) and delay or nil
end

-- Finds out whether an attempt in doubt was carried out: what it made, and whether that is known.
local function settle(self)
  if not (self.in_doubt and self.settle) then return nil, true end
  if time_left(self) <= 0 then return nil, false end
  local found, err = self.settle(time_left(self))
  if err then self.settle = nil end
  return found, not err
end

-- The end of a call that failed.
local function give_up(self, err)
  local found = err.kind ~= "cancelled" and settle(self)
  if found then return found end
  if self.attempts > 0 then err.attempts = self.attempts end
  if self.in_doubt and not self.repeatable then err.in_doubt, err.retryable = true, false end
  return nil, err
end

-- After an attempt that failed: waits for the next one. False when there is none to be; or what turns
-- out to be the result.
local function prepare_next(self, err, sent)
  local unprocessed = sent == false or err.kind == "rate_limited"
  self.in_doubt = self.in_doubt or not unprocessed and (err.retryable or sent == true)
  self.tries = self.tries + 1
  local delay = next_delay(self, err, unprocessed)
  if not delay then return false, err end
  if not pause(self, delay) then return false, cancelled(self) end
  local found, known = settle(self)
  return known, err, found
end

--- Makes attempts until there is an answer that counts.
---@return table|true|nil result
---@return apivideo.Error? err
function Call:run()
  local refusal = runtime.refusal()
  if refusal then return nil, errors.new("wrong_phase", refusal, about(self)) end
  local renewed = false
  while true do
    local response, problem, sent, token = attempt(self)
    local result, err = outcome(self, response, problem)
    if result then return result end
    if err.kind == "unauthorized" and not renewed and self.account.credentials:refused(token) then
      renewed = true
    elseif sent == nil and not response then
      return give_up(self, err)
    else
      if response and succeeded(self, response) then sent = true end
      local again, why, found = prepare_next(self, err, sent)
      if found then return found end
      if not again then return give_up(self, why) end
    end
  end
end

local function new(account, fields)
  local self = setmetatable({
    account = account, method = fields.method, url = fields.url, body = fields.body, options = fields.options,
    settle = fields.settle, repeatable = fields.repeatable or repeatable[fields.method] or false,
    class = fields.class, attempts = 0, tries = 0, in_doubt = false,
  }, Call)
  self.ends_at = runtime.monotonic() + limit(self, "total_timeout")
  return self
end

local call = {}

--- Prepares a call.
---@param account apivideo.Account
---@param fields { method: string, url: string, body?: string, options: apivideo.CallOptions, settle?: function }
---@return apivideo.Call
function call.new(account, fields)
  fields.repeatable = repeatable[fields.method] or false
  fields.class = rate_limit.class_of(fields.method)
  return new(account, fields)
end

--- Asks /auth for credentials. A token request is idempotent, and may be retried.
---@param account apivideo.Account
---@param path string
---@param body string
---@param retries? integer
---@return table|true|nil answer
---@return apivideo.Error? err
---@return apivideo.Response? response not after an error
function call.exchange(account, path, body, retries)
  local exchange = new(account, {
    method = "POST", url = account.base_url .. path, body = body, repeatable = true,
    options = { retries = retries },
  })
  local result, err = exchange:run()
  if not result then return nil, err end
  return result, nil, exchange.response
end

return call
