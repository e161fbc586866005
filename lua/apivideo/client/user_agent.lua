--- The headers that name the calling program: User-Agent, and api.video's AV-Origin headers.

local version = require "apivideo.version"

local user_agent = {}

-- Whether a version is as documented: up to three numbers of up to three digits, such as 1, 1.0 or 1.0.12.
local function is_version(text)
  if type(text) ~= "string" then return false end
  local parts = 0
  for part in (text .. "."):gmatch("([^.]*)%.") do
    parts = part:find("^%d%d?%d?$") and parts + 1 or 4
  end
  return parts <= 3
end

--- What is wrong with the option `app` or `sdk`, or nil.
---@param option "app"|"sdk"
---@param product { name: string, version: string }
---@return string?
function user_agent.problem(option, product)
  if type(product.name) ~= "string" or #product.name > 50 or not product.name:find("^[A-Za-z0-9_-]+$") then
    return ('option "%s.name" must be 1 to 50 letters, digits, "_" or "-"'):format(option)
  elseif not is_version(product.version) then
    return ('option "%s.version" must be a string such as "1", "1.0" or "1.0.12"'):format(option)
  end
  for name in pairs(product) do
    if name ~= "name" and name ~= "version" then
      return ('option "%s" must have only name and version, got "%s"'):format(option, tostring(name))
    end
  end
  return nil
end

--- The headers of a client.
---@param app? { name: string, version: string }
---@param sdk? { name: string, version: string }
---@return table<string, string> headers by name
function user_agent.headers(app, sdk)
  local headers = {
    ["User-Agent"] = "apivideo-lua/" .. version,
    ["AV-Origin-Client"] = "lua:" .. version,
  }
  if app then
    headers["AV-Origin-App"] = app.name .. ":" .. app.version
    headers["User-Agent"] = ("%s %s/%s"):format(headers["User-Agent"], app.name, app.version)
  end
  if sdk then headers["AV-Origin-Sdk"] = sdk.name .. ":" .. sdk.version end
  return headers
end

return user_agent
