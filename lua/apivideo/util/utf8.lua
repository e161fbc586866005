--- UTF-8 in texts that others have written.

local REPLACEMENT = "\239\191\189" -- U+FFFD

-- The well-formed characters of more than one byte: table 3-7 of the Unicode standard.
local CHARACTERS = {
  "^[\194-\223][\128-\191]",
  "^\224[\160-\191][\128-\191]", "^[\225-\236\238\239][\128-\191][\128-\191]", "^\237[\128-\159][\128-\191]",
  "^\240[\144-\191][\128-\191][\128-\191]", "^[\241-\243][\128-\191][\128-\191][\128-\191]",
  "^\244[\128-\143][\128-\191][\128-\191]",
}

-- The last byte of the character at a position, or nil.
local function end_of_character(text, position)
  for _, pattern in ipairs(CHARACTERS) do
    local _, last = text:find(pattern, position)
    if last then return last end
  end
end

-- Bytes above 127 with U+FFFD instead of those that are not part of a character.
local function repair(bytes)
  local parts, position = {}, 1
  while position <= #bytes do
    local last = end_of_character(bytes, position)
    parts[#parts + 1] = last and bytes:sub(position, last) or REPLACEMENT
    position = (last or position) + 1
  end
  return table.concat(parts)
end

local utf8 = {}

--- A text with U+FFFD instead of each byte that is not part of a character.
---@param text string
---@return string
function utf8.repaired(text)
  return (text:gsub("[\128-\255]+", repair))
end

--- The beginning of a text, which ends with a whole character.
---@param text string
---@param max_bytes integer
---@return string
function utf8.shortened(text, max_bytes)
  if #text <= max_bytes then return text end
  local last = max_bytes
  for _ = 1, 3 do -- a character has at most three more bytes
    if text:find("^[\128-\191]", last + 1) then last = last - 1 end
  end
  return text:sub(1, last)
end

return utf8
