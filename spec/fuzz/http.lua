-- The input: a byte that selects the requests and their caps, and the bytes that the peer sends. A byte 30 ends a part,
-- which libcurl receives separately; a byte 29 closes the connection. When no input remains, every connection is closed,
-- so each request must end.

local core = require "apivideo.core"
local headers = require "apivideo.util.headers"
local peer = require "peer"
local responses = require "apivideo.transport.response"

local METHODS = { "GET", "POST", "HEAD", "DELETE" }
local MAX_BODY = { 65536, 100 }
local MAX_HEADER = { 4096, 200 }
local STEPS = 100 -- more than any request needs after its peer has disconnected

local KINDS = { network = true, too_large = true, unexpected_response = true, timeout = true }

local function read_choices(byte)
  return METHODS[byte % 4 + 1], MAX_BODY[byte // 4 % 2 + 1], MAX_HEADER[byte // 8 % 2 + 1],
    byte // 16 % 4 + 1
end

local function check_response(response, request)
  local total = 0
  assert(#response.body <= request.max_body, "the body's cap")
  assert(math.type(response.status) == "integer")
  for name, value in pairs(response.headers) do
    assert(name ~= "" and name == name:lower() and not name:find "[\r\n:]", name)
    for _, item in ipairs(type(value) == "table" and value or { value }) do
      assert(not item:find "\n", item)
      assert(item == item:match "^[ \t]*(.-)[ \t\r]*$", item)
      total = total + #name + #item
    end
  end
  assert(total <= request.max_header, "the cap of headers")
end

-- Processing a response in the client raises no error.
local function read_response(response, request)
  local fields = { request = request, attempts = 1 }
  headers.any_case(response.headers)
  if response.status < 200 or response.status > 299 then
    assert(tostring(responses.refusal(response, fields, { "secret" })) ~= "")
  elseif not responses.result(request.method, response) then
    assert(tostring(responses.no_result(response, fields, { "secret" })) ~= "")
  end
end

local function check_result(transfer, request)
  local response, kind, message, sent = transfer:result()
  if response then
    check_response(response, request)
    return read_response(response, request)
  end
  assert(KINDS[kind], tostring(kind) .. ": " .. tostring(message))
  assert(type(message) == "string" and message ~= "" and not message:find "[\r\n]", message)
  assert(type(sent) == "boolean")
end

-- The peer sends its next part. Returns false when no part is left.
local function act(parts)
  local part = table.remove(parts, 1)
  if not part then return false end
  peer.send(part.bytes)
  peer.receive()
  if part.ends then peer.close() end
  return true
end

-- Drives the pool until one of its transfers ends.
local function finish(pool, parts)
  for _ = 1, #parts + STEPS do
    local finished = pool:step(0)
    if finished then return finished end
    if not act(parts) then peer.close() end
  end
  error "a request does not end"
end

local function split(input)
  local parts = {}
  for bytes, stop in (input .. "\30"):gmatch "([^\29\30]*)([\29\30])" do
    parts[#parts + 1] = { bytes = bytes, ends = stop == "\29" }
  end
  return parts
end

return function(input)
  local method, max_body, max_header, count = read_choices(input:byte() or 0)
  local request = {
    method = method, url = "http://127.0.0.1:1/webhooks", timeout = 3600, connect_timeout = 3600,
    body = method == "POST" and "{}" or nil, max_body = max_body, max_header = max_header,
    username = "key", headers = { "Accept: application/json" },
  }
  local parts = split(input:sub(2))
  local pool = assert(core.http.new())
  for _ = 1, count do
    local transfer = assert(pool:start(request))
    local finished = finish(pool, parts)
    assert(#finished == 1 and finished[1] == transfer)
    check_result(transfer, request)
  end
  pool:close()
  peer.close()
end
