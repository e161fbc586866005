--- Sends a recorded request again: to the receiver, or to the URL of the option `forward_to`.

local failure = require "apivideo.util.failure"
local headers = require "apivideo.util.headers"
local http = require "apivideo.transport.http"
local parameters = require "apivideo.page.parameters"
local record = require "apivideo.page.record"
local runtime = require "apivideo.runtime"
local signature = require("apivideo.core").signature

---@class apivideo.page.Sent the result of a repeated request
---@field status? integer of the response
---@field error? string why there is no response
---@field seconds number duration
---@field id? integer of its record, if the receiver got it

local function forward(page, list, raw)
  local response, err = http.request { method = "POST", url = page._forward_to, headers = headers.forwarded(list),
    body = raw }
  return { status = response and response.status, error = err and failure.message(err) }
end

local function receive(page, list, raw, id)
  page._recorder:expect_replay(list, id)
  local status = page._receiver:receive { method = "POST", headers = list, body = raw }
  return { status = status, id = page._recorder:find_replay(list) }
end

-- A secret of the webhook; nil without one, and why.
local function secret_of(page, webhook_id)
  local source = page._receiver and page._receiver:_secret_source()
  if not source then return nil, "no secret of the webhook is known" end
  local secret, err = source.cached(webhook_id), nil
  if not secret then secret, err = source.resolve(webhook_id) end
  if not secret then return nil, err and failure.message(err) or "no secret of the webhook is known" end
  return type(secret) == "table" and secret[1] or secret
end

local sending = {}

--- Sends a body with the headers of a record, and waits for the response.
---@param page apivideo.Page
---@param recorded apivideo.page.Record
---@param to "receiver"|"forward"
---@param list table<string, string|string[]> the headers
---@param raw string
---@return apivideo.page.Sent
function sending.send(page, recorded, to, list, raw)
  local started = runtime.monotonic()
  local sent
  if to == "forward" then
    sent = forward(page, list, raw)
  else
    sent = receive(page, list, raw, recorded.id)
  end
  sent.seconds = parameters.rounded(runtime.monotonic() - started)
  return sent
end

--- The headers of a record for another body: signed with the secret of its webhook, or as before without a signature
--- if the receiver needs none.
---@param page apivideo.Page
---@param recorded apivideo.page.Record
---@param raw string the new body
---@return table<string, string|string[]>? list
---@return string? problem
function sending.signed_headers(page, recorded, raw)
  local list = record.headers(recorded)
  list["x-api-video-signature"] = nil
  if page._receiver and page._receiver._unsigned then return list end
  local secret, problem = secret_of(page, recorded.webhook_id)
  if not secret then return nil, problem end
  list["x-api-video-signature"] = signature.sign(raw, secret)
  return list
end

return sending
