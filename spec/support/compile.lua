--- C programs of tests, compiled for the Lua that runs the specs.

local compile = {}

--- The package that pkg-config knows this Lua by.
compile.package = jit and "luajit" or "lua" .. _VERSION:match "%d%.%d"

--- Runs a command of the shell; what it prints on stdout.
---@return string output
function compile.run(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

--- Compiles C source into `path`. Raises with the compiler's messages.
---@param source string
---@param path string
---@param flags string for the compiler, libraries last
function compile.c(source, path, flags)
  local file = assert(io.open(path .. ".c", "w"))
  file:write(source)
  file:close()
  local status = os.execute(("cc -O1 -D_GNU_SOURCE -o %s %s.c %s > %s.log 2>&1"):format(path, path, flags, path))
  if status ~= true and status ~= 0 then error(compile.run("cat " .. path .. ".log"), 2) end
end

return compile
