--- How often a text contains another.
---@param text string
---@param part string
---@return integer
return function(text, part)
  return select(2, text:gsub(part:gsub("%p", "%%%0"), ""))
end
