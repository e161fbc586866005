--- The packages of what a program may lack: their names in Debian and in LuaRocks, for messages.

---@class apivideo.Packages
---@field debian string
---@field rock? string

---@type table<string, apivideo.Packages>
local PACKAGES = {
  argparse = { debian = "lua-argparse", rock = "argparse" },
  ["lua-cjson"] = { debian = "lua-cjson", rock = "lua-cjson" },
  ["lua-resty-redis"] = { debian = "lua-nginx-redis" },
  LuaDBI = { debian = "lua-dbi-sqlite3", rock = "luadbi-sqlite3" },
  libmicrohttpd = { debian = "libmicrohttpd-dev" },
  ["apivideo.server"] = { debian = "apivideo", rock = "apivideo-server" },
  ["apivideo.redis.core"] = { debian = "lua-apivideo-redis", rock = "apivideo-redis" },
}

local VERSION = _VERSION:match "%d%.%d"

-- Debian's packages of Lua modules do not support Lua 5.5.
local HAS_DEBIAN = VERSION ~= "5.5"

local packages = {}

--- What to install, as a clause for a message: "install the Debian package lua-argparse, or the rock: luarocks
--- --lua-version=5.4 install argparse".
---@param name string a key of the table above
---@return string
function packages.remedy(name)
  local known = PACKAGES[name]
  local rock = known.rock and ("the rock: luarocks --lua-version=%s install %s"):format(VERSION, known.rock)
  local debian = (HAS_DEBIAN or not rock) and "the Debian package " .. known.debian
  return "install " .. (debian and rock and debian .. ", or " .. rock or debian or rock)
end

--- Loads a required module of another project. If it is not installed, the error names the packages.
---@param module string
---@param name string a key of the table above
---@return any
function packages.load(module, name)
  local ok, result = pcall(require, module)
  if ok then return result end
  if tostring(result):find(("module '%s' not found"):format(module), 1, true) then
    error(("apivideo needs %s, which is not installed for %s: %s"):format(name, _VERSION, packages.remedy(name)), 0)
  end
  error(result, 0)
end

return packages
