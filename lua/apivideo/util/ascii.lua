--- Lower case of ASCII letters. string.lower follows the locale: in tr_TR, it leaves the capital I as it is.

local LOWER = {}
for byte = 65, 90 do LOWER[string.char(byte)] = string.char(byte + 32) end

local ascii = {}

--- The text with the letters A to Z in lower case. (A range of a pattern compares bytes in every locale.)
---@param text string
---@return string
function ascii.lower(text)
  return text:find "[A-Z]" and (text:gsub("[A-Z]", LOWER)) or text
end

return ascii
