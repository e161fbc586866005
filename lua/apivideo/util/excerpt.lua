--- The beginning of a text of any length, such as a sender's, for a message.

local MAX_BYTES = 80

---@param text string
---@return string
return function(text)
  if #text <= MAX_BYTES then return text end
  local beginning = text:sub(1, MAX_BYTES)
  if text:find("^[\128-\191]", MAX_BYTES + 1) then -- within a character of UTF-8
    beginning = beginning:gsub("[\192-\255]?[\128-\191]*$", "")
  end
  return beginning .. "…"
end
