--- The header `traceparent` of W3C Trace Context: version, trace id, id of the parent span, flags.
--- https://www.w3.org/TR/trace-context/#traceparent-header

local PATTERN = "^(%x%x)%-(" .. ("%x"):rep(32) .. ")%-(" .. ("%x"):rep(16) .. ")%-(%x%x)(.*)$"

local traceparent = {
  EXAMPLE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}

--- Reads a value that a peer sent: in the form of version 00, or nil if it is invalid. Later versions may have more
--- fields, which are ignored.
---@param text any
---@return string?
function traceparent.parse(text)
  if type(text) ~= "string" or text:find "[A-F]" then return nil end
  local version, trace, parent, flags, rest = text:match(PATTERN)
  if not version or version == "ff" or trace:find "^0+$" or parent:find "^0+$" then return nil end
  if rest ~= "" and (version == "00" or rest:sub(1, 1) ~= "-") then return nil end
  return ("00-%s-%s-%s"):format(trace, parent, flags)
end

--- Whether a value can be sent: it is valid in version 00, the only one that this library knows.
---@param text any
---@return boolean
function traceparent.is_valid(text)
  return text ~= nil and traceparent.parse(text) == text
end

return traceparent
