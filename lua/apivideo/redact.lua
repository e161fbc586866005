--- Secrets out of whatever a person or a log may see: api.video's signature secrets, keys and
--- tokens in credentials, and the password of a URL.

local redact = {}

local patterns = {
  { "sig_sec_[%w_%-]+", "sig_sec_***" },
  { "([Bb]asic) +[%w+/=_%-]+", "%1 ***" },
  { "([Bb]earer) +[%w+/=_%.~%-]+", "%1 ***" },
  { "(://[^/?#@%s:]*):[^/?#@%s]*@", "%1:***@" },
}

--- The text without secrets.
---@param text string
---@param secret? string one more secret, taken out literally (an API key)
---@return string
function redact.text(text, secret)
  for _, pattern in ipairs(patterns) do
    text = text:gsub(pattern[1], pattern[2])
  end
  if secret and secret ~= "" then
    text = text:gsub(secret:gsub("%W", "%%%0"), "***")
  end
  return text
end

--- A copy of a decoded JSON value with every string in it redacted.
---@param value any
---@param secret? string
---@return any
function redact.value(value, secret)
  if type(value) == "string" then return redact.text(value, secret) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do
    copy[redact.value(key, secret)] = redact.value(item, secret)
  end
  return copy
end

return redact
