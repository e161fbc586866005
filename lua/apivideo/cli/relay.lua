--- Sends a delivery that was received to another URL: the same bytes and headers.

local headers = require "apivideo.util.headers"
local http = require "apivideo.transport.http"
local runtime = require "apivideo.runtime"

local BAD_GATEWAY, GATEWAY_TIMEOUT = 502, 504
local TIMEOUT_S = 10 -- api.video does not wait longer, either

local relay = {}

---@class apivideo.cli.Relayed
---@field url string
---@field seconds number
---@field status? integer of the response
---@field body? string of the response
---@field err? apivideo.Error why there is no response
---@field sent? boolean with `err`: whether any part of the request may have reached the server

--- Sends a delivery once. Redirects are not followed.
---@param request { url: string, headers: table<string, string|string[]>, body: string, timeout?: number, ca_file?: string, insecure?: boolean } timeout in seconds, default 10
---@return apivideo.cli.Relayed
function relay.send(request)
  local started = runtime.monotonic()
  local response, err, sent = http.request {
    method = "POST", url = request.url, headers = headers.forwarded(request.headers), body = request.body,
    timeout = request.timeout or TIMEOUT_S, ca_file = request.ca_file, insecure = request.insecure,
  }
  return {
    url = request.url, seconds = runtime.monotonic() - started, status = response and response.status,
    body = response and response.body, err = err, sent = err and (sent or false) or nil,
  }
end

--- The status that a gateway responds with: that of the response; or, without one, 504 after a timeout, otherwise 502.
---@param relayed apivideo.cli.Relayed
---@return integer
function relay.status(relayed)
  return relayed.status or relayed.err.kind == "timeout" and GATEWAY_TIMEOUT or BAD_GATEWAY
end

--- Whether the response is a success.
---@param relayed apivideo.cli.Relayed
---@return boolean
function relay.is_success(relayed)
  return relayed.status ~= nil and relayed.status < 300
end

return relay
