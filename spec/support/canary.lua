--- Secrets that must not be printed, and a search for them in values.

local core = require "apivideo.core"

local canary = {
  -- One for each place where a secret enters. Keys and tokens contain characters that URLs and JSON escape.
  KEY = "kanarie/key+\"1\\", TOKEN = "kanarie.token/2+x", REFRESH = "kanarie.refresh/3+x",
  SECRET = "sig_sec_kanarie4", OTHER = "sig_sec_kanarie5", PLAIN = "kanarie six", -- a secret without the usual prefix
  PROXY = "kanarie7%40fink", USERINFO = "kanarie8%40fink", RAW = "kanarie9@fink:star", HEADER = "kanarie10",
  PASSWORD = "kanarie11",
}

-- Each is so long that random bytes, such as those of SQLite, do not contain it.
local forms = { "kanarie", "/key+", "key%2b", "token/", "token%2f", "refresh/", "refresh%2f", "%40fink", "fink:",
  "@fink" }
for _, text in ipairs { canary.KEY .. ":", canary.TOKEN, "proxy:kanarie7@fink", "user:kanarie8@fink" } do
  forms[#forms + 1] = core.base64(text):gsub("=", ""):lower()
end

-- The part of a text around a secret, or around a part of one, as it is or in base64; or nil.
local function in_text(text)
  text = text:lower():gsub("\\/", "/")
  for _, form in ipairs(forms) do
    local at = text:find(form, 1, true)
    if at then return "…" .. text:sub(math.max(1, at - 150), at + 100) .. "…" end
  end
end

-- Searches everything reachable from a value: keys, values, metatables, and the results of tostring.
local function search(value, path, seen)
  if type(value) == "string" then
    local found = in_text(value)
    return found and path .. ": " .. found
  end
  if type(value) ~= "table" and type(value) ~= "userdata" or seen[value] then return nil end
  seen[value] = true
  local found = in_text(tostring(value))
  if found then return path .. " as text: " .. found end
  found = search(debug.getmetatable(value), path .. "'s metatable", seen)
  if found or type(value) ~= "table" then return found end
  for key, item in next, value do
    found = search(key, path .. "'s key", seen) or search(item, path .. "." .. tostring(key), seen)
    if found then return found end
  end
end

--- The place of a secret in a value, or nil.
---@param value any
---@param name? string of the value, for the result
---@return string?
function canary.find(value, name)
  return search(value, name or "value", {})
end

return canary
