-- HTTP/2 peers that violate the protocol.

local certificates = require "spec.support.certificates"
local h2 = require "spec.support.h2"
local http = require "apivideo.transport.http"
local is_below = require "spec.support.is_below"
local nginx = require "spec.support.nginx"
local peer = require "spec.support.peer"
local runtime = require "apivideo.runtime"
local tls_front = require "spec.support.tls_front"

local DATA, HEADERS, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
local END_STREAM, END_HEADERS, ACK = 1, 4, 1
local MAX_BODY = 100000
local LIMIT = os.getenv "APIVIDEO_SLOW" and 10 or 0.5 -- seconds, for a peer that never finishes its response

local frame = h2.frame

-- An HPACK integer with a prefix of 7 bits.
local function length(number)
  if number < 127 then return string.char(number) end
  local bytes = { string.char(127) }
  number = number - 127
  while number >= 128 do
    bytes[#bytes + 1] = string.char(number % 128 + 128)
    number = math.floor(number / 128)
  end
  return table.concat(bytes) .. string.char(number)
end

-- A header that is not indexed; and one that is added to the dynamic table.
local function literal(name, value) return "\0" .. length(#name) .. name .. length(#value) .. value end
local function indexed(name, value) return "\64" .. length(#name) .. name .. length(#value) .. value end

local OK = "\136" -- :status: 200

local describe_alpn = is_below(nginx.version(), "1.21.4")
  and function(name) pending(name .. ": it takes nginx 1.21.4 or newer") end or describe

describe_alpn("HTTP/2 with a peer #process", function()
  local authority, port, script, p

  setup(function()
    authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    p = peer.start(function(connection)
      if not connection:take(24) then return end -- the client's preface
      connection:send(frame(SETTINGS, 0, 0, ""))
      -- The request is on stream 1.
      repeat
        local head = connection:take(9)
        if not head then return end
        local a, b, c, kind = head:byte(1, 4)
        connection:take(a * 65536 + b * 256 + c)
      until kind == HEADERS
      script(connection)
      repeat until not connection:read_more()
    end)
    port = tls_front(authority, "h2", p.port)
  end)

  teardown(function()
    p.stop()
    authority:remove()
    runtime.sleep(0)
  end)

  -- Sends a request on a new connection to a peer that runs the script: response | nil, err, sent.
  local function ask(new_script, limit)
    script = new_script
    runtime.release()
    return http.request { method = "POST", url = ("https://127.0.0.1:%d/"):format(port), body = "{}",
      timeout = limit, ca_file = authority:path "ca.crt", max_body = MAX_BODY }
  end

  -- Sends a request to a peer that sends some frames, and then one frame repeatedly: response | nil, err, sent. On a
  -- busy machine the time may be over before the request is sent; the next attempt then has more time.
  local function ask_briefly(frames, again)
    local limit, requested = LIMIT, false
    local response, err, sent
    repeat
      response, err, sent = ask(function(connection)
        requested = true
        connection:send(frames)
        local many = again and again:rep(math.ceil(50000 / #again))
        while many and connection:send(many) do runtime.sleep(0) end
      end, limit)
      limit = limit * 2
    until requested or limit > 60
    return response, err, sent
  end

  it("that follows the protocol works", function()
    local response = assert(ask(function(connection)
      connection:send(frame(HEADERS, END_HEADERS, 1, OK .. literal("x-a", "b")) .. frame(DATA, END_STREAM, 1, "hi"))
    end, 60))
    assert.equal("2", response.http_version)
    assert.equal("b", response.headers["x-a"])
    assert.equal("hi", response.body)
  end)

  local floods = {
    ["settings"] = { "", frame(SETTINGS, 0, 0, "\0\3\0\0\0\100") },
    ["pings"] = { "", frame(PING, 0, 0, "12345678") },
    ["acknowledges a ping that was not sent"] = { "", frame(PING, ACK, 0, "12345678") },
    ["windows"] = { "", frame(WINDOW, 0, 0, "\0\0\0\1") },
    ["resets of other streams"] = { "", frame(RESET, 0, 3, "\0\0\0\8") },
    ["1xx responses"] = { "", frame(HEADERS, END_HEADERS, 1, "\8\3" .. "103") },
    ["empty data"] = { frame(HEADERS, END_HEADERS, 1, OK), frame(DATA, 0, 1, "") },
    ["data"] = { frame(HEADERS, END_HEADERS, 1, OK), frame(DATA, 0, 1, ("x"):rep(10000)) },
    ["continued headers"] = { frame(HEADERS, 0, 1, OK), frame(CONTINUATION, 0, 1, literal("x-a", ("x"):rep(1000))) },
    ["empty continuations"] = { frame(HEADERS, 0, 1, OK), frame(CONTINUATION, 0, 1, "") },
    ["frames of unknown kinds"] = { "", frame(99, 0, 0, ("x"):rep(1000)) },
    ["headers that unfold"] =
      { frame(HEADERS, 0, 1, OK .. indexed("x-a", ("x"):rep(3000))), frame(CONTINUATION, 0, 1, ("\190"):rep(16000)) },
  }

  for name, flood in pairs(floods) do
    it("that sends " .. name .. " forever is disconnected", function()
      local response, err, sent = ask_briefly(flood[1], flood[2])
      assert.is_nil(response)
      assert.is_true(err.kind == "too_large" or err.kind == "network" or err.kind == "timeout", tostring(err))
      assert.is_true(sent)
    end)
  end

  local breaches = {
    ["pushes"] = frame(PUSH, END_HEADERS, 1, "\0\0\0\2" .. OK),
    ["resets the stream"] = frame(RESET, 0, 1, "\0\0\0\8"),
    ["sends GOAWAY"] = frame(GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0"),
    ["sends data before headers"] = frame(DATA, END_STREAM, 1, "hi"),
    ["sends no status"] = frame(HEADERS, END_HEADERS + END_STREAM, 1, literal("x-a", "b")),
    ["sends an invalid status"] = frame(HEADERS, END_HEADERS + END_STREAM, 1, literal(":status", "2x0")),
    ["sends two statuses"] = frame(HEADERS, END_HEADERS + END_STREAM, 1, OK .. OK),
    ["splits a header"] = frame(HEADERS, END_HEADERS + END_STREAM, 1, OK .. literal("x-a", "b\r\nx-c: d")),
    ["hides a NUL in a header"] = frame(HEADERS, END_HEADERS + END_STREAM, 1, OK .. literal("x-a", "b\0c")),
    ["hides a NUL in a header's name"] = frame(HEADERS, END_HEADERS + END_STREAM, 1, OK .. literal("x\0a", "b")),
    ["hides a control character in a header"] =
      frame(HEADERS, END_HEADERS + END_STREAM, 1, OK .. literal("x-a", "b\27[31m")),
    ["names a transfer coding"] = frame(HEADERS, END_HEADERS, 1, OK .. literal("transfer-encoding", "chunked"))
      .. frame(DATA, END_STREAM, 1, "2\r\nhi\r\n0\r\n\r\n"),
    ["sends a status above 599"] = frame(HEADERS, END_HEADERS + END_STREAM, 1, literal(":status", "600")),
    ["sends more or less than its content-length"] =
      frame(HEADERS, END_HEADERS, 1, OK .. literal("content-length", "5")) .. frame(DATA, END_STREAM, 1, "hi"),
    ["sends two content-lengths"] = frame(HEADERS, END_HEADERS, 1, OK .. literal("content-length", "2")
      .. literal("content-length", "1")) .. frame(DATA, END_STREAM, 1, "hi"),
    ["refers to no header"] = frame(HEADERS, END_HEADERS + END_STREAM, 1, OK .. "\255\127"),
    ["sends half a header"] = frame(HEADERS, END_HEADERS + END_STREAM, 1, OK .. "\0\127"),
    ["sends a frame that is too long"] = frame(DATA, 0, 1, ("x"):rep(20000)),
    ["speaks HTTP/1"] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
  }

  for name, bytes in pairs(breaches) do
    it("that " .. name .. " causes an error", function()
      local response, err, sent = ask_briefly(bytes)
      assert.is_nil(response, response and response.body)
      assert.is_true(err.kind == "network" or err.kind == "unexpected_response" or err.kind == "timeout", tostring(err))
      assert.is_true(sent)
      assert.is_nil(err.message:find "%c")
    end)
  end
end)
