--- A `pcall` that a task may wait inside of. Everywhere but in PUC Lua 5.1 that is Lua's own; there
--- a yield cannot cross it, so the function runs in a coroutine whose yields are passed on.

local protected = {}

if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then
  protected.call = pcall

  --- The coroutine whose yields reach the one who resumes tasks.
  function protected.root(co)
    return co
  end

  return protected
end

local parents = setmetatable({}, { __mode = "k" })

local function relay(co, ok, ...)
  if not ok then return false, ... end
  if coroutine.status(co) == "dead" then return true, ... end
  return relay(co, coroutine.resume(co, coroutine.yield(...)))
end

-- coroutine.create takes no C function here.
local function coroutine_of(fn, parent)
  local co = coroutine.create(function(...) return fn(...) end)
  parents[co] = parent
  return co
end

--- pcall(fn, ...)
---@param fn function
---@return boolean ok
---@return any ... the results, or the error
function protected.call(fn, ...)
  local parent = coroutine.running()
  if not parent then return pcall(fn, ...) end
  local made, co = pcall(coroutine_of, fn, parent)
  if not made then return false, co end -- memory is out
  return relay(co, coroutine.resume(co, ...))
end

--- The coroutine whose yields reach the one who resumes tasks; and those between, innermost first.
function protected.root(co)
  while parents[co] do co = parents[co] end
  return co
end

--- The coroutine that passes on the yields of `co`, or nil.
function protected.parent(co)
  return parents[co]
end

return protected
