--- Redacts secrets in everything that is shown or logged: values by their names (parameters of URLs and forms, header
--- lines, members of JSON and of tables), user information in URLs, credentials, and api.video's signature secrets.
--- Character classes are spelled out, because `%a` and `lower` depend on the locale.

local ascii = require "apivideo.util.ascii"

local redact = {}

-- The words of a name that mark its value as secret: at the end of a word ("authtoken", "tokens"), or as a whole word,
-- where its letters also end other words ("monkey").
local ENDINGS = {
  "apikey", "cookie", "credential", "passphrase", "passwd", "password", "privatekey", "secret", "secretkey",
  "signature", "streamkey", "token", "accesskey", "authkey",
}
local WORDS = {
  auth = true, authentication = true, authorization = true, authn = true, jwt = true, key = true, oauth = true,
  pwd = true, sig = true,
}
local NAME_MAX_BYTES = 100

local function is_secret_word(word)
  if WORDS[word] then return true end
  if word:sub(-1) == "s" then word = word:sub(1, -2) end
  for _, ending in ipairs(ENDINGS) do
    if word:sub(-#ending) == ending then return true end
  end
  return false
end

--- Whether the value of a header, parameter, member or option with this name is likely to be a secret. "X-Api-Key",
--- "apiKey", "metadata[apiKey]" and "client_secret" are such names; "author", "keyword" and "token_type" are not.
---@param name string
---@return boolean
function redact.is_secret(name)
  if #name < 3 or #name > NAME_MAX_BYTES then return false end
  local words = name:gsub("([a-z0-9])([A-Z])", "%1 %2"):gsub("([A-Z])([A-Z][a-z])", "%1 %2")
  words = ascii.lower(words)
  if words:find "[^a-z]type[^a-z]*$" then return false end
  for word in words:gmatch "[a-z]+" do
    if is_secret_word(word) then return true end
  end
  return false
end

-- The backslashes at the end of a text. ("\\*$" alone would take quadratic time.)
local function trailing_backslashes(text)
  return text:reverse():match "^\\*"
end

-- The replacement of credentials; nil for an ordinary word, as in "Basic authentication". (In JSON, credentials may
-- contain a backslash before a slash, and have one after their end.)
local function redacted_credentials(scheme, value)
  local is_word = #value < 20 and not value:find "[%d=]" and not value:find "%.[A-Za-z0-9_]"
  return not is_word and scheme .. "***" .. trailing_backslashes(value) or nil
end

local BASIC, BEARER = "[Bb][Aa][Ss][Ii][Cc]", "[Bb][Ee][Aa][Rr][Ee][Rr]"
local SEPARATORS = { "[ \t]+", "\\+t", "%%20", "%%09" } -- of a scheme; a tab in JSON, and in URLs

-- User information: everything before the last "@" of a URL's authority. A key may be the user's name.
local USERINFO = "(:\\*/\\*/)[^/?#%s\"]*@" -- in JSON, too

-- The same in a URL that is percent-encoded.
local function without_encoded_userinfo(before, rest)
  local authority = rest:match "^(.-)%%[23][Ff3]" or rest
  local last
  for at in authority:gmatch "%%40()" do last = at end
  return last and before .. "***%40" .. rest:sub(last)
end

-- A pattern for a secret in its percent-encoded form.
local function in_url(secret)
  return (secret:gsub("[^A-Za-z0-9]", function(c)
    if c:find "[._~-]" then return "%" .. c end
    local high, low = math.floor(c:byte() / 16), c:byte() % 16
    return ("%%%%[%X%x][%X%x]"):format(high, high, low, low)
  end))
end

-- A pattern for one character. (In Lua 5.1 a pattern cannot contain a NUL.)
local function literal(c)
  return c == "\0" and "%z" or "%" .. c
end

-- The text without one secret, in its literal form and as it is written in URLs and in JSON (which may be in a JSON
-- string itself). A shorter text than a key is left alone: it may be an ordinary word.
local function without(text, secret)
  if #secret < 4 then return text end
  if secret:find "[^A-Za-z0-9._~-]" then text = text:gsub(in_url(secret), "***") end
  secret = secret:gsub("\\+", "\\") -- the pattern below matches any number of them
  local first, rest = secret:sub(1, 1):gsub("%W", literal), secret:sub(2):gsub("%W", literal)
  return (text:gsub(first .. rest:gsub("%%[\"/]", "\\*%0"):gsub("%%\\", "\\+"), "***"))
end

-- The position after the content of the JSON string that begins at `position`. Its quotes have `depth` backslashes
-- before them: more than none when the JSON is in a JSON string itself.
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

-- The text without the values of secret members of JSON, also if the JSON is malformed, or in a JSON string.
local function without_members(text)
  local parts, copied = {}, 1
  -- Redacts the string that begins with backslashes and a quote at `place`. Returns the position after the string.
  local function hide(place, backslashes)
    local inside = place + #backslashes + 1
    if text:sub(place, inside - 1) ~= backslashes .. '"' then return nil end
    parts[#parts + 1] = text:sub(copied, inside - 1) .. "***"
    copied = end_of_string(text, inside, #backslashes)
    return copied + #backslashes + 1
  end
  for name, backslashes, value in text:gmatch '"([^"\\]+)(\\*)"%s*:%s*()' do
    if value >= copied and redact.is_secret(name) then
      local item = text:match("^%[%s*()", value)
      local after = hide(item or value, backslashes)
      while item and after do
        item = text:match("^%s*,%s*()", after)
        after = item and hide(item, backslashes)
      end
    end
  end
  parts[#parts + 1] = text:sub(copied)
  return table.concat(parts)
end

-- The end of the value of a header line: at the quote that precedes the line, or at the end of the line, which may be
-- escaped. (No search passes that end, because a text may have very many header lines.)
local function end_of_line(text, value, quote)
  local from = value
  while true do
    local at = text:find("[%z\1-\8\10-\31\"'\\\127]", from)
    if not at then return #text + 1 end
    local c = text:sub(at, at)
    if c == "\\" then
      if text:find("^[rn]", at + 1) then return at end
    elseif c == quote or c ~= '"' and c ~= "'" then
      return at
    end
    from = at + 1
  end
end

-- The text without the values of secret header lines. A name of one word is left alone: messages may begin like that.
local function without_header_lines(text)
  local parts, copied = {}, 1
  for place, name, value in text:gmatch "%f[A-Za-z0-9_-]()([A-Za-z0-9_-]+):[ \t]*()" do
    local is_header = name:find("-", 1, true) or name:find "^[Aa]uthorization$" or name:find "^[Cc]ookie$"
    if value >= copied and is_header and redact.is_secret(name) then
      local ends = end_of_line(text, value, text:sub(place - 1, place - 1))
      local _, scheme = text:find("^" .. BASIC .. "[ \t]+", value)
      if not scheme then _, scheme = text:find("^" .. BEARER .. "[ \t]+", value) end
      value = scheme and scheme + 1 or value
      if value < ends then
        parts[#parts + 1] = text:sub(copied, value - 1) .. "***"
        copied = ends
      end
    end
  end
  parts[#parts + 1] = text:sub(copied)
  return table.concat(parts)
end

local function decode(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- The name of a parameter that ends before a position.
local function parameter_before(text, place)
  local back = text:sub(math.max(1, place - NAME_MAX_BYTES), place - 1):reverse()
  return decode(back:match("^[A-Za-z0-9_.%[%]%%-]*"):reverse()):match "[^?&=#;/%s]*$"
end

-- The end of the value of a parameter: after the closing quote, or otherwise where the next parameter may begin. In a
-- URL that is percent-encoded itself, the delimiters are, too.
local function end_of_parameter(text, value, is_encoded)
  local quote = text:match("^(\\*[\"'])[^%s,:}%]]", value)
  local closing = quote and text:find(quote, value + #quote, true)
  if closing then return closing + #quote end
  local shown = text:match('^[^%s&#"]*', value)
  if is_encoded then shown = shown:match "^(.-)%%2[0236]" or shown end
  return value + #shown - #trailing_backslashes(shown)
end

-- The text without the values of secret parameters, `name=value`, of URLs, forms and log lines.
local function without_parameters(text, sign, is_encoded)
  local parts, copied = {}, 1
  for place, value in text:gmatch("[A-Za-z0-9_%]]()" .. sign .. "()") do
    if value >= copied and redact.is_secret(parameter_before(text, place)) then
      local ends = end_of_parameter(text, value, is_encoded)
      if ends > value then
        parts[#parts + 1] = text:sub(copied, value - 1) .. "***"
        copied = ends
      end
    end
  end
  parts[#parts + 1] = text:sub(copied)
  return table.concat(parts)
end

--- The text (a message, a header, a URL, a body) without secrets.
---@param text string
---@param secrets? string|string[] further secrets, in their literal form (an API key, tokens)
---@return string
function redact.text(text, secrets)
  text = without_members(text)
  text = without_header_lines(text)
  text = without_parameters(without_parameters(text, "="), "%%3[Dd]", true)
  text = text:gsub("sig_sec_[A-Za-z0-9_-]+", "sig_sec_***")
  for _, separator in ipairs(SEPARATORS) do
    text = text:gsub("(" .. BASIC .. separator .. ")([A-Za-z0-9+/=_\\-]+)", redacted_credentials)
    text = text:gsub("(" .. BEARER .. separator .. ")([A-Za-z0-9+/=_.~\\-]+)", redacted_credentials)
  end
  text = text:gsub(USERINFO, "%1***@")
  text = text:gsub("(%%3[Aa]%%2[Ff]%%2[Ff])([^&#%s\"]*)", without_encoded_userinfo)
  for _, secret in ipairs(type(secrets) == "table" and secrets or { secrets }) do
    text = without(text, secret)
  end
  return text
end

--- A text as one log line: control characters are replaced by spaces. (`%c` depends on the locale.)
---@param text string
---@return string
function redact.one_line(text)
  return (text:gsub("[%z\1-\31\127]+", " "))
end

--- A copy of a decoded JSON value, or of a table of headers, with every string in it redacted.
---@param value any
---@param secrets? string|string[]
---@param is_hidden? boolean whether the strings in it, and in its lists, are secrets
---@return any
function redact.value(value, secrets, is_hidden)
  if type(value) == "string" then return is_hidden and "***" or redact.text(value, secrets) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do
    local is_secret = type(key) == "string" and redact.is_secret(key) or type(key) == "number" and is_hidden
    copy[redact.value(key, secrets)] = redact.value(item, secrets, is_secret)
  end
  return copy
end

return redact
