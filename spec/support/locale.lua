--- Locales with other rules for letters and numbers than the protocols.

local lfs = require "lfs"

local FOLDER = "build/locale" -- tools/run-specs sets LOCPATH to it
if not os.getenv "LOCPATH" then
  require("spec.support.native").setenv("LOCPATH", lfs.currentdir() .. "/" .. FOLDER)
end

local locale = {}

-- Compiles a locale and moves it to its directory atomically, because other processes may do so at the same time.
local function make(name)
  local language, charset = name:match("^([^.]+)%.(.+)$")
  local path, draft = FOLDER .. "/" .. name, os.tmpname()
  if lfs.attributes(path) then return end
  os.execute(("mkdir -p %s; localedef -c -f %s -i %s %s.d > /dev/null 2>&1; mv -T %s.d %s 2> /dev/null; rm -rf %s %s.d")
    :format(FOLDER, charset, language, draft, draft, path, draft, draft))
end

--- Calls a function in a locale, then restores C.
---@param name string such as tr_TR.UTF-8
---@return boolean done false if the system cannot compile the locale
function locale.within(name, fn)
  make(name)
  if not os.setlocale(name) then return false end
  local ok, err = pcall(fn)
  os.setlocale "C"
  if not ok then error(err, 0) end
  return true
end

return locale
