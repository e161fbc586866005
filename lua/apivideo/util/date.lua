--- Dates as api.video writes them in events, such as `2023-05-23T09:29:02.154Z`.

---@param seconds number since 1970
---@param digits? integer of the fraction, default 3
---@return string
return function(seconds, digits)
  digits = digits or 3
  local fraction = math.floor(seconds % 1 * 10 ^ digits)
  return os.date("!%Y-%m-%dT%H:%M:%S", math.floor(seconds)) .. "." .. ("%0" .. digits .. "d"):format(fraction) .. "Z"
end
