--- Files with secrets, or with what others sent in confidence: only their owner can read them.

local core = require "apivideo.core"

local DEVICES = { ["/dev/null"] = true, ["/dev/full"] = true, ["/dev/stdout"] = true, ["/dev/stderr"] = true,
  ["/dev/tty"] = true }

local private_file = {}

-- Lua cannot set the mode of a file. With the umask of the shell, there is no time at which others can read the file.
local function shell(script, path)
  local ok = os.execute(("exec 2> /dev/null; umask 077; %s '%s'"):format(script, (path:gsub("'", "'\\''"))))
  return ok == true or ok == 0
end

--- Creates a directory, and those above it. It may exist.
---@param path string
---@return boolean is_created
function private_file.create_directory(path)
  return shell("mkdir -p --", path)
end

--- Opens a file, which is created with the mode 0600. One that others can read, or that
--- belongs to another user, is rejected, except a device.
---@param path string
---@param mode "ab"|"wb"
---@return any file of io, or nil
---@return string? problem
function private_file.open(path, mode)
  if not core.file_mode(path) then shell(": >>", path) end
  local file, problem = io.open(path, mode)
  if not file then return nil, problem end
  if DEVICES[path] or path:find "^/dev/fd/%d+$" then return file end
  local permissions, is_own = core.file_mode(path)
  if permissions and is_own and permissions % 64 == 0 then return file end
  file:close()
  if permissions and not is_own then return nil, path .. ": it belongs to another user; choose another file" end
  return nil, ("%s: others can read or change it (mode %04o); run: chmod 600 %s"):format(path, permissions or 0, path)
end

return private_file
