--- The handler of a thread for tests: calls a function of the table below by its name.

local core = require "apivideo.core"
local runtime = require "apivideo.runtime"

local marks -- a file that is written at the end

local functions = {}

function functions.echo(...) return ... end

function functions.raise(value) error(value, 0) end

function functions.unplain() return function() end end

-- Keeps the thread occupied until a file exists.
function functions.wait_for(path)
  while not core.file_id(path) do runtime.sleep(0.005) end
  return true
end

-- A string that is larger than any memory. (In Lua 5.1, string.rep builds it step by step; in LuaJIT, its size is 32 bits.)
function functions.exhaust()
  if _VERSION < "Lua 5.3" then error "not enough memory" end -- they read the count as an int
  return ("x"):rep(1e15)
end

local function overflow(n) return 1 + overflow(n + 1) end

function functions.overflow() return overflow(1) end

function functions.kilobytes()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count"
end

function functions.mark_end(path) marks = path end

function functions.get_global(name) return type(_G[name]) end

function functions.paths() return package.path, package.cpath end

return function(name, ...)
  if name ~= nil then return functions[name](...) end
  if not marks then return end
  local file = assert(io.open(marks, "a"))
  file:write "ended\n"
  file:close()
end
