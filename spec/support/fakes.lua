--- Commands of the shell that a spec replaces by fakes, in a directory that comes first in PATH.

local file = require "spec.support.file"
local temporary = require "spec.support.temporary"

---@class spec.Fakes
---@field directory string
local Fakes = {}
Fakes.__index = Fakes

--- Creates a fake command.
---@param name string
---@param script string
function Fakes:fake(name, script)
  file.write(self.directory .. "/" .. name, "#!/bin/sh\n" .. script .. "\n")
  os.execute("chmod +x " .. self.directory .. "/" .. name)
end

--- Runs bash commands and returns their output, of both streams, with a last line "status 0".
---@param lines string
---@return string
function Fakes:run(lines)
  file.write(self.directory .. "/lines",
    "unset ${!LUA_*} LUAS MAKEFLAGS MAKELEVEL; PATH=" .. self.directory .. ":$PATH\n" .. lines .. "\necho status $?\n")
  local pipe = assert(io.popen("bash " .. self.directory .. "/lines 2>&1"))
  local output = pipe:read("*a")
  pipe:close()
  return output
end

function Fakes:remove() os.execute("rm -rf " .. self.directory) end

local fakes = {}

---@return spec.Fakes
function fakes.new()
  local directory = temporary.directory()
  return setmetatable({ directory = directory }, Fakes)
end

return fakes
