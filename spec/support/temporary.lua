--- Temporary directories.

local lfs = require "lfs"

local temporary = {}

--- Creates an empty directory. running.directory also removes it.
---@return string path
function temporary.directory()
  local path = os.tmpname() -- creates a file
  os.remove(path)
  assert(lfs.mkdir(path))
  return path
end

return temporary
