--- One HTTP request: the defaults of a transfer, and its failure as an error object.

local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local runtime = require "apivideo.runtime"

local http = {}

local TIMEOUT_S, CONNECT_TIMEOUT_S = 30, 10 -- the first is for the whole request
local MAX_BODY_BYTES, MAX_HEADER_BYTES = 8 * 1024 * 1024, 64 * 1024 -- of the response

---@class apivideo.Response
---@field status integer
---@field http_version "1.0"|"1.1"|"2"|"3"
---@field headers table<string, string|string[]> by name in any case; an array when a name repeats
---@field body string
---@field connections integer opened for the request: 0 when an idle one was reused
---@field timings { name_lookup: number, connect: number, tls: number, first_byte: number, total: number } milestones in seconds from the start

---@class apivideo.Request
---@field method string
---@field url string
---@field headers? string[] lines, `Name: value`
---@field body? string
---@field timeout? number seconds, default 30
---@field connect_timeout? number seconds, default 10
---@field max_body? integer bytes, default 8 MiB
---@field max_header? integer bytes, default 64 KiB
---@field username? string for Basic authentication, with an empty password
---@field ca_file? string certificates to trust instead of the system's: a file or a hashed directory; default: those of the environment variables
---@field client_cert? string the client's certificate: a PEM file, which may contain the private key, too
---@field client_key? string its private key, a PEM file
---@field proxy? string http://, https://, socks5:// or socks5h:// URL; "" for none; default: that of the environment variables
---@field insecure? boolean accepts any certificate of the server, on a connection of its own; default false. For the command: no client sets it
---@field http2? boolean whether HTTP/2 is offered to TLS servers; default true

--- Sends a request and waits for its response, whatever its status is. Redirects are not followed.
---@param request apivideo.Request missing fields are set to their defaults
---@param cancel? apivideo.Latch aborts the request when it opens
---@return apivideo.Response|nil response
---@return apivideo.Error? err `invalid_request` `timeout` `network` `tls` `too_large` `unexpected_response` `cancelled`
---@return boolean? sent after an error: whether any part of the request may have reached the peer
function http.request(request, cancel)
  request.timeout = request.timeout or TIMEOUT_S
  request.connect_timeout = request.connect_timeout or CONNECT_TIMEOUT_S
  request.max_body = request.max_body or MAX_BODY_BYTES
  request.max_header = request.max_header or MAX_HEADER_BYTES
  local response, kind, message, sent = runtime.transfer(request, cancel)
  if not response then
    return nil, errors.new(kind, message, {
      attempts = kind ~= "invalid_request" and 1 or 0, origin = "http",
      request = { method = request.method, url = request.url },
    }), sent
  end
  headers.any_case(response.headers)
  return response
end

return http
