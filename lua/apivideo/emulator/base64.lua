--- Base64, as in Basic authorization and (its URL form) in JSON web tokens.

local base64 = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

---@param bytes string
---@return string
function base64.encode(bytes)
  local encoded = bytes:gsub("..?.?", function(part)
    local a, b, c = part:byte(1, 3)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    local digits = {}
    for i = 4, 1, -1 do
      local digit = n % 64
      digits[i] = i > #part + 1 and "=" or ALPHABET:sub(digit + 1, digit + 1)
      n = (n - digit) / 64
    end
    return table.concat(digits)
  end)
  return encoded
end

--- Without padding, and with other signs for + and /.
---@param bytes string
---@return string
function base64.encode_url(bytes)
  return (base64.encode(bytes):gsub("[+/=]", { ["+"] = "-", ["/"] = "_", ["="] = "" }))
end

return base64
