-- A peer whose headers are no headers, or say what others would read in another way.

local http = require "apivideo.http"
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
      "HTTP/1.1 -200 X", "HTTP/1.1 20", "HTTP/1.1", "HTTP/1.1 abc", "HTTP/1.9 200 X", "HTTP/3 200 X", "HTTP/4.0 200 X",
      "HTTP/0.9 200 X", "xHTTP/1.1 200 OK", "\r\nHTTP/1.1 200 OK", "ICY 200 OK", "HTTP/1.1 200 O\0K" } do
      local err = error_of(line .. END)
      assert.equal("unexpected_response", err.kind, line)
      assert.is_false(err.retryable)
    end
    assert.equal("network", error_of("http/1.1 200 OK" .. END).kind)
  end)

  it("must be there: HTTP/0.9 is not spoken", function()
    assert.equal("unexpected_response", error_of("<html>hello</html>\n").kind)
  end)

  it("may have any status of three digits", function()
    for _, status in ipairs { 200, 418, 599, 600, 999 } do
      assert.equal(status, assert(get(running.saying("HTTP/1.1 " .. status .. " X" .. END))).status)
    end
  end)

  it("hold no NUL, no lone CR and no other control character", function()
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
    end
  end)

  it("are left out where they have no name", function()
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

  it("that begin with white space do not reach into the response before", function()
    local p = running.peer(function(connection, number)
      if not connection:read_request() then return end
      connection:respond("200 OK", "X-Last: " .. ("x"):rep(number * 100) .. "\r\n")
      if not connection:read_request() then return end
      connection:send("HTTP/1.1 200 OK\r\n X-First: " .. ("y"):rep(5000) .. END)
    end)
    for _ = 1, 20 do
      assert.equal(200, assert(get(p)).status)
      local response, err = get(p)
      if response then
        assert.is_nil(response.headers["x-first"])
      else
        assert.equal("unexpected_response", err.kind)
      end
    end
  end)

  it("must be whole", function()
    for _, bytes in ipairs { "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX-A: 1",
      "HTTP/1.1 204 No Content\r\nX-A: 1\r\n", "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n" } do
      local err = error_of(bytes)
      assert.equal("network", err.kind, bytes)
      assert.equal("the connection was closed before the headers were whole", err.message)
      assert.is_true(err.retryable)
    end
  end)

  it("end with the response's own: trailers do not count", function()
    local body = "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n"
    for _, trailer in ipairs { "X-A: trailer", "X-T: 1", "Content-Length: 1", "HTTP/1.1 500 X: y", "Location: /" } do
      local p = running.saying("HTTP/1.1 200 OK\r\nX-A: header\r\n" .. body .. trailer .. "\r\n\r\n")
      local response = assert(get(p))
      assert.equal(200, response.status)
      assert.equal("body", response.body)
      assert.same({ ["x-a"] = "header", ["transfer-encoding"] = "chunked" }, response.headers)
    end
  end)

  it("say the body's length in digits, and but one of them", function()
    local answer = "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\nhello"
    for _, lines in ipairs { "2\r\nContent-Length: 5", "5\r\nContent-Length: 2", "5, 2", "5, 5", "-1", "-5", "+5",
      "0x5", "5abc", "abc", "", "5 5", "18446744073709551621", "100000000000000000005" } do
      assert.equal("unexpected_response", error_of(answer:format(lines)).kind, lines)
    end
    for _, lines in ipairs { "5", "  5  ", "05", "5\r\ncontent-length: 5" } do
      assert.equal("hello", assert(get(running.saying(answer:format(lines)))).body)
    end
  end)

  it("may each say another length in 1xx responses", function()
    local response = assert(get(running.saying("HTTP/1.1 103 Early\r\nContent-Length: 7\r\n\r\n"
      .. "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")))
    assert.equal("hello", response.body)
  end)

  it("are capped with those of 1xx responses and trailers, and lines of any length", function()
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

  it("are taken up to their cap", function()
    local line = "X-A: " .. ("x"):rep(1000) .. "\r\n"
    local head = "HTTP/1.1 200 OK\r\n" .. line .. "Content-Length: 0\r\n\r\n"
    local p = running.saying(head)
    assert.equal(1000, #assert(get(p, { max_header = #head })).headers["x-a"])
    local response, err = get(p, { max_header = #head - 1 })
    assert.is_nil(response)
    assert.equal("too_large", err.kind)
  end)

  it("set no cookie, and change neither protocol, host nor scheme of what comes next", function()
    local p = running.answering("200 OK", "Set-Cookie: a=b; Path=/\r\nAlt-Svc: h2=\"127.0.0.1:1\", clear\r\n"
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
