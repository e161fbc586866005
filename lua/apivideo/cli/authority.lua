--- The host and the port of a URL: whether they can exist. A URL that can never be reached is a mistake in the arguments,
--- and not a delivery that failed.

local MAX_PORT = 65535
local LABEL_MAX_BYTES, NAME_MAX_BYTES = 63, 253 -- RFC 1035

local authority = {}

-- Whether a host can be one that inet_aton reads: 1 to 4 numbers, each but the last one below 256.
local function is_ipv4(host)
  local parts = {}
  for part in (host .. "."):gmatch "([^.]*)%." do
    parts[#parts + 1] = tonumber(part:match "^%d+$" or part:match "^0x%x+$") or -1
  end
  if #parts > 4 then return false end
  for i, part in ipairs(parts) do
    if part < 0 or part >= (i == #parts and 256 ^ (5 - #parts) or 256) then return false end
  end
  return true
end

-- What is wrong with the text in brackets; otherwise nil. libcurl checks it completely, with the request.
local function ipv6_problem(host)
  local address = host:match "^%[(.*)%]$"
  local digits = address and address:gsub("%%.*$", "") -- without the zone
  if not digits or digits:find "[^0-9A-Fa-f:.]" or not digits:find ":.*:" then
    return ("has no IPv6 address between the brackets of '%s'"):format(host)
  end
end

-- What is wrong with a name; otherwise nil. Bytes beyond ASCII may be those of an international name.
local function name_problem(host)
  local name = host:gsub("%.$", "") -- of an absolute name
  local byte = name:match "[^A-Za-z0-9._%-\128-\255]"
  if byte then
    return ("has a host with '%s', which no host can have"):format(byte)
  elseif ("." .. name .. "."):find("..", 1, true) then
    return ("has a host with an empty part: '%s'"):format(host)
  elseif #name > NAME_MAX_BYTES then
    return ("has a host of more than %d bytes"):format(NAME_MAX_BYTES)
  end
  for label in name:gmatch "[^.]+" do
    if #label > LABEL_MAX_BYTES then return ("has a host with a part of more than %d bytes"):format(LABEL_MAX_BYTES) end
  end
  if (name:find "%.%d+$" or name:find "^%d+$") and not is_ipv4(name) then
    return ("has a host that looks like an IPv4 address, but is not one: '%s'"):format(host)
  end
end

--- What is wrong with the part of a URL between `//` and the path, for a message; otherwise nil. The message contains no
--- port, which is a password if the host is missing.
---@param text string
---@return string?
function authority.problem(text)
  local address = text:gsub("^.*@", "")
  local host, port = address:match "^(%[[^%]]*%]?)(.*)$"
  if not host then host, port = address:match "^([^:]*)(.*)$" end
  if host == "" then return "must name a host" end
  local number = tonumber(port:match "^:(%d+)$")
  if port ~= "" and port ~= ":" and not (number and number >= 1 and number <= MAX_PORT) then
    return ("must have a port from 1 to %d after the host"):format(MAX_PORT)
  end
  if host:sub(1, 1) == "[" then return ipv6_problem(host) end
  return name_problem(host)
end

return authority
