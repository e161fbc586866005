--- Sends a delivery that was received to another URL: the same bytes and headers.

local http = require "apivideo.transport.http"
local runtime = require "apivideo.runtime"

local BAD_GATEWAY, GATEWAY_TIMEOUT = 502, 504
local TIMEOUT_S = 10 -- api.video does not wait longer, either

-- Headers about one connection (RFC 9110, 7.6.1), and those that describe the framing, which the next request has again.
local OMITTED = {
  connection = true, ["keep-alive"] = true, ["proxy-connection"] = true, te = true, trailer = true,
  ["transfer-encoding"] = true, upgrade = true, ["content-length"] = true, expect = true, host = true,
}

local relay = {}

--- Headers as lines, sorted by name.
---@param headers table<string, string|string[]> by name in lower case
---@param omitted? table<string, true>
---@return string[] lines
function relay.lines(headers, omitted)
  local names, lines = {}, {}
  for name in pairs(headers) do
    if not omitted or not omitted[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = headers[name]
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      lines[#lines + 1] = name .. ": " .. value
    end
  end
  return lines
end

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
    method = "POST", url = request.url, headers = relay.lines(request.headers, OMITTED), body = request.body,
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
