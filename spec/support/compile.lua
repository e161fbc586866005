--- Compiles C programs and modules for the Lua that runs the specs.

local file = require "spec.support.file"

local compile = {}

--- This Lua's package name for pkg-config.
compile.package = jit and "luajit" or "lua" .. _VERSION:match "%d%.%d"

--- Runs a shell command and returns its output.
---@return string output
function compile.run(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

--- Compiles C source into `path`. Raises an error with the compiler's messages.
---@param source string
---@param path string
---@param flags string for the compiler, libraries last
function compile.c(source, path, flags)
  file.write(path .. ".c", source)
  local status = os.execute(("cc -O1 -D_GNU_SOURCE -o %s %s.c %s > %s.log 2>&1"):format(path, path, flags, path))
  if status ~= true and status ~= 0 then error(compile.run("cat " .. path .. ".log"), 2) end
end

--- Builds a module of the library into `directory`, with a header that replaces the installed one of a dependency. It
--- can include the installed one with #include_next.
---@param directory string must exist
---@param header string as in the #include: "curl/curl.h"
---@param text string
---@param module? string default: "core"
---@return string output of make and the compiler
function compile.module_with(directory, header, text, module)
  compile.run(("mkdir -p %s/include/%s"):format(directory, header:match "^(.*)/" or ""))
  file.write(("%s/include/%s"):format(directory, header), text)
  return compile.run(("env -u MAKEFLAGS make -s -B BUILD=%s CFLAGS='-O0 -w -I%s/include' %s/%s/apivideo/%s.so 2>&1")
    :format(directory, directory, directory, (compile.package:gsub("^lua", "")), module or "core"))
end

return compile
