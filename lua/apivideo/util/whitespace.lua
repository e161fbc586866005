--- Whitespace at the ends of a text: the usual trace of a secret that was read from a file, or of a body that was
--- written anew. Compares bytes: the locale does not matter.

local NAMES = { [9] = "a tab", [10] = "a newline", [13] = "a carriage return", [32] = "a space" }

-- What the byte at a place is called if it is whitespace, or nil.
local function name_at(text, place)
  local byte = text:byte(place)
  if not byte or byte ~= 32 and (byte < 9 or byte > 13) then return nil end
  return NAMES[byte] or ("byte 0x%02X"):format(byte)
end

local whitespace = {}

---@param text string
---@return string? byte what the first byte is called if it is whitespace
function whitespace.at_start(text) return name_at(text, 1) end

---@param text string
---@return string? byte what the last byte is called if it is whitespace
function whitespace.at_end(text) return name_at(text, -1) end

--- What is wrong with a secret or key that begins or ends in whitespace, for a message; nil if it does not.
---@param text string
---@param remedy? string for whitespace at the end; default: that of a program which reads a file
---@return string?
function whitespace.problem(text, remedy)
  local byte = whitespace.at_end(text)
  if byte then
    return ("must not end in whitespace (the last byte is %s); %s"):format(byte,
      remedy or 'read the file with :gsub("%s+$", "")')
  end
  byte = whitespace.at_start(text)
  return byte and ("must not begin with whitespace (the first byte is %s)"):format(byte)
end

return whitespace
