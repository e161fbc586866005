--- The one kind of error that this library returns: `nil, err`. Misuse raises instead.

local redact = require "apivideo.util.redact"

---@alias apivideo.ErrorKind
---| "invalid_request"      the request was refused as wrong: by api.video (400 and other 4xx) or before it was sent
---| "unauthorized"         401: no key, a wrong key, or the other environment's key
---| "forbidden"            403
---| "not_found"            404
---| "conflict"             409
---| "rate_limited"         429
---| "server_error"         5xx
---| "unexpected_response"  an answer that is not what api.video documents
---| "timeout"              a time limit ran out
---| "network"              no connection, or one that broke
---| "tls"                  the peer's certificate was refused, or TLS failed
---| "too_large"            a body or header beyond its cap
---| "cancelled"            the caller cancelled the request
---| "wrong_phase"          a phase of nginx in which nothing can wait
---| "store_unavailable"    the store of an inbox is away, full or broken
---| "body_unavailable"     the body of a delivery that nginx has deleted, since another of its modules read it before
---| "claim_lost"           an event of an inbox that was claimed for too long: somebody else may have it
---| "bad_json"             bytes that are no JSON
---| "bad_event"            JSON that is no event, or lacks a field
---| "bad_signature"        a delivery whose signature does not hold

---@class apivideo.Error
---@field kind apivideo.ErrorKind
---@field message string
---@field origin string which part reports it: `api.video` for what api.video's response said; `http`, `client`, `webhooks`, `secrets`, `signature`, `event`, `receiver`, `inbox`, `sqlite`, `redis`, `server` …
---@field status? integer the HTTP status, where there was an answer
---@field problem? table api.video's problem details, decoded, whatever it had; secrets redacted
---@field retryable boolean whether the same call may succeed later, and does no harm if it is made again
---@field attempts? integer how many attempts were made
---@field request? { method: string, url: string }
---@field in_doubt? boolean true when the request was sent and may have been carried out all the same
---@field retry_after? number seconds after which it is worth another try, where that is known
---@field field? string the event's field that is at fault
---@field offset? integer where in the bytes, from 0
---@field response? apivideo.Response the last response, if there was one
---@field webhook? apivideo.Webhook of `webhooks:rotate`: the new webhook, if it exists beside the old one; of `webhooks:sync`: one that is not what was wanted, if it could not be deleted again
---@field plan? apivideo.SyncPlan of `webhooks:sync`: what was planned and done before the error
local Error = {}
Error.__name = "apivideo.Error"

-- Error -> the last three fields. They hold secrets, so that they are not in the error itself, which programs print.
local attachments = setmetatable({}, { __mode = "k" })

function Error:__index(name)
  local attached = attachments[self]
  return attached and attached[name]
end

local retryable = {
  rate_limited = true, server_error = true, timeout = true, network = true, store_unavailable = true,
}

-- The origin of an error that names none and has no HTTP status: the module that creates most errors of that kind.
-- All other errors are about a response of api.video.
local ORIGINS = {
  timeout = "http", network = "http", tls = "http", too_large = "http", cancelled = "client", wrong_phase = "runtime",
  store_unavailable = "inbox", claim_lost = "inbox", bad_json = "event", bad_event = "event",
  bad_signature = "signature", body_unavailable = "receiver",
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

--- Makes an error object. Secrets are taken out of its strings.
---@param kind apivideo.ErrorKind
---@param message string
---@param fields? table any of the fields above; `origin` where the one of the kind is not right
---@param secrets? string|string[] secrets (an API key, tokens) that the strings may hold
---@return apivideo.Error
function errors.new(kind, message, fields, secrets)
  local self = redact.value(fields or {}, secrets)
  self.kind = kind
  self.origin = self.origin or not self.status and ORIGINS[kind] or "api.video"
  self.message = redact.text(message, secrets)
  self.retryable = retryable[kind] or false
  return setmetatable(self, Error)
end

--- Sets a field that is not shown when the fields of the error are printed, because it may hold secrets.
---@param err apivideo.Error
---@param name "response"|"webhook"|"plan"
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
