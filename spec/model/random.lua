--- Pseudo-random numbers that are the same for a seed on every Lua (the "minimal standard" generator).

---@param seed integer from 1 to 2147483646
---@return fun(limit: integer): integer next from 1 to `limit`
return function(seed)
  local state = seed
  return function(limit)
    state = state * 16807 % 2147483647
    return math.floor(state / 2147483647 * limit) + 1
  end
end
