--- The bytes of a body, exactly as they are: of a file, of standard input, or of an argument.

local input = require "apivideo.cli.input"

local body = {}

--- Reads a file or standard input.
---@param path string "-": standard input
---@return string|nil bytes
---@return string? problem
function body.of_file(path)
  local file, problem = input.open(path)
  if not file then return nil, problem end
  local bytes
  bytes, problem = file:read "*a"
  if file ~= io.stdin then file:close() end
  if not bytes then return nil, ("%s: %s"):format(input.name(path), problem or "it cannot be read") end
  return bytes
end

--- Reads the value of an option: `@file`, `-` for standard input, or the text itself.
---@param text string
---@return string|nil bytes
---@return string? problem
function body.of_option(text)
  local path = text == "-" and text or text:match "^@(.+)$"
  if path then return body.of_file(path) end
  return text
end

return body
