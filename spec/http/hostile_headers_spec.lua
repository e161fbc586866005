-- Peers that send invalid headers, or headers that other implementations parse differently.

local http = require "apivideo.transport.http"
local running = require "spec.support.running"

local function get(p, more)
  local request = { method = "GET", url = p.url, timeout = 60 }
  for name, value in pairs(more or {}) do request[name] = value end
  return http.request(request)
end

describe("a peer's headers", function()
  after_each(running.stop)

  local function error_of(bytes)
    local response, err, sent = get(running.saying(bytes))
    assert.is_nil(response, bytes)
    assert.is_true(sent)
    return err
  end

  local END = "\r\nContent-Length: 0\r\n\r\n"

  it("must begin with a status line of HTTP/1", function()
    for _, line in ipairs { "HTTP/1.1 099 X", "HTTP/1.1 000 X", "HTTP/1.1 99 X", "HTTP/1.1 1000 X", "HTTP/1.1 2000 X",
      "HTTP/1.1 600 X", "HTTP/1.1 999 X", "HTTP/1.1 20x X", "HTTP/1.1 200X", "HTTP/1.1 200\tX", "HTTP/1.1  200 X",
      "HTTP/1.1\t200 X", " HTTP/1.1 200 X", "HTTP/1.1 -200 X", "HTTP/1.1 +20 X", "HTTP/1.1 20", "HTTP/1.1",
      "HTTP/1.1 abc", "HTTP/1.1 20:", "HTTP/1.1 2/0", "HTTP/1.9 200 X", "HTTP/2 200 X", "HTTP/2.0 200 X",
      "HTTP/3 200 X", "HTTP/4.0 200 X", "HTTP/0.9 200 X", "HTTP 200 OK", "http/1.1 200 OK", "xHTTP/1.1 200 OK",
      "\r\nHTTP/1.1 200 OK", "ICY 200 OK", "HTTP/1.1 200 O\0K" } do
      for _, bytes in ipairs { line .. END, "HTTP/1.1 103 Early\r\n\r\n" .. line .. END } do
        local err = error_of(bytes)
        assert.equal("unexpected_response", err.kind, bytes)
        assert.is_false(err.retryable)
      end
    end
  end)

  it("must be present: HTTP/0.9 is not supported", function()
    assert.equal("unexpected_response", error_of("<html>hello</html>\n").kind)
  end)

  it("may have any status of three digits, with a reason or without", function()
    for _, status in ipairs { 200, 299, 418, 599 } do
      for _, line in ipairs { "HTTP/1.1 %d X", "HTTP/1.1 %d ", "HTTP/1.1 %d", "HTTP/1.0 %d \233" } do
        assert.equal(status, assert(get(running.saying(line:format(status) .. END))).status)
      end
    end
  end)

  it("have no transfer coding except exactly chunked", function()
    for _, lines in ipairs { "gzip", "identity", "", "deflate", "xchunked", "chunked, gzip", "gzip, chunked",
      "chunked, chunked", "chunked,", ",chunked", "chunked;q=1", '"chunked"', "chunked identity",
      "chunked\r\nTransfer-Encoding: chunked", "chunked\r\nTransfer-Encoding: identity",
      "identity\r\nTransfer-Encoding: chunked" } do
      for _, after in ipairs { "\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello" } do
        local err = error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: " .. lines .. after)
        assert.equal("unexpected_response", err.kind, lines)
        assert.is_false(err.retryable)
      end
    end
    for _, value in ipairs { "chunked", "  chunked\t ", "CHUNKED" } do
      assert.equal("hello", assert(get(running.saying("HTTP/1.1 200 OK\r\ntransfer-encoding:" .. value
        .. "\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))).body)
    end
  end)

  it("have no transfer coding in responses without a body", function()
    for _, status in ipairs { "103 Early Hints", "204 No Content" } do
      assert.equal("unexpected_response", error_of("HTTP/1.1 " .. status .. "\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. "HTTP/1.1 200 OK" .. END).kind)
    end
  end)

  it("are joined with one space where they are folded", function()
    for folded, joined in pairs {
      ["X-A: 1\r\n 2"] = "1 2",
      ["X-A: 1 \t \r\n\t  2\r\n 3"] = "1 2 3",
      ["X-A:\r\n 2"] = "2",
      ["X-A: 1\r\n "] = "1",
      ["X-A: 1\r\n \r\n 2"] = "1 2",
      ["X-A: 1\r\n X-B: 2"] = "1 X-B: 2",
      ["X-A: 1\r\nX-B : 2\r\n 3"] = "1",
    } do
      local headers = assert(get(running.saying("HTTP/1.1 200 OK\r\n" .. folded .. "\r\nX-C: c" .. END))).headers
      assert.same({ ["x-a"] = joined, ["x-c"] = "c", ["content-length"] = "0" }, headers)
    end
  end)

  it("of message framing are not folded", function()
    for _, lines in ipairs { "Content-Length: 5\r\n 0", "Transfer-Encoding: chunked\r\n , gzip",
      "Transfer-Encoding: gzip,\r\n chunked" } do
      assert.equal("unexpected_response", error_of("HTTP/1.1 200 OK\r\n" .. lines .. "\r\n\r\nhello").kind, lines)
    end
  end)

  it("contain no NUL, lone CR or other control character", function()
    for _, line in ipairs { "X-A: o\0ne", "X\0-A: one", "X-A: one\rX-B: two", "X-A: one\r", "X-A: \27[31m", "X-A: \127",
      "X-\1A: one" } do
      local err = error_of("HTTP/1.1 200 OK\r\n" .. line .. END)
      assert.equal("unexpected_response", err.kind, line)
      assert.is_nil(err.message:find "%c")
    end
  end)

  it("have a colon in each line", function()
    for _, line in ipairs { "no colon", "HTTP/1.1 500 No" } do
      assert.equal("unexpected_response", error_of("HTTP/1.1 200 OK\r\nX-A: 1\r\n" .. line .. END).kind)
      assert.equal("unexpected_response", error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        .. line .. "\r\n\r\n").kind)
    end
  end)

  it("are omitted when they have no name", function()
    for _, line in ipairs { ": x", "X-B : x", "X B: x", "HTTP/1.1 500: x", "(X-B): x", "X-Folded: 1\r\n X-B: x",
      "X-Folded: 1\r\n\tX-B: x" } do
      local p = running.saying("HTTP/1.1 200 OK\r\nX-A: a\r\n" .. line .. "\r\nX-C: c" .. END)
      local headers = assert(get(p)).headers
      assert.equal("a", headers["x-a"], line)
      assert.equal("c", headers["x-c"], line)
      assert.is_nil(headers["x-b"], line)
      assert.is_nil(headers["x-b "], line)
      for name in pairs(headers) do assert.truthy(name:find "^[%w-]+$", line) end
    end
  end)

  it("do not begin with white space, which could continue the previous response", function()
    local p = running.peer(function(connection, number)
      if not connection:read_request() then return end
      connection:respond("200 OK", "X-Last: " .. ("x"):rep(number * 100) .. "\r\n")
      if not connection:read_request() then return end
      connection:send("HTTP/1.1 200 OK\r\n X-First: " .. ("y"):rep(5000) .. END)
    end)
    for _ = 1, 20 do
      assert.equal(200, assert(get(p)).status)
      local response, err = get(p)
      assert.is_nil(response)
      assert.equal("unexpected_response", err.kind)
    end
  end)

  it("must be complete", function()
    for _, bytes in ipairs { "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX-A: 1",
      "HTTP/1.1 204 No Content\r\nX-A: 1\r\n", "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n" } do
      local err = error_of(bytes)
      assert.equal("network", err.kind, bytes)
      assert.equal("the connection was closed before the response's headers were complete", err.message)
      assert.is_true(err.retryable)
    end
  end)

  it("do not include trailers", function()
    local body = "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n"
    for _, trailer in ipairs { "X-A: trailer", "X-T: 1", "Content-Length: 1", "HTTP/1.1 500 X: y", "Location: /" } do
      local p = running.saying("HTTP/1.1 200 OK\r\nX-A: header\r\n" .. body .. trailer .. "\r\n\r\n")
      local response = assert(get(p))
      assert.equal(200, response.status)
      assert.equal("body", response.body)
      assert.same({ ["x-a"] = "header", ["transfer-encoding"] = "chunked" }, response.headers)
    end
  end)

  it("have one Content-Length, in digits only", function()
    local response = "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\nhello"
    for _, lines in ipairs { "2\r\nContent-Length: 5", "5\r\nContent-Length: 2", "5, 2", "5, 5", "-1", "-5", "+5",
      "0x5", "5abc", "abc", "", "5 5", "18446744073709551621", "100000000000000000005" } do
      assert.equal("unexpected_response", error_of(response:format(lines)).kind, lines)
    end
    for _, lines in ipairs { "5", "  5  ", "05", "5\r\ncontent-length: 5" } do
      assert.equal("hello", assert(get(running.saying(response:format(lines)))).body)
    end
  end)

  it("may have another Content-Length in each 1xx response", function()
    local response = assert(get(running.saying("HTTP/1.1 103 Early\r\nContent-Length: 7\r\n\r\n"
      .. "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")))
    assert.equal("hello", response.body)
  end)

  it("are capped, including 1xx responses, trailers and lines of any length", function()
    for _, bytes in ipairs {
      "HTTP/1.1 200 " .. ("x"):rep(70000) .. "\r\n",
      "HTTP/1.1 200 " .. ("x"):rep(200000),
      "HTTP/1.1 200 OK\r\n" .. ("Set-Cookie: a=b\r\n"):rep(5000),
      "HTTP/1.1 200 OK\r\nX: " .. ("x"):rep(70000) .. "\r\n",
      ("HTTP/1.1 102 Processing\r\n\r\n"):rep(5000),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" .. ("X-T: y\r\n"):rep(10000),
    } do
      local err = error_of(bytes)
      assert.equal("too_large", err.kind, bytes:sub(1, 40))
      assert.is_false(err.retryable)
    end
  end)

  it("are accepted up to their cap", function()
    local line = "X-A: " .. ("x"):rep(1000) .. "\r\n"
    local head = "HTTP/1.1 200 OK\r\n" .. line .. "Content-Length: 0\r\n\r\n"
    local p = running.saying(head)
    assert.equal(1000, #assert(get(p, { max_header = #head })).headers["x-a"])
    local response, err = get(p, { max_header = #head - 1 })
    assert.is_nil(response)
    assert.equal("too_large", err.kind)
  end)

  it("set no cookie, and do not change protocol, host or scheme of the next request", function()
    local p = running.responding("200 OK", "Set-Cookie: a=b; Path=/\r\nAlt-Svc: h2=\"127.0.0.1:1\", clear\r\n"
      .. "Strict-Transport-Security: max-age=31536000\r\nUpgrade: h2c\r\nConnection: keep-alive, Upgrade\r\n"
      .. "Refresh: 0; url=http://127.0.0.1:1/\r\n", "x")
    for _ = 1, 3 do assert.equal("1.1", assert(get(p)).http_version) end
    assert.equal(3, #p.requests)
    for _, request in ipairs(p.requests) do
      assert.is_nil(request.head:lower():find "\r\ncookie:")
      assert.is_nil(request.head:lower():find "\r\nupgrade:")
    end
  end)
end)
