--- Secrets and keys among the command's arguments: a converter for argparse, which rejects what a shell easily adds to
--- them, or leaves of them.

local whitespace = require "apivideo.util.whitespace"

---@param name string of the option or variable, for messages
---@return fun(text: string): string?, string?
return function(name)
  return function(text)
    if text == "" then return nil, name .. " is empty; is the variable set that it is read from?" end
    local problem = whitespace.problem(text, 'pass it as "$(cat FILE)", which leaves newlines out')
    if problem then return nil, name .. " " .. problem end
    return text
  end
end
