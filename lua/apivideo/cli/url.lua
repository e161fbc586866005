--- Converters for argparse that check URLs. A URL may have a password, and a mistake in it can move the password into
--- any part: no message shows what can be one.

local ascii = require "apivideo.util.ascii"
local authority = require "apivideo.cli.authority"

local url = {
  -- How to write a password that would otherwise end before its last character.
  ENCODE = "in a user or a password, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25",
}

local USE_KEY = "; give the key with --api-key or APIVIDEO_API_KEY"

-- The scheme with `://`, empty without one, and the rest of a text.
local function split(text)
  local scheme, rest = text:match "^([^:/@]*://)(.*)$"
  return scheme or "", rest or text
end

--- What a message may show of a text that should be a URL: nothing before the last `@`, and nothing after a colon, which
--- can have a password after it if the host is missing.
---@param text string
---@return string
function url.shown(text)
  text = text:gsub("%%40", "@"):gsub("%%3[Aa]", ":")
  local after = text:match "^.*@(.*)$"
  if after then return "***@" .. after end
  local scheme, rest = split(text)
  return scheme .. rest:gsub(":.+$", ":***")
end

-- What is wrong with a URL that has another scheme than http or https, or none.
local function scheme_problem(text, example)
  local start, slashes, rest = text:match "^([Hh][Tt][Tt][Pp][Ss]?):(/*)(.*)$"
  if not start then slashes, rest = text:match "^(/*)(.*)$" end
  local is_path = not start and #slashes == 1
  if rest:find "://" or is_path or authority.problem(rest:match "^[^/?#]*") then
    return ("must begin with http:// or https://, got '%s'"):format(url.shown(text)) .. example
  end
  return ("must begin with http:// or https://; did you mean %s://%s?"):format(ascii.lower(start or "http"), rest)
end

-- What is wrong with a URL, with the remedy; otherwise nil.
local function problem_of(text, name)
  local separator = name:find "^%-" and " " or "="
  local example = ("; write, for example, %s%shttp://127.0.0.1:8080/"):format(name, separator)
  local scheme, host = ascii.lower(text):match "^(https?)://([^/?#]*)"
  if text == "" then
    return "is empty; check that the variable it is read from is set"
  elseif text:find "[%z\1-\32\127]" then
    return ("must not contain whitespace or control characters, got '%s'; write %%20 for a space")
      :format(url.shown(text))
  elseif host == "" then
    return ("must name a host, got '%s'"):format(url.shown(text)) .. example
  elseif scheme then
    return authority.problem(host)
  end
  return scheme_problem(text, example)
end

--- Creates a converter.
---@param name string of the option or environment variable, for messages
---@param remedy? string if a password may be the cause; default: how to encode it
---@return fun(text: string): string?, string?
function url.new(name, remedy)
  return function(text)
    local scheme, rest = split(text)
    local user, place = rest:match "^([^@/?#%z\1-\32\127]*@)(.*)$"
    if user then rest = place end
    local problem = problem_of(scheme .. (user and "***@" or "") .. rest, name)
    if problem and (rest:find("@", 1, true) or rest:find("%40", 1, true)) then -- in the middle of a password
      problem = ("must be an http or https URL, got '%s'; %s"):format(url.shown(text), remedy or url.ENCODE)
    end
    if problem then return nil, name .. " " .. problem end
    return text
  end
end

--- Creates a converter for the base URL of an API.
---@param name string of the option or environment variable, for messages
---@return fun(text: string): string?, string?
function url.new_base(name)
  local convert = url.new(name, "it must not contain a user or a password" .. USE_KEY)
  return function(text)
    local value, problem = convert(text)
    if not value then return nil, problem end
    local fault, is_of_user = require("apivideo.client.options").base_url_problem(value)
    if fault then return nil, ("%s %s%s"):format(name, fault, is_of_user and USE_KEY or "") end
    return value
  end
end

return url
