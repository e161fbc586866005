--- Files that the command reads: `-` is standard input.

local STDIN = "-"

local input = {}

--- The name of a file, for messages.
---@param path string
---@return string
function input.name(path)
  return path == STDIN and "standard input" or path
end

--- Opens a file for reading.
---@param path string
---@return any file of io, or nil
---@return string? problem
function input.open(path)
  if path == STDIN then return io.stdin end
  local file, problem = io.open(path, "rb")
  if not file then return nil, problem end
  local is_more
  is_more, problem = file:read(0) -- a directory can be opened, but not read
  if is_more or not problem then return file end
  file:close()
  return nil, ("%s: %s; the path of a file is expected"):format(path, problem)
end

return input
