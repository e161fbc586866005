--- Urls that api.video cannot reach, because their host is this machine or on a private network. This finds mistakes
--- before anything is sent; names are not resolved. A host is read as curl reads it.

local ascii = require "apivideo.util.ascii"

local private_url = {}

-- Base, length of the prefix in bits, what the addresses are (RFC 6890).
local IPV4_RANGES = {
  { 0x00000000, 8, "an unspecified address" },
  { 0x0a000000, 8, "an address of a private network" },
  { 0x64400000, 10, "a carrier-grade NAT address" },
  { 0x7f000000, 8, "a loopback address" },
  { 0xa9fe0000, 16, "a link-local address" },
  { 0xac100000, 12, "an address of a private network" },
  { 0xc0a80000, 16, "an address of a private network" },
}

-- The first and the last value of the first 16 bits.
local IPV6_RANGES = {
  { 0xfc00, 0xfdff, "an address of a private network" },
  { 0xfe80, 0xfebf, "a link-local address" },
}

-- A part of an IPv4 address: hexadecimal after 0x, octal after 0, otherwise decimal. Leading zeros may be many.
local function number_of(text)
  local hex, octal = text:match "^0x0*([0-9a-f]*)$", text:match "^0+([0-7]*)$"
  if hex then return text ~= "0x" and #hex <= 8 and tonumber("0" .. hex, 16) or nil end
  if octal then return #octal <= 11 and tonumber("0" .. octal, 8) or nil end
  return text:find "^[1-9][0-9]*$" and #text <= 10 and tonumber(text) or nil
end

-- The 32 bits of an IPv4 address, which has one to four parts; the last part has the remaining bytes.
local function ipv4_of(host)
  local numbers = {}
  for part in (host .. "."):gmatch "([^.]*)%." do
    numbers[#numbers + 1] = number_of(part) or math.huge -- larger than any part may be
  end
  local count, value = #numbers, 0
  if count > 4 then return nil end
  for i = 1, count do
    if numbers[i] >= (i < count and 256 or 256 ^ (5 - count)) then return nil end
    value = value + numbers[i] * (i < count and 256 ^ (4 - i) or 1)
  end
  return value
end

local function kind_of_ipv4(value)
  for _, range in ipairs(IPV4_RANGES) do
    if value - value % 2 ^ (32 - range[2]) == range[1] then return range[3] end
  end
  return nil
end

-- Appends the 16-bit groups of a part of an IPv6 address to a list; false if one is invalid.
local function add_groups(list, text)
  if text == "" then return true end
  for group in (text .. ":"):gmatch "([^:]*):" do
    if not group:find "^[0-9a-f]+$" or #group > 4 then return false end
    list[#list + 1] = tonumber(group, 16)
  end
  return true
end

-- The eight groups of an IPv6 address; nil if it is invalid.
local function ipv6_of(text)
  local before, last = text:match "^(.*:)([0-9.]+)$"
  if before and last:find(".", 1, true) then
    local value = last:find "^%d+%.%d+%.%d+%.%d+$" and ipv4_of(last)
    if not value then return nil end
    text = before .. ("%x:%x"):format(math.floor(value / 65536), value % 65536)
  end
  local left, right = text:match "^(.-)::(.*)$"
  local groups, tail = {}, {}
  if not (add_groups(groups, left or text) and add_groups(tail, right or "")) then return nil end
  local zeros = 8 - #groups - #tail
  if left and zeros < 1 or not left and zeros ~= 0 then return nil end
  for _ = 1, zeros do groups[#groups + 1] = 0 end
  for _, group in ipairs(tail) do groups[#groups + 1] = group end
  return groups
end

local function kind_of_ipv6(groups)
  for _, range in ipairs(IPV6_RANGES) do
    if groups[1] >= range[1] and groups[1] <= range[2] then return range[3] end
  end
  for i = 1, 5 do
    if groups[i] ~= 0 then return nil end
  end
  local value = groups[7] * 65536 + groups[8] -- of an IPv4 address in the last 32 bits: RFC 4291, 2.5.5
  if groups[6] == 0 and value == 1 then return "a loopback address" end
  return (groups[6] == 0 or groups[6] == 0xffff) and kind_of_ipv4(value) or nil
end

local function kind_of_name(name)
  local last = name:match "[^.]*$"
  if last == "localhost" or last == "local" or last == "internal" then return "a local name" end
  return name ~= "" and not name:find(".", 1, true) and "a name without a domain" or nil
end

local function kind_of_host(host)
  host = ascii.lower(host)
  if host:sub(1, 1) == "[" then
    local groups = ipv6_of(host:match "^%[([^%]%%]*)" or "") -- without the zone after "%"
    return groups and kind_of_ipv6(groups)
  end
  local name = host:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end):gsub("%.$", "")
  name = ascii.lower(name) -- again: the codes may have been those of capital letters
  local value = ipv4_of(name)
  if value then return kind_of_ipv4(value) end
  return kind_of_name(name)
end

--- What the host of an http or https url is, if it is not public; nil if it is, or cannot be read.
---@param url string
---@return string? kind such as "a loopback address"
---@return string host as it is written
function private_url.kind(url)
  local authority = url:match "^%a+:/+([^/?#]*)" or ""
  local host = authority:gsub("^.*@", "")
  host = host:match "^%[[^%]]*%]" or host:match "^[^:]*"
  -- Programs differ in whether a backslash is a slash.
  if authority:find("\\", 1, true) then return "a host with a backslash", host end
  return kind_of_host(host), host
end

---@class apivideo.WebhookCreateOptions: apivideo.CallOptions
---@field allow_private? boolean the url may be that of this machine or of a private network

--- The option of `create`, beside those of a call.
private_url.KINDS = { allow_private = "boolean?" }

--- Why api.video cannot reach a url; nil if it can. An api.video that is on a private network itself, such as a local
--- one, may reach it.
---@param url string
---@param base_url string of the client
---@return string? problem
function private_url.problem(url, base_url)
  local kind, host = private_url.kind(url)
  if not kind or private_url.kind(base_url) then return nil end
  return ("api.video cannot reach %s, %s; use a public url, such as that of a tunnel to this machine")
    :format(host, kind)
end

--- Raises an error if api.video cannot reach a url.
---@param where string the function's name
---@param url string
---@param base_url string of the client
---@param level integer at which it raises, as seen from here
function private_url.check(where, url, base_url, level)
  local problem = private_url.problem(url, base_url)
  if not problem then return end
  error(('%s: option "url": %s, or allow it with the option allow_private = true'):format(where, problem), level)
end

return private_url
