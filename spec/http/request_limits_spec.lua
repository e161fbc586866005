-- Requests that are not sent, and responses that are too large.

local get = require "spec.support.get"
local http = require "apivideo.transport.http"
local libcurl = require "spec.support.libcurl"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"

describe("http.request", function()
  after_each(running.stop)

  describe("rejects", function()
    it("a header section that is larger than libcurl can send", function()
      libcurl.needs(pending, "7.76.0", "sends more than 128 KiB")
      local p = running.responding("200 OK")
      local large = ("y"):rep(1100000)
      local heads = { { p.url, { headers = { "X-A: " .. large } } }, { p.url .. "/" .. large },
        { p.url, { username = large } } }
      for _, head in ipairs(heads) do
        local response, err = get(head[1], head[2])
        assert.is_nil(response)
        assert.equal("invalid_request", err.kind)
        assert.truthy(err.message:find("larger than 1000000 bytes", 1, true))
      end
      assert.equal(200, get(p.url, { headers = { "X-A: " .. ("y"):rep(900000) } }).status)
    end)

    it("anything that would split a request", function()
      local p = running.responding("200 OK")
      for _, header in ipairs { "X: a\r\nY: b", "X: a\nY", "X: a\0b", "X", ": a", "X Y: a", "X\r: a",
        "X: \127" } do
        local response, err = get(p.url, { headers = { header } })
        assert.is_nil(response, header)
        assert.equal("invalid_request", err.kind)
        assert.equal(0, err.attempts)
      end
      for _, url in ipairs { "/a\r\nX: 1", "/a b", "/a\n", "/\127", "/\t" } do
        local response, err = get(p.url .. url)
        assert.is_nil(response, url)
        assert.equal("invalid_request", err.kind)
        assert.truthy(err.message:find("white space or control characters"))
      end
      assert.is_false(pcall(get, p.url .. "/a\0b"))
      for _, method in ipairs { "get", "GET /", "G\r\nX", "" } do
        local response, err = http.request { method = method, url = p.url }
        assert.is_nil(response)
        assert.equal("invalid_request", err.kind)
      end
      assert.equal(0, p.connections)
    end)

    it("schemes other than http and https", function()
      for _, url in ipairs { "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/",
        "127.0.0.1", "", "httpx://127.0.0.1/" } do
        local response, err = get(url)
        assert.is_nil(response)
        assert.equal("invalid_request", err.kind)
      end
    end)

    it("a body beyond its cap, with and without Content-Length, but not one at its cap", function()
      local p = running.responding("200 OK", nil, ("x"):rep(1000))
      assert.equal(1000, #assert(get(p.url, { max_body = 1000 })).body)
      local response, err = get(p.url, { max_body = 999 })
      assert.is_nil(response)
      assert.equal("too_large", err.kind)
      assert.is_false(err.retryable)
    end)

    it("an endless body", function()
      local p = running.peer(function(connection)
        connection:read_request()
        connection:send("HTTP/1.1 200 OK\r\n\r\n")
        while connection:send(("x"):rep(65536)) do runtime.sleep(0) end
      end)
      local _, err = get(p.url, { max_body = 1000000 })
      assert.equal("too_large", err.kind)
      assert.truthy(err.message:find("body"))
    end)

    it("endless headers: many, one long line, and 1xx responses", function()
      for _, script in ipairs {
        function(connection) return connection:send("X-Y: " .. ("z"):rep(1000) .. "\r\n") end,
        function(connection) return connection:send(("z"):rep(10000)) end,
      } do
        local p = running.peer(function(connection)
          connection:read_request()
          connection:send("HTTP/1.1 200 OK\r\n")
          while script(connection) do runtime.sleep(0) end
        end)
        local _, err = get(p.url)
        assert.equal("too_large", err.kind)
        assert.truthy(err.message:find("header"))
        p.stop()
      end
      local p = running.peer(function(connection)
        connection:read_request()
        while connection:send("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n") do runtime.sleep(0) end
      end)
      local _, err = get(p.url)
      assert.equal("too_large", err.kind)
    end)
  end)
end)
