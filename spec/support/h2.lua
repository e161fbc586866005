--- Sends HTTP/2 requests over TCP frame by frame, in forms that a client library would not send.

local raw_client = require "spec.support.raw"

local HEADERS, DATA, SETTINGS = 1, 0, 4
local END_STREAM, END_HEADERS = 1, 4
local PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

-- The statuses in HPACK's static table (RFC 7541, appendix A).
local STATUSES = { [0x88] = 200, [0x89] = 204, [0x8c] = 400, [0x8d] = 404, [0x8e] = 500 }

local h2 = {}

--- The bytes of a frame. `stream` must be less than 256.
function h2.frame(kind, flags, stream, payload)
  local size = #payload
  return string.char(math.floor(size / 65536), math.floor(size / 256) % 256, size % 256, kind, flags,
    0, 0, 0, stream) .. payload
end

-- A literal header without indexing (RFC 7541, section 6.2.2). Name and value must be shorter than 127 bytes.
local function literal(name, value)
  return string.char(0, #name) .. name .. string.char(#value) .. value
end

-- The status at the beginning of a header block.
local function status_of(block)
  local first = block:byte(1)
  if first == 0x20 then return status_of(block:sub(2)) end -- a dynamic table size update
  if first == 0x48 then return tonumber(block:sub(3, 5)) end
  return STATUSES[first]
end

-- Reads a frame: its type and payload; nil if the server has closed the connection.
local function read_frame(connection)
  local header = connection:take(9)
  if not header then return nil end
  local a, b, c, kind = header:byte(1, 4)
  local payload = connection:take(a * 65536 + b * 256 + c)
  if payload then return kind, payload end
end

--- Sends a POST with a body in several DATA frames and without a length. Returns the status of the response.
---@param port integer
---@param path string
---@param headers string[] lines, `Name: value`
---@param pieces string[] the body's DATA frames
function h2.post(port, path, headers, pieces)
  local block = { literal(":method", "POST"), literal(":scheme", "http"), literal(":path", path),
    literal(":authority", "x") }
  for _, line in ipairs(headers) do
    local name, value = line:match("^(.-): (.*)$")
    block[#block + 1] = literal(name:lower(), value)
  end
  local connection = raw_client.connect(port)
  connection:send(PREFACE .. h2.frame(SETTINGS, 0, 0, "") .. h2.frame(HEADERS, END_HEADERS, 1, table.concat(block)))
  for _, piece in ipairs(pieces) do connection:send(h2.frame(DATA, 0, 1, piece)) end
  connection:send(h2.frame(DATA, END_STREAM, 1, ""))
  while true do
    local kind, payload = read_frame(connection)
    if kind == HEADERS or not kind then
      connection:close()
      return kind and status_of(payload)
    end
  end
end

return h2
