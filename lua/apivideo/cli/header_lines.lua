--- Header lines, `Name: value`, in arguments and in files.

local ascii = require "apivideo.util.ascii"

local TOKEN = "[A-Za-z0-9!#$%%&'*+%-.^_`|~]+" -- RFC 9110

local header_lines = {}

-- Parses a line; nil if it is not a header.
local function parse(line)
  local name, value = line:match("^(" .. TOKEN .. "):[ \t]*(.-)[ \t]*$")
  if not name or value:find "[%z\1-\8\10-\31\127]" then return nil end
  return name, value
end

--- Defines `--header`.
---@param sub table of argparse
function header_lines.define(sub)
  sub:option("--header", "A header of the request, which replaces the one of the same name; can be repeated.")
    :argname "<name: value>":count "*":convert(function(line)
      if parse(line) then return line end
      return nil, ("--header must have the form 'Name: value', got '%s'"):format(line)
    end)
end

--- The headers of valid lines: of equal names, the last one's value.
---@param lines string[]
---@return table<string, string>
function header_lines.replacements(lines)
  local list = {}
  for _, line in ipairs(lines) do
    local name, value = parse(line)
    list[ascii.lower(name)] = value
  end
  return list
end

--- Parses the text of a file: header lines, also after a request line, up to an empty line.
---@param text string
---@return table<string, string|string[]>|nil headers lower-case name -> value, or a list of them
---@return string? problem
function header_lines.parse_text(text)
  local list, number = {}, 0
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    if line == "" then break end
    local name, value = parse(line)
    if name then
      name = ascii.lower(name)
      local before = list[name]
      list[name] = before == nil and value or { before, value }
      if type(before) == "table" then
        before[#before + 1] = value
        list[name] = before
      end
    elseif number > 1 or not line:find "^%u+ %S+ HTTP/%d" then
      return nil, ("line %d is not a header, which has the form 'Name: value'"):format(number)
    end
  end
  return list
end

return header_lines
