--- The rules of access to the page. Without a token, it is for browsers and programs of this machine. With one, each
--- request to the API needs it; the document has no data, and its script sends the token that follows `#` in its URL,
--- which browsers send to no server. A cookie would go to each port of the same host.

local ascii = require "apivideo.util.ascii"
local headers = require "apivideo.util.headers"
local random = require "apivideo.util.random"
local signature = require("apivideo.core").signature

local TOKEN_BYTES = 16
local READS = { GET = true, HEAD = true }
-- Headers that a proxy or a tunnel adds: the client of the connection is not the client of the request.
local FORWARDED = { forwarded = true, via = true, ["x-real-ip"] = true, ["x-client-ip"] = true,
  ["true-client-ip"] = true, ["cf-connecting-ip"] = true }
local FORWARDED_PREFIX = "^x%-forwarded%-"

local access = {}

--- The header that each POST must have. A form of another site cannot send it.
access.HEADER = "x-apivideo-page"

-- The header with which the script sends the token: a proxy before the page may use Authorization for its own.
local TOKEN_HEADER = "x-apivideo-token"

--- Whether a method changes nothing.
---@param method string
---@return boolean
function access.is_read(method)
  return READS[method] or false
end

--- A new random token.
---@return string
function access.new_token()
  return random.hex(TOKEN_BYTES)
end

local function single(list, name)
  local value, count = headers.get(list, name)
  return count == 1 and type(value) == "string" and value or nil, count
end

local function is_loopback_address(address)
  return address == "::1" or address:gsub("^::ffff:", ""):find "^127%.%d+%.%d+%.%d+$" ~= nil
end

-- Whether the Host header names this machine by an address or name that no DNS server can redirect: otherwise a site
-- whose name is changed to 127.0.0.1 (DNS rebinding) would be of the page's origin.
local function is_loopback_host(list)
  local host = single(list, "host")
  if not host then return false end
  local name = host:gsub(":%d+$", ""):gsub("^%[(.*)%]$", "%1")
  return name == "localhost" or is_loopback_address(name)
end

local function is_forwarded(list)
  for name in pairs(list) do
    local lower = ascii.lower(tostring(name))
    if FORWARDED[lower] or lower:find(FORWARDED_PREFIX) then return true end
  end
  return false
end

-- Why a request is not one of this machine, or nil.
local function remote_problem(incoming)
  local list = incoming.headers
  if type(incoming.peer) ~= "string" or not is_loopback_address(incoming.peer) or is_forwarded(list) then
    return "the request does not come directly from this machine, and the page has no token; create it with"
      .. " apivideo.page { token = true, … }, and open page:url(…)"
  elseif not is_loopback_host(list) then
    return "the Host header is not a loopback address or localhost: open the page at http://127.0.0.1:PORT/, or"
      .. " create it with apivideo.page { token = true, … }"
  end
  return nil
end

-- Compares in constant time.
local function is_token(text, token)
  return text ~= nil and signature.verify(text, signature.sign(token, token), token)
end

local function has_token(list, token)
  local authorization = single(list, "authorization")
  return is_token(single(list, TOKEN_HEADER), token)
    or is_token(authorization and authorization:match "^[Bb]earer +(.+)$", token)
end

-- Why a request comes from another site, or nil. Programs other than browsers send neither header.
local function cross_site_problem(list)
  local site, sites = single(list, "sec-fetch-site")
  if sites > 0 and site ~= "same-origin" and site ~= "none" then return "the request comes from another site" end
  local origin, origins = single(list, "origin")
  if origins == 0 then return nil end
  local host = single(list, "host")
  if not origin or not host or origin:match "^https?://(.+)$" ~= host then
    return "the Origin header is not the origin of the page"
  end
  return nil
end

-- Why a request that changes something is not one of the page, or nil.
local function write_problem(incoming, can_write)
  if single(incoming.headers, access.HEADER) ~= "1" then
    return "the request has no header X-Apivideo-Page: 1"
  elseif not can_write then
    return "the page is read-only; create it with apivideo.page { write = true, … }"
  end
  return nil
end

--- Checks a request.
---@param incoming { method: string, headers: table, peer?: string }
---@param token? string
---@param can_write boolean
---@param is_page boolean whether the request is for the page itself, to which a link of another site may lead
---@return string? problem nil if it is allowed
---@return integer? status
function access.check(incoming, token, can_write, is_page)
  if token then
    if not is_page and not has_token(incoming.headers, token) then
      return "the token of the page is required: open the page with #token=… after its address, or send the header"
        .. " Authorization: Bearer …", 401
    end
  else
    local problem = remote_problem(incoming)
    if problem then return problem, 403 end
  end
  local problem = not is_page and cross_site_problem(incoming.headers)
    or not access.is_read(incoming.method) and write_problem(incoming, can_write)
  if problem then return problem, 403 end
  return nil
end

return access
