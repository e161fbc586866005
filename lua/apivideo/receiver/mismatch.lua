--- The likely cause of a signature that does not match, as a sentence for the log. It is a guess: an unverified body
--- cannot be trusted, and the log does not show it.

local host = require "apivideo.runtime.host"
local whitespace = require "apivideo.util.whitespace"

local USUAL = "usual causes: the body is not the raw bytes as they arrived, the secret of another webhook than this one"
  .. ", or of the other environment (sandbox, production), is in use, or a tunnel or proxy re-serialises the JSON"
local RAW = "; a signature matches only the exact bytes that api.video sent"
local EXAMINED_MAX_BYTES = 256

local mismatch = {}

--- A cause of a body that is missing or empty, with its remedy, for the end of a message: in nginx, "" elsewhere.
---@type string
mismatch.IN_FILE = host.ngx and ", or nginx may have put it into a file: set client_body_buffer_size to the same size"
  .. " as client_max_body_size, such as 1m" or ""

-- Beginnings of bodies that api.video does not send. It sends `{"type":"…","emittedAt":"…"`, without whitespace.
local BEGINNINGS = {
  { "^$", "the body is empty: it was not read, or other code read it before" .. mismatch.IN_FILE },
  { "^\239\187\191", "the body begins with a byte order mark: it was decoded and re-encoded" },
  { "^table: ", "the body is the address of a decoded table" },
  { "^%[object ", "the body is the name of a decoded object" },
  { '^"', "the body is a JSON string that contains JSON: it was encoded twice" },
  { "^eyJ", "the body is encoded as base64" },
  { "^%%7[Bb]", "the body is encoded as a form or URL" },
  { "^[A-Za-z0-9_]+=", "the body is encoded as a form or URL" },
  { "^{[ \t\r\n]", "the body has whitespace between its tokens: a tunnel or proxy re-serialised it" },
  { '^{"[^"]*"[ \t\r\n]*:[ \t\r\n]', "the body has whitespace between its tokens: a tunnel or proxy re-serialised it" },
  { '^{"[^"]*":"[^"]*",[ \t\r\n]', "the body has whitespace between its tokens: a tunnel or proxy re-serialised it" },
  { '^{"[^t]', 'the body was re-serialised by a tunnel or proxy: "type" is not its first member' },
}

-- The cause that the body shows, or nil.
local function of_body(raw)
  local byte = whitespace.at_start(raw)
  if byte then return ("the body begins with whitespace (the first byte is %s)"):format(byte) end
  local beginning = raw:sub(1, EXAMINED_MAX_BYTES)
  for _, each in ipairs(BEGINNINGS) do
    if beginning:find(each[1]) then return each[2] end
  end
  byte = whitespace.at_end(raw)
  return byte and ("the body ends in whitespace (the last byte is %s)"):format(byte)
end

-- What is wrong with a secret, or with the first invalid one of a list; or nil. The option `secrets` rejects such a
-- secret, but a function can return it.
local function of_secret(secret)
  if type(secret) == "table" then
    for _, each in ipairs(secret) do
      local problem = of_secret(each)
      if problem then return problem end
    end
    return nil
  end
  local byte = whitespace.at_end(secret)
  if byte then return ("a secret of the function ends in whitespace (the last byte is %s)"):format(byte) end
  byte = whitespace.at_start(secret)
  return byte and ("a secret of the function begins with whitespace (the first byte is %s)"):format(byte)
end

--- The likely cause of a mismatch.
---@param raw string
---@param secret string|string[] that the signature was checked with
---@return string
function mismatch.cause(raw, secret)
  local problem = of_secret(secret)
  if problem then return problem end
  problem = of_body(raw)
  return problem and problem .. RAW or USUAL
end

return mismatch
