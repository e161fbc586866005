--- Builds and loads spec/support/native.c: fork, thread, signal_thread, getpid, exit, setenv.

local lfs = require "lfs"

local SOURCE, MODULE = "spec/support/native.c", "build/spec/native.so"

if (lfs.attributes(MODULE, "modification") or 0) < lfs.attributes(SOURCE, "modification") then
  local draft = os.tmpname() -- other processes may build it at the same time
  -- nodelete: its thread may outlive the Lua state.
  os.execute(("mkdir -p build/spec; cc -shared -fPIC -O1 -Wl,-z,nodelete -o %s.so %s -lpthread && mv %s.so %s;"
    .. " rm -f %s"):format(draft, SOURCE, draft, MODULE, draft))
end

return assert(package.loadlib(MODULE, "luaopen_native"))()
