-- The input: a byte that selects the limits, and what clients send. A byte 30 ends a piece, and the byte after it
-- selects what happens then. A receiver responds to each complete request, unless it is to wait or to be cut. At
-- the end the client closes the connection, and no request may be left.

local MAX_CONNECTIONS = 4
local apivideo = require "apivideo"
local client = require "client"
local core = require "apivideo.server.core"
local headers = require "apivideo.util.headers"

local SECRET = "sig_sec_0000000000000000000000"
local MAX_BODY = { 65536, 50 }
local ENDINGS = { c = "close", r = "reset", h = "hold" }

local function ignore() end

apivideo.log { write = ignore }

local receivers = {}
for _, unsigned in ipairs { true, false } do
  receivers[#receivers + 1] = apivideo.receiver {
    handlers = apivideo.handlers():otherwise(ignore),
    unsigned = unsigned or nil, secrets = not unsigned and SECRET or nil,
  }
end

-- Checks that a request has one framing, valid parts, and the body that its header section announces.
local function check_request(method, target, list, body, max_body)
  local length, encoding = list["content-length"], list["transfer-encoding"]
  assert(method:find "^[^%s%c]+$", method)
  assert(not target:find "[%s%z\r\n]", target)
  assert(not (length and encoding), "two kinds of framing")
  assert(length == nil or type(length) == "string" and tonumber(length) == #body, "the length")
  assert(length or encoding or body == "", "a body without framing")
  assert(#body <= max_body, "a body beyond max_body")
  for name, value in pairs(list) do
    assert(name ~= "" and name == name:lower() and not name:find "[%s%z:]", name)
    for _, item in ipairs(type(value) == "table" and value or { value }) do
      assert(not item:find "[\r\n%z]", item)
    end
  end
end

-- Takes the requests that are ready, and responds to them or keeps their ids in `waiting`.
local function serve(server, case, action)
  while true do
    local id, method, target, list, body, peer = server:next()
    if not id then return end
    check_request(method, target, list, body, case.max_body)
    assert(peer == "127.0.0.1")
    local status, response_headers, text = case.receiver:receive {
      method = method, headers = headers.any_case(list), body = body,
    }
    case.waiting[#case.waiting + 1] = id
    if action ~= "w" then
      for _, waiting in ipairs(case.waiting) do
        assert(ENDINGS[action] and server:cut(waiting, "HTTP/1.1 20", ENDINGS[action])
          or server:respond(waiting, status, response_headers, text) or case.broken)
        assert(not server:respond(waiting, 204), "two responses")
      end
      case.waiting = {}
    end
  end
end

local function check_responses(case)
  local bytes = client.receive()
  case.received = case.received .. bytes
  assert(case.cut or case.received == "" or case.received:find "^HTTP/1%.[01] %d%d%d ", case.received)
end

-- Sends one piece, and does what follows it.
local function act(server, case, bytes, action)
  client.send(bytes)
  server:run()
  case.cut = case.cut or ENDINGS[action] ~= nil
  serve(server, case, action)
  server:run()
  check_responses(case)
  if action == "n" and case.connections < MAX_CONNECTIONS then -- it is not admitted, but added
    client.connect(server)
    case.connections = case.connections + 1
    case.received, case.broken = "", true
  elseif action == "x" then
    client.close()
    case.broken = true
  elseif action == "s" then
    server:stop_accepting()
  end
end

return function(input)
  local byte = input:byte() or 0
  local case = {
    max_body = MAX_BODY[byte % 2 + 1], receiver = receivers[byte // 2 % 2 + 1],
    waiting = {}, received = "", connections = 1,
  }
  local server = assert(core.new("127.0.0.1", 0, case.max_body, 3600, MAX_CONNECTIONS))
  client.connect(server)
  for bytes, action in (input:sub(2) .. "\30a"):gmatch "([^\30]*)\30(.?)" do
    act(server, case, bytes, action)
  end
  case.broken = true
  client.close()
  for _ = 1, 20 do
    server:run()
    serve(server, case, "a")
    for _, id in ipairs(case.waiting) do server:respond(id, 204) end
    case.waiting = {}
    if server:active() == 0 then break end
  end
  assert(server:active() == 0, "a request is left")
  server:close()
end
