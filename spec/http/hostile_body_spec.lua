-- Peers that send malformed or oversized bodies.

local http = require "apivideo.transport.http"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local MAX_BODY = 100000

local function get(p, method)
  return http.request { method = method or "GET", url = p.url, timeout = 60, max_body = MAX_BODY }
end

-- Some megabytes of zeros in a few kilobytes.
local function bomb()
  local pipe = assert(io.popen("head -c 20000000 /dev/zero | gzip -9", "r"))
  local bytes = pipe:read "*a"
  pipe:close()
  return bytes
end

describe("a peer's body", function()
  after_each(running.stop)

  it("in chunks is rejected when a chunk's size is invalid", function()
    for _, body in ipairs { "-5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
      "g\r\nhello\r\n0\r\n\r\n", "3\r\nhello\r\n0\r\n\r\n", "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
      "1ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "7fffffffffffffff\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n",
      "5\r\nhello\r\n0\r\n" } do
      local response, err, sent = get(running.saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" .. body))
      assert.is_nil(response, body)
      assert.is_true(err.kind == "network" or err.kind == "unexpected_response", err.kind)
      assert.is_true(sent)
    end
  end)

  it("in chunks ends with the last chunk, regardless of a Content-Length", function()
    for _, lines in ipairs { "Content-Length: 2\r\nTransfer-Encoding: chunked",
      "Transfer-Encoding: chunked\r\nContent-Length: 50" } do
      local p = running.saying("HTTP/1.1 200 OK\r\n" .. lines .. "\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
      assert.equal("hello", assert(get(p)).body)
    end
  end)

  it("is capped: an endless chunk, many small ones, and a Content-Length of almost 2^63", function()
    for _, script in ipairs {
      { "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", ("x"):rep(65536) },
      { "Transfer-Encoding: chunked\r\n\r\n", ("1\r\nx\r\n"):rep(10000) },
      { "Content-Length: 9223372036854775807\r\n\r\n", ("x"):rep(65536) },
    } do
      local p = running.peer(function(connection)
        connection:read_request()
        connection:send("HTTP/1.1 200 OK\r\n" .. script[1])
        while connection:send(script[2]) do runtime.sleep(0) end
      end)
      local response, err = get(p)
      assert.is_nil(response)
      assert.equal("too_large", err.kind)
      assert.is_false(err.retryable)
    end
  end)

  it("is not decompressed, and compression is not requested", function()
    local p = running.responding("200 OK", "Content-Encoding: gzip\r\n", bomb())
    local response = assert(get(p))
    assert.equal("\31\139", response.body:sub(1, 2))
    assert.is_true(#response.body < MAX_BODY)
    assert.is_nil(p.requests[1].head:lower():find "\r\naccept%-encoding:")
    assert.is_nil(p.requests[1].head:lower():find "\r\nte:")
  end)

  it("is empty for 204, 304 and HEAD", function()
    for _, case in ipairs { { "204 No Content" }, { "304 Not Modified" }, { "200 OK", "HEAD" } } do
      local p = running.saying("HTTP/1.1 " .. case[1] .. "\r\nContent-Length: 5\r\n\r\nhello")
      assert.equal("", assert(get(p, case[2])).body)
    end
  end)

  it("that is longer than its Content-Length is truncated, and its connection closed", function()
    local p = running.peer(function(connection)
      if connection:read_request() then
        connection:send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
          .. "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
      end
      if connection:read_request() then connection:respond("200 OK", nil, "again") end
    end)
    for _ = 1, 3 do
      local response = assert(get(p))
      assert.equal("hello", response.body)
      assert.equal(1, response.connections)
    end
  end)

  -- Bytes that arrive before a request is sent are not the response to it.
  it("that arrives before its request is discarded", function()
    for _, unsolicited in ipairs { "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "H",
      "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n" } do
      local read, sent = 0, 0
      local p = running.peer(function(connection, number)
        if not connection:read_request() then return end
        connection:respond("200 OK", nil, "first")
        wait_for(function() return read == number end, "the first response to be read")
        connection:send(unsolicited)
        sent = number
        if connection:read_request() then connection:respond("200 OK", nil, "second") end
      end)
      for i, method in ipairs { "GET", "DELETE", "POST", "GET" } do
        local response = assert(get(p, method))
        assert.equal("first", response.body)
        assert.equal(1, response.connections)
        read = i
        wait_for(function() return sent == i end, "the peer")
      end
    end
  end)

  it("after an unsolicited 101 is not a response", function()
    local response = assert(get(running.saying("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n"
      .. "Connection: Upgrade\r\n\r\n"
      .. "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")))
    assert.equal(101, response.status)
  end)
end)
