--- What a child process is told: its first argument, as JSON.

local cjson = require "cjson"

local settings = cjson.decode(arg[1])
math.randomseed(settings.seed)

-- On a machine of its own, which was started more than once, the kernel has a name for each start.
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
