--- What to do about an error of SQLite, or of the place of its file.

local place = require "apivideo.inbox.sqlite.place"

local remedies = {}

-- A text in the error, and its remedy; and whether that depends on the owners of the file and the directory.
local REMEDIES = {
  { "database or disk is full", "free some space on its disk" },
  { "No space left on device", "free some space on its disk" },
  { "disk I/O error", "check its disk and its free space, and whether a quota or a size limit prevents it from"
    .. " growing" },
  { "file is not a database", "give the inbox another path, or move that file away" },
  { "malformed", "the file is damaged: move it away, with its -wal and -shm, and recover its data with:"
    .. " sqlite3 FILE .recover" },
  { "readonly database", "allow the user of this process to write it and its directory", names_owners = true },
  { "unable to open database file", "its directory must exist and be writable for the user of this process",
    names_owners = true },
  { "replaced while it was open", "end all processes that use it before you move or delete it" },
  { "database is locked", "another process has locked it for too long" },
  { "' not found", "it finds modules by package.path and package.cpath only: correct these, let the user of this"
    .. " process (in nginx: of its workers) read the files there, or use the option thread = false" },
}

--- The remedy for a problem.
---@param path string
---@param problem string
---@param keeps_owner? boolean as of place.remedy
---@return string? remedy nil: it is not known, or the problem has it
---@return string owners as of place.owners; empty if the problem does not depend on them
function remedies.of(path, problem, keeps_owner)
  for _, entry in ipairs(REMEDIES) do
    if problem:find(entry[1], 1, true) then
      if not entry.names_owners then return entry[2], "" end
      return place.remedy(path, keeps_owner) or entry[2], place.owners(path)
    end
  end
  return nil, ""
end

return remedies
