--- The constructor of a module: `module.new(…)` and `module(…)` are the same.

--- Gives a module its constructor. `create` raises misuse at level 3, which is the caller of the module: neither
--- function makes a tail call, after which Lua 5.1 no longer knows that caller.
---@generic T: table
---@param module T
---@param create fun(...: any): table
---@return T module
return function(module, create)
  function module.new(...)
    local object = create(...)
    return object
  end
  local metatable = getmetatable(module) or {}
  function metatable.__call(_, ...)
    local object = create(...)
    return object
  end
  return setmetatable(module, metatable)
end
