--- Secrets out of whatever a person or a log may see: api.video's signature secrets, keys and
--- tokens in credentials, the secret members of JSON, and the password of a URL.

local redact = {}

-- What stands for credentials; a word, as in "Basic authentication", stays. (They may stand in JSON, with
-- a backslash before a slash, and one after their end.)
local function shown_credentials(scheme, value)
  local is_word = #value < 20 and not value:find "[%d=]" and not value:find "%.%w"
  return not is_word and scheme .. "***" .. value:match "\\*$" or nil
end

local patterns = {
  { "sig_sec_[%w_%-]+", "sig_sec_***" },
  { "([Bb][Aa][Ss][Ii][Cc] +)([%w+/=_%-\\]+)", shown_credentials },
  { "([Bb][Ee][Aa][Rr][Ee][Rr] +)([%w+/=_%.~%-\\]+)", shown_credentials },
  { "(:\\*/\\*/[^/?#@%s:\"]*):[^/?#%s\"]*@", "%1:***@" }, -- in JSON, too
}

-- Members of api.video's JSON whose values are secrets.
local members = {
  apiKey = true, access_token = true, refresh_token = true, refreshToken = true,
  signatureSecret = true, streamKey = true,
}

--- Whether a header of the application's own, or a parameter of a URL, is likely to hold a secret.
---@param name string
---@return boolean
function redact.is_secret(name)
  name = name:lower()
  for _, word in ipairs { "cookie", "key", "token", "secret", "auth", "password", "signature" } do
    if name:find(word, 1, true) then return true end
  end
  return false
end

-- What stands for a parameter of a URL, by its name.
local function shown_parameter(before, name)
  return redact.is_secret(name) and before .. "***" or nil
end

-- A secret as it stands in a URL, as a pattern.
local function in_url(secret)
  return (secret:gsub("%W", function(c)
    if c:find "[._~-]" then return "%" .. c end
    local high, low = math.floor(c:byte() / 16), c:byte() % 16
    return ("%%%%[%X%x][%X%x]"):format(high, high, low, low)
  end))
end

-- A character that stands for itself in a pattern. (Lua 5.1 has no other way to say NUL.)
local function literal(c)
  return c == "\0" and "%z" or "%" .. c
end

-- The text without one secret, taken literally, also as it stands in URLs, and in JSON (which may stand in a
-- string itself). What is as short as a word is no key, and would make holes in everything.
local function without(text, secret)
  if #secret < 4 then return text end
  if secret:find "[^%w._~-]" then text = text:gsub(in_url(secret), "***") end
  secret = secret:gsub("\\+", "\\") -- any number of them is looked for, once
  local first, rest = secret:sub(1, 1):gsub("%W", literal), secret:sub(2):gsub("%W", literal)
  return (text:gsub(first .. rest:gsub("%%[\"/]", "\\*%0"):gsub("%%\\", "\\+"), "***"))
end

-- Where the JSON string whose inside begins at `position` ends. Its quotes have `depth` backslashes
-- before them: none, or more where the JSON stands in a string itself.
local function end_of_string(text, position, depth)
  local from = position
  while true do
    local at = text:find('"', from, true)
    if not at then return #text + 1 end
    local run = 0
    while text:byte(at - run - 1) == 92 do run = run + 1 end
    if (run - depth) % (2 * depth + 2) == 0 then return at - depth end
    from = at + 1
  end
end

-- The text without the values of secret members of JSON, also when it is broken, or stands in a string.
local function without_members(text)
  local parts, position = {}, 1
  for name, backslashes, value in text:gmatch('"([%a_]+)(\\*)"%s*:%s*%2"()') do
    if members[name] and value >= position then
      parts[#parts + 1] = text:sub(position, value - 1) .. "***"
      position = end_of_string(text, value, #backslashes)
    end
  end
  parts[#parts + 1] = text:sub(position)
  return table.concat(parts)
end

--- The text (a message, a header, a URL, a body) without secrets.
---@param text string
---@param secrets? string|string[] more of them, taken out literally (an API key, tokens)
---@return string
function redact.text(text, secrets)
  text = without_members(text)
  for _, pattern in ipairs(patterns) do
    text = text:gsub(pattern[1], pattern[2])
  end
  text = text:gsub("([?&]([%w_-]+)=)[^%s&#\"]+", shown_parameter)
  for _, secret in ipairs(type(secrets) == "table" and secrets or { secrets }) do
    text = without(text, secret)
  end
  return text
end

--- A copy of a decoded JSON value with every string in it redacted.
---@param value any
---@param secrets? string|string[]
---@return any
function redact.value(value, secrets)
  if type(value) == "string" then return redact.text(value, secrets) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do
    copy[redact.value(key, secrets)] = members[key] and type(item) == "string" and "***"
      or redact.value(item, secrets)
  end
  return copy
end

return redact
