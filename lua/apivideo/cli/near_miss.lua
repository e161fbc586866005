--- Why a signature does not match, found by trying: it is that of almost the same bytes.

local signature = require("apivideo.core").signature

local HEX_BYTES = 64

-- What changes a body on its way, and what it was before.
local CHANGES = {
  { "it is valid without the newline at the end of the body, which an editor or echo added; write the body with"
      .. " printf '%s'",
    function(raw) return (raw:gsub("\r?\n$", "")) end },
  { "it is valid with a newline at the end of the body, which $(…) or an editor removed",
    function(raw) return raw .. "\n" end },
  { "it is valid with the line ends LF, which became CRLF",
    function(raw) return (raw:gsub("\r\n", "\n")) end },
  { "it is valid with the line ends CRLF, which became LF",
    function(raw) return (raw:gsub("\r?\n", "\r\n")) end },
  { "it is valid without the byte order mark at the beginning of the body",
    function(raw) return (raw:gsub("^\239\187\191", "")) end },
}

local near_miss = {}

--- The cause of an invalid signature, if it is one of these; otherwise nil.
---@param raw string
---@param hex string the signature
---@param secrets string[]
---@return string?
function near_miss.cause(raw, hex, secrets)
  if #hex ~= HEX_BYTES or hex:find "%X" then
    return ("it must be %d hexadecimal digits, got %d bytes"):format(HEX_BYTES, #hex)
  end
  for _, change in ipairs(CHANGES) do
    local before = change[2](raw)
    if before ~= raw and signature.verify(before, hex, secrets) then return change[1] end
  end
end

return near_miss
