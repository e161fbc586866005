--- A converter for argparse that checks ids of api.video.

local output = require "apivideo.cli.output"

local identifier = {}

--- Creates a converter.
---@param name string what the argument is, for messages
---@param prefix? string with which the id begins
---@return fun(text: string): string?, string?
function identifier.new(name, prefix)
  return function(text)
    if text:find("^" .. (prefix or "") .. "[A-Za-z0-9_%-]+$") then return text end
    if text == "" then return nil, name .. " is empty; check that the variable it is read from is set" end
    return nil, ('%s must be %sletters, digits, "_" or "-", got \'%s\''):format(name,
      prefix and '"' .. prefix .. '" and ' or "", output.plain(text))
  end
end

return identifier
