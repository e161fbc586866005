--- Minimises a list of commands that fails: long parts of it are left out, then shorter and shorter ones.

local function without(list, first, last)
  local rest = {}
  for i, item in ipairs(list) do
    if i < first or i > last then rest[#rest + 1] = item end
  end
  return rest
end

---@param commands table[] a list that fails
---@param fails fun(commands: table[]): boolean
---@return table[]
return function(commands, fails)
  local size = math.floor(#commands / 2)
  while size >= 1 do
    local first, is_shorter = 1, false
    while first <= #commands do
      local shorter = without(commands, first, first + size - 1)
      if #shorter < #commands and fails(shorter) then
        commands, is_shorter = shorter, true
      else
        first = first + size
      end
    end
    if not (size == 1 and is_shorter) then size = math.floor(size / 2) end
  end
  return commands
end
