--- The settings of a child process: its first argument, as JSON.

local cjson = require "cjson"

local settings = cjson.decode(arg[1])
math.randomseed(settings.seed)

-- On a simulated machine, which is restarted, each boot has an id.
if settings.boot then
  local open = io.open
  io.open = function(path, ...) -- luacheck: ignore
    if path ~= "/proc/sys/kernel/random/boot_id" then return open(path, ...) end
    local file = assert(io.tmpfile())
    file:write("boot-", settings.boot, "\n")
    file:seek "set"
    return file
  end
end

return settings
