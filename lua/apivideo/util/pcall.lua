--- A `pcall` and an `xpcall` inside which a task can yield. They are Lua's own, except in PUC Lua 5.1, where a yield
--- cannot cross a pcall: there the function runs in a coroutine, and its yields are passed on.

local protected = {}

if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then
  protected.call, protected.xpcall = pcall, xpcall

  --- The coroutine that the event loop resumes.
  function protected.root(co)
    return co
  end

  return protected
end

local unpack = unpack

-- Coroutine -> the one that runs it. The values are weak, too: Lua 5.1 has no ephemerons, and a parent, whose stack has
-- its child, would never be collected.
local parents = setmetatable({}, { __mode = "kv" })

-- `handler` is called with the error and the failed coroutine, which still has its stack; nil for pcall.
local function relay(co, handler, ok, ...)
  if not ok then
    if handler then return false, handler((...), co) end
    return false, ...
  end
  if coroutine.status(co) == "dead" then return true, ... end
  return relay(co, handler, coroutine.resume(co, coroutine.yield(...)))
end

-- coroutine.create of Lua 5.1 does not accept a C function.
local function coroutine_of(fn, parent)
  local co = coroutine.create(function(...) return fn(...) end)
  parents[co] = parent
  return co
end

local function call_in_coroutine(parent, handler, fn, ...)
  local made, co = pcall(coroutine_of, fn, parent)
  if not made then return false, co end -- out of memory
  return relay(co, handler, coroutine.resume(co, ...))
end

--- pcall(fn, ...)
---@param fn function
---@param ... any its arguments
---@return boolean ok
---@return any ... the results, or the error
function protected.call(fn, ...)
  local parent = coroutine.running()
  if not parent then return pcall(fn, ...) end
  return call_in_coroutine(parent, nil, fn, ...)
end

--- xpcall(fn, handler, ...), with arguments as in later versions of Lua.
---@param fn function
---@param handler fun(err: any, co?: thread): any `co` is the coroutine that failed, if it is not the running one
---@param ... any arguments of `fn`
---@return boolean ok
---@return any ... the results, or the result of `handler`
function protected.xpcall(fn, handler, ...)
  local parent = coroutine.running()
  if parent then return call_in_coroutine(parent, handler, fn, ...) end
  local n, arguments = select("#", ...), { ... }
  return xpcall(function() return fn(unpack(arguments, 1, n)) end, function(err) return handler(err) end)
end

--- The coroutine that the event loop resumes: the outermost ancestor of `co`.
function protected.root(co)
  while parents[co] do co = parents[co] end
  return co
end

--- The coroutine that passes on the yields of `co`, or nil. Only in PUC Lua 5.1.
function protected.parent(co)
  return parents[co]
end

return protected
