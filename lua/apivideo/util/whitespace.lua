--- Whitespace at the start and the end of a text: usual for a secret that was read from a file, or a body that was
--- re-serialized. Compares bytes, so the locale does not matter.

local NAMES = { [9] = "a tab", [10] = "a newline", [13] = "a carriage return", [32] = "a space" }

-- The name of a byte if it is whitespace, or nil.
local function name_at(text, place)
  local byte = text:byte(place)
  if not byte or byte ~= 32 and (byte < 9 or byte > 13) then return nil end
  return NAMES[byte] or ("byte 0x%02X"):format(byte)
end

local whitespace = {}

---@param text string
---@return string? byte the name of the first byte if it is whitespace
function whitespace.at_start(text) return name_at(text, 1) end

---@param text string
---@return string? byte the name of the last byte if it is whitespace
function whitespace.at_end(text) return name_at(text, -1) end

--- What is wrong with a secret or key that begins or ends with whitespace, for a message; otherwise nil.
---@param text string
---@param remedy? string for whitespace at the end; default: for a program that reads a file
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
