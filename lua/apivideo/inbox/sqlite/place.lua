--- The place of a SQLite file: whether it can be used there, and the creation of the file. SQLite itself gives no
--- reasons, and LuaDBI leaks a connection that could not be opened.

local core = require "apivideo.core"
local random = require "apivideo.util.random"
local shell = require "apivideo.util.shell"

local EACCES = 13 -- on all systems

local place = {}

-- The directory of a file.
local function directory_of(path)
  local directory = path:match "^(.*)/"
  return directory == "" and "/" or directory or "."
end

--- A file or a directory that exists, and whose owner and mode this process may see.
---@class apivideo.inbox.sqlite.Owned
---@field path string
---@field owner string
---@field mode integer
---@field is_directory boolean

-- Appends what is known of a file or a directory to a list.
local function append(list, path, is_directory)
  local owner, mode = core.owner(path), core.file_mode(path)
  if owner and mode then
    list[#list + 1] = { path = path, owner = owner, mode = mode, is_directory = is_directory }
  end
end

--- A file, SQLite's files beside it and its directory: of a symbolic link, those of the file that SQLite opens.
---@param path string
---@return apivideo.inbox.sqlite.Owned[]
function place.parts(path)
  local parts = {}
  path = core.real_path(path) or path
  for _, suffix in ipairs { "", "-wal", "-shm" } do append(parts, path .. suffix, false) end
  append(parts, directory_of(path), true)
  return parts
end

--- Whether a mode has a bit, such as 128, which lets the owner write.
---@param mode integer
---@param bit integer
---@return boolean
function place.has_bit(mode, bit)
  return math.floor(mode / bit) % 2 == 1
end

local function description(part)
  return ("the %s %s belongs to the user %s (mode %04o)"):format(part.is_directory and "directory" or "file",
    core.real_path(part.path) or part.path, part.owner, part.mode)
end

local function this_user()
  return ", and this process runs as the user " .. core.user()
end

--- The owners of a file, of SQLite's files beside it and of its directory, for the end of a message: why this process may
--- not write them.
---@param path string
---@return string
function place.owners(path)
  local texts = {}
  for i, part in ipairs(place.parts(path)) do texts[i] = description(part) end
  return texts[1] and ": " .. table.concat(texts, "; ") .. this_user() or ""
end

--- The commands that let a user write files.
---@param user string
---@param others string[] files of another user
---@param read_only string[] files that their owner may not write
---@return string
function place.commands(user, others, read_only)
  local commands = {}
  -- With -h, since a user with write access to the directory may have put a symbolic link there, to any file.
  if others[1] then commands[1] = ("chown -h %s %s"):format(user, shell.paths(others)) end
  if read_only[1] then commands[#commands + 1] = "chmod u+w " .. shell.paths(read_only) end
  return table.concat(commands, "; ")
end

--- The remedy for a directory of another user. Its owner and mode must not change: it may be one of the system, such as
--- /var/lib, and other programs may use it.
---@param user string of the program that works on the inbox
---@return string
function place.own_directory(user)
  return ("put the inbox into a directory of its own: mkdir DIR; chown %s DIR"):format(user)
end

--- The remedy for files of another user, with which another program works.
place.RUN_AS_OWNER = "run this as the user of the program that works on the inbox"

--- What lets this process write the file, and SQLite's files beside it; nil if their owners and modes do.
---@param path string
---@param keeps_owner? boolean whether another program works on the inbox
---@return string?
function place.remedy(path, keeps_owner)
  local user, owner, others, read_only = core.user(), nil, {}, {}
  for _, part in ipairs(place.parts(path)) do
    if part.is_directory then break end -- the last one
    if part.owner ~= user then
      owner = owner or part.owner
      others[#others + 1] = part.path
    end
    if not place.has_bit(part.mode, 128) then read_only[#read_only + 1] = part.path end
  end
  if owner and keeps_owner then return place.RUN_AS_OWNER end
  if not owner and not read_only[1] then return nil end
  local change = place.commands(user, others, read_only)
  -- A process that responds to the network, such as a worker of nginx, must not run as root. And the owner may not write
  -- a file that is read-only for its owner, either.
  return (not owner or owner == "root" or read_only[1]) and "run: " .. change
    or ("run this process as the user %s, or: %s"):format(owner, change)
end

-- What lets this process create files in a directory of another user.
local function directory_remedy(directory, path, keeps_owner)
  if keeps_owner then return place.RUN_AS_OWNER end
  local own = place.own_directory(core.user())
  if directory.owner == "root" then return own end -- the process should not run as root
  if core.file_id(path) then return "run this process as that user" end -- another program works on it there
  return "run this process as that user, or " .. own
end

-- Why no file can be created in the directory of `path`; nil if one can be. The database itself must not be opened
-- here: closing it would release this process's locks on it. The name is random, so that it is not the name of an
-- existing file.
local function directory_problem(path, keeps_owner)
  path = core.real_path(path) or path
  local beside = (path:match "^.*/" or "") .. ".apivideo-" .. random.hex(8)
  local file, problem, number = io.open(beside, "wb")
  if file then
    file:close()
    os.remove(beside)
    return nil
  end
  problem = problem:sub(#beside + #": " + 1) -- without the name of this file, which the user does not know
  if number ~= EACCES then return "unable to open database file: " .. problem end
  local parts, user = {}, core.user()
  append(parts, directory_of(path), true)
  local directory = parts[1]
  if not directory then return ("%s: the user %s may not enter a directory above it"):format(problem, user) end
  problem = problem .. ": " .. description(directory)
  if directory.owner == user and user ~= "root" then
    return ("%s, which does not let its owner write; allow it: chmod u+rwx %s"):format(problem,
      shell.paths { core.real_path(directory.path) or directory.path })
  end
  return problem .. this_user() .. "; " .. directory_remedy(directory, path, keeps_owner)
end

--- Why the write-ahead log cannot be used on a file system.
---@param kind string
---@return string
function place.network_problem(kind)
  return ("its file system is %s, where processes may not share the memory that SQLite's write-ahead log needs, so "
    .. "that events could be lost; use a local disk, or Redis for several machines. For the processes of one machine, "
    .. "if the locks of the file system work, the option journal = \"delete\" needs no such memory"):format(kind)
end

-- Whether the directory hides the file: then it is not known whether it exists.
local function is_hidden(path)
  local file, _, number = io.open(path, "rb")
  if file then file:close() end -- created just now
  return number == EACCES
end

-- Why a file that does not exist may not be created; nil if it may.
local function creation_problem(path, options)
  local kind = options.journal ~= "delete" and core.network_file_system(directory_of(path))
  if kind then return place.network_problem(kind) end
  if options.create ~= false or not core.is_directory(directory_of(path)) or is_hidden(path) then return nil end
  return ("it does not exist, and the option \"create\" is false; correct the path, which is seen from the directory"
    .. " %s, or create it once with create = true"):format(core.real_path "." or ".")
end

--- Why a path cannot be that of an inbox for any user; nil if it can. To open a pipe would wait for its other end.
---@param path string
---@return string? problem
---@return string? remedy
function place.kind_problem(path)
  if core.is_directory(path) then
    return "it is a directory", ("name a file in it, such as %s/inbox.db"):format((path:gsub("/+$", "")))
  end
  local mode, _, is_regular = core.file_mode(path)
  if mode and not is_regular then return "it is not a regular file", "name another file" end
end

--- Prepares the place of a file: creates the file, so that only its owner can read and write it, and the files that
--- SQLite creates with the same permissions beside it.
---@param path string
---@param options { create?: boolean, journal?: string, keeps_owner?: boolean } as of apivideo.inbox.sqlite; and as of
--- place.remedy
---@return boolean|nil is_new whether it was created
---@return string? problem why it cannot be used
function place.prepare(path, options)
  local problem, remedy = place.kind_problem(path)
  if problem then return nil, problem .. "; " .. remedy end
  problem = not core.file_id(path) and creation_problem(path, options) or directory_problem(path, options.keeps_owner)
  if problem then return nil, problem end
  if core.file_id(path) then return false end
  local is_new
  is_new, problem = core.create_file(path)
  if is_new or core.file_id(path) then return is_new or false end -- another process may have created it just now
  return nil, "unable to open database file: " .. problem
end

return place
