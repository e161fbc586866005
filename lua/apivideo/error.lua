--- The class of the errors that this library returns as `nil, err`. Misuse raises an error message instead.

local redact = require "apivideo.util.redact"

---@alias apivideo.ErrorKind
---| "invalid_request"      the request is invalid: api.video rejected it (400 and other 4xx), it was not sent, or the receiver rejected it
---| "unauthorized"         401: no key, a wrong key, or a key of the other environment
---| "forbidden"            403
---| "not_found"            404
---| "conflict"             409, or another client changed the webhooks during `webhooks:rotate`
---| "rate_limited"         429, or a limit of this library
---| "server_error"         5xx
---| "unexpected_response"  a response that is not as api.video documents it
---| "timeout"              a timeout expired
---| "network"              no connection, or a broken one
---| "tls"                  the peer's certificate was rejected, or TLS failed
---| "too_large"            a body or header section larger than its limit
---| "cancelled"            the caller cancelled the request
---| "wrong_phase"          called where Lua cannot wait: a phase of nginx, or inside a C function
---| "store_unavailable"    the store of an inbox is unavailable, full or broken; or the application's function or store for `secrets` failed
---| "body_unavailable"     nginx's file of the body cannot be opened, for instance because another module had read and deleted it
---| "in_progress"          another delivery of the event is being handled, in a receiver with `dedupe`; or another process makes a pass of a reconciliation
---| "stale"                an event that is too old, or from the future, for a receiver with `freshness`
---| "encoding_failed"      a video cannot become what `videos:wait` waits for: the qualities that it needs have failed
---| "claim_lost"           the lease of an inbox event expired: another worker may have claimed it
---| "bad_json"             bytes that are not JSON
---| "bad_event"            JSON that is not an event, or lacks a field
---| "bad_signature"        a delivery whose signature is invalid

---@class apivideo.Error
---@field kind apivideo.ErrorKind
---@field message string
---@field origin string the part that reports the error: `api.video` when it is about a response of api.video; `http`, `client`, `webhooks`, `secrets`, `signature`, `event`, `receiver`, `inbox`, `sqlite`, `redis`, `server` …
---@field status? integer the HTTP status, if there was a response
---@field problem? table api.video's problem details, decoded; secrets redacted
---@field retryable boolean whether the same call may succeed later, and can be repeated safely
---@field attempts? integer how many attempts were made
---@field request? { method: string, url: string }
---@field in_doubt? boolean true when the outcome is unknown: the request was sent, and may have been processed
---@field retry_after? number seconds after which to retry, if known
---@field field? string the wrong field of the event
---@field offset? integer the position in the bytes, from 0
---@field response? apivideo.Response the last response, if there was one
---@field webhook? apivideo.Webhook of `webhooks:rotate`: the new webhook, if both exist; of `webhooks:sync`: a webhook that differs from the wanted one and could not be deleted
---@field video_status? apivideo.VideoStatus of `videos:wait`: the last status, if there was one
---@field plan? apivideo.SyncPlan of `webhooks:sync`: what was planned and done before the error
local Error = {}
Error.__name = "apivideo.Error"

-- Error -> its `response`, `webhook`, `plan` and `video_status`. They may contain secrets, so they are not in the error itself, which programs print.
local attachments = setmetatable({}, { __mode = "k" })

function Error:__index(name)
  local attached = attachments[self]
  return attached and attached[name]
end

local retryable = {
  rate_limited = true, server_error = true, timeout = true, network = true, store_unavailable = true,
}

-- The default origin of an error without an HTTP status: the module that creates most errors of that kind. All other
-- errors are about a response of api.video.
local ORIGINS = {
  timeout = "http", network = "http", tls = "http", too_large = "http", cancelled = "client", wrong_phase = "runtime",
  store_unavailable = "inbox", claim_lost = "inbox", bad_json = "event", bad_event = "event",
  bad_signature = "signature", body_unavailable = "receiver", in_progress = "receiver", stale = "receiver",
}

--- `api.video: not_found (404): The requested resource was not found. [DELETE https://…]`, in one line.
---@return string
function Error:__tostring()
  -- Not string.format: `%s` of Lua 5.1 ends at a NUL.
  local line = tostring(self.origin) .. ": " .. tostring(self.kind)
  if self.status then line = line .. " (" .. tostring(self.status) .. ")" end
  line = line .. ": " .. tostring(self.message)
  if self.request then
    line = line .. " [" .. tostring(self.request.method) .. " " .. tostring(self.request.url) .. "]"
  end
  return redact.one_line(line)
end

-- `"context: " .. err` works as with a string.
function Error.__concat(left, right)
  return tostring(left) .. tostring(right)
end

local errors = {}

--- Creates an error. Secrets are redacted in its strings.
---@param kind apivideo.ErrorKind
---@param message string
---@param fields? table any of the fields above; `origin` when it is not the default of the kind
---@param secrets? string|string[] secrets (an API key, tokens) that the strings may contain
---@return apivideo.Error
function errors.new(kind, message, fields, secrets)
  local self = redact.value(fields or {}, secrets)
  self.kind = kind
  self.origin = self.origin or not self.status and ORIGINS[kind] or "api.video"
  self.message = redact.text(message, secrets)
  self.retryable = retryable[kind] or false
  return setmetatable(self, Error)
end

--- Sets a field that is not printed with the fields of the error, because it may contain secrets.
---@param err apivideo.Error
---@param name "response"|"webhook"|"plan"|"video_status"
---@param value any
---@return apivideo.Error err the same
function errors.attach(err, name, value)
  attachments[err] = attachments[err] or {}
  attachments[err][name] = value
  return err
end

--- Whether a value is an error object of this library.
---@param value any
---@return boolean
function errors.is(value)
  return getmetatable(value) == Error
end

return errors
