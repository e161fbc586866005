--- The beginning of a text of any length, such as a sender's, for a message.

local MAX_BYTES = 80

---@param text string
---@return string
return function(text)
  return #text <= MAX_BYTES and text or text:sub(1, MAX_BYTES) .. "…"
end
