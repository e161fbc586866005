--- Invalid requests, and requests with ambiguous framing: none of them reaches a handler, and the next connection is
--- served.

local is_below = require "spec.support.is_below"
local libmicrohttpd = require "spec.support.libmicrohttpd"
local raw = require "spec.support.raw"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
local wait_for = require "spec.support.wait"

local LINE = "POST / HTTP/1.1\r\nHost: x\r\n"
local CHUNKED = LINE .. "Transfer-Encoding: chunked\r\n\r\n"

local OLD = libmicrohttpd.is_silent

describe("server", function()
  local running, handled

  local function listen(timeout)
    handled = {}
    running = assert(server.listen { max_body = 1000, timeout = timeout, handler = function(request)
      handled[#handled + 1] = request
      return 204
    end })
  end

  before_each(function() listen(2) end)

  after_each(function() running:stop(0) end)

  local function status(bytes)
    return (raw.exchange(running.port, bytes))
  end

  -- Each with the responses that a libmicrohttpd may give; false: the connection is closed without one.
  local malformed = {
    ["HTTP/0.9"] = { "GET /\r\n", 400 },
    ["a version before 1"] = { "GET / HTTP/0.9\r\n\r\n", 505 },
    ["an invalid version"] = { "GET / http/1.1\r\nHost: x\r\n\r\n", 400 },
    ["the preface of HTTP/2"] = { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
    ["a TLS hello"] = { "\22\3\1\2\0\1\0\1\252\3\3" .. ("\171"):rep(500) .. "\n", false },
    ["random bytes"] = { ("\0\1\2\255"):rep(2000) .. "\n", false },
    ["no method"] = { " / HTTP/1.1\r\nHost: x\r\n\r\n", false, OLD and 400 },
    ["tabs in the request line"] = { "GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n", false },
    ["a space in the target"] = { "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    ["a space in the target of an unknown method"] = { "MADEUP /a b HTTP/1.1\r\nHost: x\r\n\r\n", false },
    ["two spaces before the target"] = { "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    ["two spaces after the target"] = { "GET /a  HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    ["a space after the version"] = { "GET /a HTTP/1.1 \r\nHost: x\r\n\r\n", 400 },
    ["a CR in the target"] = { "GET /a\rb HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    ["a percent sign in the path that encodes nothing"] = { "GET /a%zb?c HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    ["a percent sign at the end of the path"] = { "GET /a% HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    ["an encoded NUL in the path"] = { "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    ["a NUL in the target"] = { "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n", false },
    ["a NUL in the method"] = { "GE\0T /a HTTP/1.1\r\nHost: x\r\n\r\n", false },
    ["a request line that ends in LF"] = { "GET / HTTP/1.1\nHost: x\r\n\r\n", 400 },
    ["a header that ends in LF"] = { "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400 },
    ["a last header that ends in LF"] = { "GET / HTTP/1.1\r\nHost: x\n\r\n", 400 },
    ["an empty line that is LF"] = { "GET / HTTP/1.1\r\nHost: x\r\n\n", 400 },
    ["lines that all end in LF"] = { "GET / HTTP/1.1\nHost: x\n\n", 400 },
    ["lines that all end in CR"] = { "GET / HTTP/1.1\rHost: x\r\rX\n\r\n", 400 },
    ["a CR in a value"] = { LINE .. "X: a\rb\r\n\r\n", 400 },
    ["a CR at the end of a value"] = { LINE .. "X: a\r\r\n\r\n", 400 },
    ["a CR and an empty line between headers"] = { LINE .. "X: a\r\r\nY: b\r\n\r\n", 400 },
    ["a NUL in a value"] = { LINE .. "X: a\0b\r\n\r\n", 400 },
    ["a NUL at the beginning of a value"] = { LINE .. "X:\0b\r\n\r\n", 400 },
    ["a NUL at the end of a value"] = { LINE .. "X: a\0\r\n\r\n", 400 },
    ["two NULs at the end of a value"] = { LINE .. "X: a\0\0\r\nY: b\r\n\r\n", 400 },
    ["two NULs at the end of the last value"] = { "GET / HTTP/1.1\r\nHost: x\0\0\r\n\r\n", 400 },
    ["a NUL at the beginning of a line"] = { LINE .. "\0X: a\r\n\r\n", 400 },
    ["a NUL in a length"] = { LINE .. "Content-Length: 0\0 44\r\n\r\n", 400 },
    ["a folded header"] = { LINE .. "X: a\r\n b\r\n\r\n", 400 },
    ["another encoding"] = { LINE .. "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400, 501 },
    ["a tunnel"] = { "CONNECT other:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501 },
    ["no host"] = { "GET / HTTP/1.1\r\n\r\n", 400 },
    ["two hosts"] = { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
    ["a header without a colon"] = { LINE .. "X\r\n\r\n", 400 },
    ["a header without a name"] = { "GET / HTTP/1.1\r\n: x\r\nHost: x\r\n\r\n", 400 },
    ["a space after a name"] = { LINE .. "X : a\r\n\r\n", 400 },
    ["a NUL in a name"] = { LINE .. "X\0Y: a\r\n\r\n", 400 },
    ["a first header that is folded"] = { "GET / HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n", 400 },
    ["a length with a space before the colon"] = { LINE .. "Content-Length : 5\r\n\r\nhello", 400 },
    ["a folded length"] = { LINE .. "Content-Length: 5\r\n 6\r\n\r\nhello", 400 },
    ["a length twice, equal"] = { LINE .. "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400 },
    ["a list of lengths"] = { LINE .. "Content-Length: 5, 5\r\n\r\nhello", 400 },
    ["a length with a sign"] = { LINE .. "Content-Length: +5\r\n\r\nhello", 400 },
    ["a length in hex"] = { LINE .. "Content-Length: 0x5\r\n\r\nhello", 400 },
    ["an empty length"] = { LINE .. "Content-Length:\r\n\r\n", 400 },
    ["a folded encoding"] = { LINE .. "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400 },
    ["an encoding in HTTP/1.0"] = { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
    ["an encoding twice"] = { LINE .. ("Transfer-Encoding: chunked\r\n"):rep(2) .. "\r\n0\r\n\r\n", 400 },
    ["two codings in one field"] = { LINE .. "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, 501 },
    ["an encoding after a vertical tab"] = { LINE .. "Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n", 400, 501 },
    ["a chunk of a negative size"] = { CHUNKED .. "-1\r\nx\r\n0\r\n\r\n", 400 },
    ["a chunk size with 0x"] = { CHUNKED .. "0x1\r\nx\r\n0\r\n\r\n", 400 },
    ["a chunk without a size"] = { CHUNKED .. "\r\nx\r\n0\r\n\r\n", 400 },
    ["a chunk larger than 64 bits"] = { CHUNKED .. ("f"):rep(17) .. "\r\nx", 413, 400 },
    ["a chunk longer than its size"] = { CHUNKED .. "1\r\nxy\r\n0\r\n\r\n", 400 },
    ["a trailer without a colon"] = { CHUNKED .. "0\r\nX\r\n\r\n", 400 },
    ["a method that does not end"] = { ("M"):rep(70000), 414, false },
    ["a target of 64 KB"] = { "GET /" .. ("a"):rep(65536) .. " HTTP/1.1\r\nHost: x\r\n\r\n", 414 },
    ["a header of 64 KB"] = { LINE .. "X: " .. ("a"):rep(65536) .. "\r\n\r\n", 431 },
    ["a name of 64 KB"] = { LINE .. ("a"):rep(65536) .. ": b\r\n\r\n", 431 },
    ["a thousand headers"] = { LINE .. ("X: y\r\n"):rep(1000) .. "\r\n", 431 },
    ["a thousand trailers"] = { CHUNKED .. "0\r\n" .. ("X: y\r\n"):rep(1000) .. "\r\n", 431 },
  }

  if is_below(libmicrohttpd.version, "0.9.74") then -- which accepts these, as the guide to security says
    for _, what in ipairs { "a last header that ends in LF", "a NUL at the end of a value",
      "two NULs at the end of the last value" } do
      malformed[what] = nil
    end
  end

  it("rejects an invalid request, and closes the connection", function()
    for what, one in pairs(malformed) do
      local connection = raw.connect(running.port)
      connection:send(one[1])
      local code = connection:read() or false
      assert.is_true(code == one[2] or code == one[3] or OLD and not code, what .. ": " .. tostring(code))
      wait_for(function() return select(2, connection.socket:receive(65536)) == "closed" end, "the end of " .. what)
      connection:close()
      assert.equal(204, status "GET / HTTP/1.1\r\nHost: x\r\n\r\n", what)
      assert.equal("GET", handled[1].method, what)
      assert.is_nil(handled[2], what)
      handled = {}
    end
  end)

  it("does not read the body of a rejected request as another request", function()
    local inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    for _, head in ipairs {
      "Content-Length : %d", "Content-Length: %d\r\nTransfer-Encoding: chunked", "Content-Length: %d\r\n 1",
      "Transfer-Encoding:\r\n chunked\r\nX: %d", "Content-Length: 0\r\nContent-Length: %d",
    } do
      status(LINE .. head:format(#inner) .. "\r\n\r\n" .. inner)
      assert.same({}, handled, head)
    end
  end)

  it("accepts unusual requests that are unambiguous", function()
    for bytes, target in pairs {
      ["GET http://other/a?b HTTP/1.1\r\nHost: x\r\n\r\n"] = "http://other/a?b",
      ["OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"] = "*",
      ["GET /%ff/../..?%00%z HTTP/1.1\r\nHost: x\r\n\r\n"] = "/%ff/../..?%00%z",
      [(OLD and "" or "\r\n") .. "GET /after HTTP/1.1\r\nHost: x\r\n\r\n"] = "/after",
      ["GET /old HTTP/1.0\r\n\r\n"] = "/old",
      ["GET /longer HTTP/1.1\r\nHost: x\r\nContent-Length-Of: 5\r\nTransfer-Encoding-Of: x\r\n\r\n"] = "/longer",
      ["GET /newer HTTP/1.2\r\nHost: x\r\n\r\n"] = "/newer",
      ["GET /expect HTTP/1.1\r\nHost: x\r\nExpect: nonsense\r\n\r\n"] = "/expect",
      ["GET /long HTTP/1.1\r\nHost: x\r\nX: " .. ("a"):rep(12000) .. "\r\n\r\n"] = "/long",
    } do
      assert.equal(204, status(bytes), target)
      assert.equal(target, handled[#handled].target)
    end
  end)

  it("removes the whitespace around values", function()
    assert.equal(204, status "GET / HTTP/1.1\r\nHost: x\r\nX: \t a b \t \r\nY:  \r\n\r\n")
    assert.equal("a b", handled[1].headers["X"])
    assert.equal("", handled[1].headers["Y"])
  end)

  it("reads no request after a chunked one on the same connection", function()
    local connection = raw.connect(running.port)
    connection:send(CHUNKED .. "1\r\nx\r\n0\r\n\r\n" .. "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    local code, _, head = connection:read()
    assert.equal(204, code)
    assert.truthy(head:find("Connection: close", 1, true))
    assert.is_nil((connection:read()))
    assert.equal(1, #handled)
    connection:close()
  end)

  it("responds to a client that closes its half of the connection after the request", function()
    local connection = raw.connect(running.port)
    connection:send(LINE .. "Content-Length: 5\r\n\r\nhello")
    connection.socket:shutdown "send"
    assert.equal(204, (connection:read()))
    connection:close()
  end)

  -- Counts the iterations of a server.
  local function count_iterations(listening)
    local counted = { iterations = 0 }
    local core = listening._core
    listening._core = setmetatable({ run = function()
      counted.iterations = counted.iterations + 1
      return core:run()
    end }, { __index = function(_, name)
      return function(_, ...) return core[name](core, ...) end
    end })
    return counted
  end

  for what, before in pairs { new = "", reused = "GET / HTTP/1.1\r\nHost: x\r\n\r\n" } do
    it("closes a " .. what .. " connection with an endless chunk-size line, without a busy loop", function()
      running:stop(0)
      listen(60) -- longer than the test lasts
      local connection, counted = raw.connect(running.port), count_iterations(running)
      connection:send(before .. CHUNKED .. "1;" .. ("x"):rep(40000))
      wait_for(function() return select(2, connection.socket:receive(65536)) == "closed" end)
      assert.is_true(counted.iterations < 80)
      connection:close()
    end)
  end

  it("does not close a connection that pauses between two chunks", function()
    running:stop(0)
    listen(60)
    local slow = raw.connect(running.port)
    slow:send(CHUNKED .. "5\r\nhello\r\n")
    for _ = 1, 3 do
      local connection = raw.connect(running.port)
      connection:send(CHUNKED .. "1;" .. ("x"):rep(40000))
      wait_for(function() return select(2, connection.socket:receive(65536)) == "closed" end)
      connection:close()
    end
    slow:send "0\r\n\r\n"
    assert.equal(204, (slow:read()))
    slow:close()
  end)

  it("closes a connection with more parameters in the target than fit, at the timeout", function()
    local target = "GET /?" .. ("a&"):rep(1000) .. " HTTP/1.1\r\nHost: x\r\n\r\n"
    local new, reused = raw.connect(running.port), raw.connect(running.port)
    new:send(target)
    reused:send("GET / HTTP/1.1\r\nHost: x\r\n\r\n" .. target)
    for _, connection in ipairs { new, reused } do
      wait_for(function() return select(2, connection.socket:receive(65536)) == "closed" end)
      connection:close()
    end
  end)

  it("handles pipelined requests one after another", function()
    local under_way, most = 0, 0
    running:stop(0)
    running = assert(server.listen { handler = function(request)
      under_way = under_way + 1
      most = math.max(most, under_way)
      runtime.sleep(0)
      under_way = under_way - 1
      return 200, nil, request.path
    end })
    local connection, parts = raw.connect(running.port), {}
    for i = 1, 2000 do parts[i] = ("GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"):format(i) end
    runtime.spawn(connection.send, connection, table.concat(parts))
    for i = 1, 2000 do
      local code, body = connection:read()
      assert.equal(200, code)
      assert.equal("/" .. i, body)
    end
    assert.equal(1, most)
    connection:close()
  end)
end)
