--- The LuaRocks of this machine.

local compile = require "spec.support.compile"
local is_below = require "spec.support.is_below"

local luarocks = {}

--- Why LuaRocks cannot build the rocks, or nil. Their rockspecs have format 3.0, for their test dependencies.
---@return string?
function luarocks.missing()
  local version = compile.run("luarocks --version 2> /dev/null"):match "%d+%.%d+%.%d+"
  if not version then return "luarocks is not installed" end
  if is_below(version, "3.0.0") then return "LuaRocks 3.0 or newer reads this rockspec format; this is " .. version end
end

return luarocks
