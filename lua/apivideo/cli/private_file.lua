--- Files with secrets, or with what others sent in confidence: only their owner can read them.

local core = require "apivideo.core"
local shell = require "apivideo.util.shell"

local DEVICES = { ["/dev/null"] = true, ["/dev/full"] = true, ["/dev/stdout"] = true, ["/dev/stderr"] = true,
  ["/dev/tty"] = true }

local private_file = {}

--- Creates a directory, and those above it. It may exist.
---@param path string absolute
function private_file.create_directory(path)
  for above in path:gmatch "()/" do
    if above > 1 then core.create_directory(path:sub(1, above - 1)) end
  end
  core.create_directory(path)
end

--- Opens a file, which is created with the mode 0600. One that others can read, or that
--- belongs to another user, is rejected, except a device.
---@param path string
---@param mode "ab"|"wb"
---@return any file of io, or nil
---@return string? problem
function private_file.open(path, mode)
  core.create_file(path) -- Lua cannot set the mode: others could read the file until it is changed
  local file, problem = io.open(path, mode)
  if not file then return nil, problem end
  if DEVICES[path] or path:find "^/dev/fd/%d+$" then return file end
  local permissions, is_own = core.file_mode(path)
  if permissions and is_own and permissions % 64 == 0 then return file end
  file:close()
  if permissions and not is_own then return nil, path .. ": it belongs to another user; choose another file" end
  return nil, ("%s: others can read or change it (mode %04o); run: chmod 600 %s"):format(path, permissions or 0,
    shell.paths { path })
end

return private_file
