--- Who calls: the User-Agent and api.video's AV-Origin headers.

local version = require "apivideo.version"

local identity = {}

-- `name:version` of an application or a kit built on this library; raises unless it is as documented:
-- a name of 1 to 50 letters, digits, "_" or "-", a version such as 1, 1.0 or 1.0.12.
local function origin(where, option, given)
  if type(given.name) ~= "string" or #given.name > 50 or not given.name:find("^[%w_-]+$") then
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

--- The header lines of each call.
---@param where string the function's name, for messages
---@param app? { name: string, version: string }
---@param sdk? { name: string, version: string }
---@return string[] lines
function identity.header_lines(where, app, sdk)
  local agent = "apivideo-lua/" .. version
  local lines = { "Accept: application/json", "", "AV-Origin-Client: lua:" .. version }
  if app then
    lines[#lines + 1] = "AV-Origin-App: " .. origin(where, "app", app)
    agent = agent .. " " .. app.name .. "/" .. app.version
  end
  if sdk then lines[#lines + 1] = "AV-Origin-Sdk: " .. origin(where, "sdk", sdk) end
  lines[2] = "User-Agent: " .. agent
  return lines
end

return identity
