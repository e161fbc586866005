--- The bytes of a body, exactly as they are: of a file, of standard input, or of an argument.

local STDIN = "-"

local body = {}

--- Reads a file or standard input.
---@param path? string "-" or nil: standard input
---@return string|nil bytes
---@return string? problem
function body.of_file(path)
  local is_stdin = path == nil or path == STDIN
  local file = io.stdin
  if not is_stdin then
    local opened, problem = io.open(path, "rb")
    if not opened then return nil, problem end
    file = opened
  end
  local bytes, problem = file:read "*a"
  if not is_stdin then file:close() end
  if not bytes then return nil, ("%s: %s"):format(path or "standard input", problem or "it cannot be read") end
  return bytes
end

--- Reads the value of an option: `@file`, `-` for standard input, or the text itself.
---@param text string
---@return string|nil bytes
---@return string? problem
function body.of_option(text)
  if text == STDIN then return body.of_file() end
  local path = text:match "^@(.+)$"
  if path then return body.of_file(path) end
  return text
end

return body
