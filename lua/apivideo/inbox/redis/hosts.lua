--- Host names as nginx's sockets take them. nginx resolves names with its directive `resolver` alone, and an address of
--- IPv6 has brackets; so the names of /etc/hosts, such as localhost, are looked up here.

local hosts = {}

local function spelled(address)
  return address:find(":", 1, true) and address:sub(1, 1) ~= "[" and "[" .. address .. "]" or address
end

-- The first address of a name in a file with the format of /etc/hosts, or nil.
local function find(name, path)
  local file = io.open(path)
  if not file then return nil end
  local found
  for line in file:lines() do
    local address, names = line:gsub("#.*", ""):match "^%s*(%S+)%s+(.+)$"
    for other in (names or ""):gmatch "%S+" do
      if not found and other:lower() == name then found = address end
    end
  end
  file:close()
  return found
end

--- The address of a host, or its name if /etc/hosts does not have it.
---@param host string a name or an address
---@param path? string default: "/etc/hosts"
---@return string
function hosts.address_of(host, path)
  if host:find "^[%d.]+$" or host:find(":", 1, true) then return spelled(host) end
  return spelled(find(host:lower(), path or "/etc/hosts") or host)
end

return hosts
