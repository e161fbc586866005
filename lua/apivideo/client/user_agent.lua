--- Who calls: the User-Agent and api.video's AV-Origin headers.

local version = require "apivideo.version"

local identity = {}

-- `name:version` of an application or a kit built on this library; raises unless it is as documented:
-- a name of 1 to 50 letters, digits, "_" or "-", a version such as 1, 1.0 or 1.0.12.
local function origin(where, option, given)
  if type(given.name) ~= "string" or #given.name > 50 or not given.name:find("^[A-Za-z0-9_-]+$") then
    error(('%s: option "%s.name" must be 1 to 50 letters, digits, "_" or "-"'):format(where, option), 5)
  end
  local text = type(given.version) == "string" and given.version or ""
  local parts = 0
  for part in (text .. "."):gmatch("([^.]*)%.") do
    parts = part:find("^%d%d?%d?$") and parts + 1 or 4
  end
  if parts > 3 then
    error(('%s: option "%s.version" must be a string such as "1", "1.0" or "1.0.12"')
      :format(where, option), 5)
  end
  for name in pairs(given) do
    if name ~= "name" and name ~= "version" then
      error(('%s: option "%s" has name and version, and no "%s"'):format(where, option, tostring(name)), 5)
    end
  end
  return given.name .. ":" .. given.version
end

--- The headers that say it.
---@param where string the function's name, for messages
---@param app? { name: string, version: string }
---@param sdk? { name: string, version: string }
---@return table<string, string> headers by name
function identity.headers(where, app, sdk)
  local headers = {
    ["User-Agent"] = "apivideo-lua/" .. version,
    ["AV-Origin-Client"] = "lua:" .. version,
  }
  if app then
    headers["AV-Origin-App"] = origin(where, "app", app)
    headers["User-Agent"] = ("%s %s/%s"):format(headers["User-Agent"], app.name, app.version)
  end
  if sdk then headers["AV-Origin-Sdk"] = origin(where, "sdk", sdk) end
  return headers
end

return identity
