--- The files of a SQLite inbox when root runs `apivideo doctor`: root may write every file, so what it can do says
--- nothing about the program that works on the inbox. That is judged by the owner of the file, and the modes.

local core = require "apivideo.core"
local place = require "apivideo.inbox.sqlite.place"
local shell = require "apivideo.util.shell"

local owner = {}

-- Whether a user may certainly not write a file: it is not the user's, or not writable for its owner. Which users are in
-- its group is not known here.
local function is_forbidden(user, part)
  if part.owner == user then return not place.has_bit(part.mode, 128) end
  return not place.has_bit(part.mode, 16) and not place.has_bit(part.mode, 2)
end

-- The words of a shell that run the command as a user: one without a name is given by number.
local function command_for(user, path)
  return ("sudo -u %s apivideo doctor --store %s"):format(user:find "^%d+$" and shell.quote("#" .. user) or user,
    shell.quote("sqlite:" .. path))
end

-- What lets a user write a file or a directory.
local function remedy_for(user, part)
  if part.is_directory and part.owner ~= user then return place.own_directory(user) end
  return "run: " .. place.commands(user, part.owner ~= user and { part.path } or {}, { part.path })
end

-- Warns of files of root in the directory of another user, which is probably the user of the program. Returns whether
-- there are any.
local function check_directory(findings, parts)
  local user, paths = parts[#parts].owner, {}
  for _, part in ipairs(parts) do
    if not part.is_directory and is_forbidden(user, part) then paths[#paths + 1] = part.path end
  end
  if user == "root" or not paths[1] then return false end
  findings:warn(("the file belongs to the user root, and its directory to the user %s: if the program runs as %s, it"
    .. " may not write the file"):format(user, user), "run: " .. place.commands(user, paths, {}))
  return true
end

--- Checks the owner, for root; the file exists.
---@param findings apivideo.cli.Findings
---@param path string
---@return boolean is_root_alone whether it is only known that root can write the file
function owner.check(findings, path)
  local user = core.owner(path)
  if core.user() ~= "root" or not user then return false end
  if user == "root" then return check_directory(findings, place.parts(path)) end
  for _, part in ipairs(place.parts(path)) do
    if is_forbidden(user, part) then
      findings:fail(("the owner of the file, %s, may not write %s, of the user %s (mode %04o)"):format(user, part.path,
        part.owner, part.mode), remedy_for(user, part))
    end
  end
  findings:warn(("this runs as root, which can write every file; this one belongs to the user %s"):format(user),
    "run it as the user of the program: " .. command_for(user, path))
  return true
end

return owner
