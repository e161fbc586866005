--- Whether a version such as "7.88.1" is older than another.
---@param version string
---@param other string
---@return boolean
return function(version, other)
  local a, b = { version:match "(%d+)%.(%d+)%.(%d+)" }, { other:match "(%d+)%.(%d+)%.(%d+)" }
  for i = 1, 3 do
    local x, y = tonumber(a[i]), tonumber(b[i])
    if x ~= y then return x < y end
  end
  return false
end
