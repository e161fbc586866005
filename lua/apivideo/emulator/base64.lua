--- Base64 (RFC 4648), for Basic authentication, and its URL-safe form, for JSON Web Tokens.

local base64 = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local URL_SAFE = { ["+"] = "-", ["/"] = "_", ["="] = "" }

---@param bytes string
---@return string
function base64.encode(bytes)
  local encoded = bytes:gsub("..?.?", function(group)
    local a, b, c = group:byte(1, 3)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    local digits = {}
    for i = 4, 1, -1 do
      local digit = n % 64
      digits[i] = i > #group + 1 and "=" or ALPHABET:sub(digit + 1, digit + 1)
      n = (n - digit) / 64
    end
    return table.concat(digits)
  end)
  return encoded
end

--- The URL-safe alphabet, without padding (RFC 4648, section 5).
---@param bytes string
---@return string
function base64.encode_url(bytes)
  return (base64.encode(bytes):gsub("[+/=]", URL_SAFE))
end

return base64
