--- Decodes base64 (RFC 4648).

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local VALUES = {}
for i = 1, #ALPHABET do VALUES[ALPHABET:byte(i)] = i - 1 end

local floor, char = math.floor, string.char

-- The three bytes of four digits.
local function bytes_of(digits)
  local a, b, c, d = digits:byte(1, 4)
  local number = ((VALUES[a] * 64 + VALUES[b]) * 64 + VALUES[c]) * 64 + VALUES[d]
  return char(floor(number / 65536), floor(number / 256) % 256, number % 256)
end

local base64 = {}

--- Decodes a text.
---@param text string with padding, without whitespace
---@return string|nil bytes nil if it is not base64
function base64.decode(text)
  local digits, padding = text:match "^([A-Za-z0-9+/]*)(=?=?)$"
  if not digits or #text % 4 ~= 0 then return nil end
  local bytes = (digits .. ("A"):rep(#padding)):gsub("....", bytes_of)
  return bytes:sub(1, #bytes - #padding)
end

return base64
