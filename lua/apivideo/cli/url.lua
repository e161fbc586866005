--- A converter for argparse that checks URLs.

local ascii = require "apivideo.util.ascii"
local authority = require "apivideo.cli.authority"

local url = {}

-- What is wrong with a URL, with the remedy; otherwise nil.
local function problem_of(text, name)
  local separator = name:find "^%-" and " " or "="
  local example = ("; write, for example, %s%shttp://127.0.0.1:8080/"):format(name, separator)
  local scheme, host = ascii.lower(text):match "^(https?)://([^/?#]*)"
  if text == "" then
    return "is empty; check that the variable it is read from is set"
  elseif text:find "[%z\1-\32\127]" then
    return ("must not contain whitespace or control characters, got '%s'; write %%20 for a space"):format(text)
  elseif host == "" then
    return ("must name a host, got '%s'"):format(text) .. example
  elseif scheme then
    return authority.problem(host)
  end
  local start, slashes, rest = text:match "^([Hh][Tt][Tt][Pp][Ss]?):(/*)(.*)$"
  if not start then slashes, rest = text:match "^(/*)(.*)$" end
  if rest == "" or rest:find "://" or not start and #slashes == 1 then -- another scheme, or only a path
    return ("must begin with http:// or https://, got '%s'"):format(text) .. example
  end
  return ("must begin with http:// or https://; did you mean %s://%s?"):format(ascii.lower(start or "http"), rest)
end

--- Creates a converter.
---@param name string of the option or environment variable, for messages
---@return fun(text: string): string?, string?
function url.new(name)
  return function(text)
    local problem = problem_of(text, name)
    if problem then return nil, name .. " " .. problem end
    return text
  end
end

return url
