--- A converter for argparse that checks secrets and keys. It rejects values that a shell changes easily: an unset
--- variable (empty), and a file's newline.

local whitespace = require "apivideo.util.whitespace"

local credential = {}

--- Creates a converter.
---@param name string of the option or environment variable, for messages
---@return fun(text: string): string?, string?
function credential.new(name)
  return function(text)
    if text == "" then return nil, name .. " is empty; check that the variable it is read from is set" end
    local problem = whitespace.problem(text, 'pass it as "$(cat FILE)", which removes trailing newlines')
    if problem then return nil, name .. " " .. problem end
    return text
  end
end

return credential
