local all_at_once = require "spec.support.all_at_once"
local core = require "apivideo.core"
local http = require "apivideo.transport.http"
local libcurl = require "spec.support.libcurl"
local peer = require "spec.support.peer"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"

local function get(url, more)
  local request = { method = "GET", url = url, timeout = 60 }
  for name, value in pairs(more or {}) do request[name] = value end
  return http.request(request)
end

describe("http.request", function()
  after_each(running.stop)

  -- The error of a GET to a peer that sends some bytes and closes.
  local function error_of(bytes, more)
    local p = running.peer(function(connection)
      if connection:read_request() then connection:send(bytes) end
    end)
    local response, err = get(p.url, more)
    assert.is_nil(response)
    return err
  end

  it("returns status, headers, body, timings and the peer's HTTP version", function()
    local p = running.responding("200 OK", "X-One: 1\r\nSet-Cookie: a\r\nset-cookie:  b \r\n", "hello")
    local response = assert(get(p.url .. "/path?q=1"))
    assert.equal(200, response.status)
    assert.equal("hello", response.body)
    assert.equal("1.1", response.http_version)
    assert.equal("1", response.headers["x-one"])
    assert.equal("1", response.headers["X-ONE"])
    assert.same({ "a", "b" }, response.headers["Set-Cookie"])
    assert.is_nil(response.headers["x-two"])
    assert.is_true(response.timings.total > 0)
    assert.is_true(response.timings.first_byte <= response.timings.total)
    assert.equal("GET /path?q=1 HTTP/1.1", p.requests[1].line)
  end)

  it("reports HTTP/1.0", function()
    local p = running.peer(function(connection)
      connection:read_request()
      connection:send("HTTP/1.0 200 OK\r\n\r\nold")
    end)
    local response = assert(get(p.url))
    assert.equal("1.0", response.http_version)
    assert.equal("old", response.body)
  end)

  it("sends method, headers and body unchanged, without Expect", function()
    local p = running.responding("204 No Content")
    local body = ("x"):rep(2000000) .. "\0end" -- so large that libcurl would send Expect: 100-continue
    for _, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
      assert(http.request { method = method, url = p.url, body = body,
        headers = { "X-A: b", "Content-Type: application/json", "X-Empty-Later: c" } })
    end
    for i, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
      assert.equal(method .. " / HTTP/1.1", p.requests[i].line)
      assert.equal(body, p.requests[i].body)
      assert.truthy(p.requests[i].head:find("\r\nX-A: b\r\n", 1, true))
      assert.is_nil(p.requests[i].head:lower():find("expect", 1, true))
    end
  end)

  it("sends a header with an empty value", function()
    local p = running.responding("200 OK")
    for _, line in ipairs { "X-Empty:", "X-Empty: ", "X-Empty: \t" } do
      assert(http.request { method = "POST", url = p.url, body = "b", headers = { line, "X-A: b" } })
      local head = p.requests[#p.requests].head
      assert.truthy(head:find("\r\nX-Empty:\r\n", 1, true), head)
      assert.truthy(head:find("\r\nX-A: b\r\n", 1, true))
    end
  end)

  it("adds no Content-Type to a body but the caller's", function()
    local p = running.responding("200 OK")
    local given = { ["X-A: b"] = false, ["content-type: text/plain"] = "text/plain", ["Content-Type:"] = "" }
    for line, shown in pairs(given) do
      assert(http.request { method = "POST", url = p.url, body = "b", headers = { line } })
      assert.same({ shown or nil }, peer.values(p.requests[#p.requests], "Content-Type"))
    end
  end)

  it("writes the headers of message framing itself, and requires a Host", function()
    local p = running.responding("200 OK")
    for line, problem in pairs {
      ["Host:"] = "Host must not be empty", ["host: \t "] = "Host must not be empty",
      ["content-length: 1"] = "written by the library", ["Content-Length:"] = "written by the library",
      ["Transfer-Encoding: chunked"] = "written by the library", ["EXPECT: 100-continue"] = "written by the library",
    } do
      local response, err = http.request { method = "POST", url = p.url, body = "body", headers = { line } }
      assert.is_nil(response, line)
      assert.equal("invalid_request", err.kind)
      assert.matches(problem, err.message, 1, true)
    end
    assert.equal(0, p.connections)
  end)

  it("sends Basic credentials with an empty password", function()
    local p = running.responding("200 OK")
    assert(get(p.url, { username = "key" }))
    assert.truthy(p.requests[1].head:find("Authorization: Basic a2V5Og==\r\n", 1, true))
  end)

  it("reuses the connection for the next request", function()
    local p = running.responding("200 OK", nil, "x")
    assert.equal(1, assert(get(p.url)).connections)
    assert.equal(0, assert(get(p.url)).connections)
    assert.equal(0, assert(get(p.url)).connections)
    assert.equal(1, p.connections)
  end)

  it("carries nothing over from one request to the next", function()
    libcurl.needs(pending, "7.80.0", "reuses a connection for other methods than GET and HEAD")
    local p
    p = running.peer(function(connection)
      while true do
        local request = connection:read_request()
        if not request then return end
        p.requests[#p.requests + 1] = request
        local head = request.line:find "^HEAD"
        connection:send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" .. (head and "" or "body"))
      end
    end)
    local function ask(method, more) return assert(get(p.url, more or { method = method })) end
    ask(nil, { method = "POST", body = "much", username = "key", headers = { "X-A: b" } })
    for _, method in ipairs { "GET", "HEAD", "DELETE", "HEAD", "GET", "POST" } do
      assert.equal(method == "HEAD" and "" or "body", ask(method).body)
    end
    for i, method in ipairs { "POST", "GET", "HEAD", "DELETE", "HEAD", "GET", "POST" } do
      assert.equal(method .. " / HTTP/1.1", p.requests[i].line)
      assert.equal(i == 1, p.requests[i].body == "much")
      assert.equal(i == 1, p.requests[i].head:find "Content%-Length" ~= nil)
      assert.equal(i == 1, p.requests[i].head:find "Authorization" ~= nil)
      assert.equal(i == 1, p.requests[i].head:find "X%-A" ~= nil)
    end
    assert.equal(1, p.connections)
  end)

  it("returns from HEAD without waiting for a body", function()
    local p = running.peer(function(connection)
      connection:read_request()
      connection:send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
      connection:read_request()
    end)
    local response = assert(http.request { method = "HEAD", url = p.url, timeout = 60 })
    assert.equal(200, response.status)
    assert.equal("", response.body)
  end)

  it("does not follow redirects", function()
    local p = running.responding("302 Found", "Location: /elsewhere\r\n")
    assert.equal(302, assert(get(p.url)).status)
    assert.equal(1, #p.requests)
  end)

  it("returns the final response after 1xx, with its own headers only", function()
    local p = running.peer(function(connection)
      connection:read_request()
      connection:send("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
        .. "HTTP/1.1 200 OK\r\nX-Late: 1\r\nContent-Length: 0\r\n\r\n")
    end)
    local response = assert(get(p.url))
    assert.equal(200, response.status)
    assert.is_nil(response.headers["x-early"])
    assert.equal("1", response.headers["x-late"])
  end)

  it("normalizes percent-encodings to upper case, and encodes bytes beyond ASCII", function()
    local p = running.responding("200 OK")
    for path, target in pairs { ["/%c3%a9?%e2=%fF#%aa"] = "/%C3%A9?%E2=%FF", ["/\195\169?\255"] = "/%C3%A9?%FF",
      ["?a=%3a"] = "/?a=%3A", ["/%zz%a"] = "/%zz%a", ["/%%c3"] = "/%%C3", ["/a://%c3"] = "/a://%C3", ["/%"] = "/%" } do
      assert(get(p.url .. path))
      assert.equal("GET " .. target .. " HTTP/1.1", p.requests[#p.requests].line)
    end
    -- Through a proxy, which receives the whole URL.
    assert(get("http://host.invalid/%c3", { proxy = p.url }))
    assert.equal("GET http://host.invalid/%C3 HTTP/1.1", p.requests[#p.requests].line)
  end)

  it("accepts a 204 with a content type", function()
    local p = running.peer(function(connection)
      connection:read_request()
      connection:send("HTTP/1.1 204 No Content\r\nContent-Type: application/json\r\n\r\n")
    end)
    assert.equal(204, assert(get(p.url)).status)
  end)

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

  describe("reports the kind of a failure:", function()
    it("a port where no process listens", function()
      local p = running.responding("200 OK")
      p.stop()
      local _, err = get(p.url)
      assert.equal("network", err.kind)
      assert.is_true(err.retryable)
      assert.equal("GET", err.request.method)
      assert.equal(p.url, err.request.url)
    end)

    it("a host that does not exist", function()
      local _, err = get("http://host.invalid/")
      assert.equal("network", err.kind)
    end)

    it("a peer that closes before it responds", function()
      assert.equal("network", error_of("").kind)
    end)

    it("a peer that resets", function()
      local p = running.peer(function(connection)
        connection:read_request()
        connection:reset()
      end)
      local _, err = get(p.url)
      assert.equal("network", err.kind)
    end)

    it("a body shorter than its Content-Length", function()
      local err = error_of("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
      assert.equal("network", err.kind)
    end)

    it("a truncated chunked body", function()
      local err = error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
      assert.equal("network", err.kind)
    end)

    it("a response that is not HTTP", function()
      local err = error_of("SSH-2.0-OpenSSH_9.2\r\n")
      assert.equal("unexpected_response", err.kind)
    end)

    it("a peer that never responds", function()
      local p = running.peer(function(connection)
        connection:read_request()
        connection:read_request()
      end)
      local _, err = get(p.url, { timeout = 0.05 })
      assert.equal("timeout", err.kind)
      assert.is_true(err.retryable)
    end)

    it("a body that stalls", function()
      local p = running.peer(function(connection)
        connection:read_request()
        connection:send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        connection:read_request()
      end)
      local _, err = get(p.url, { timeout = 0.05 })
      assert.equal("timeout", err.kind)
    end)

    it("TLS to a peer without it", function()
      local p = running.peer(function(connection)
        connection:read_more()
        connection:respond("400 Bad Request")
      end)
      local _, err = get((p.url:gsub("http:", "https:")))
      assert.equal("tls", err.kind)
      assert.is_false(err.retryable)
    end)
  end)

  it("runs many requests at once with one wait", function()
    local open, most = 0, 0
    local p = running.peer(function(connection)
      connection:read_request()
      open = open + 1
      most = math.max(most, open)
      local limit = runtime.monotonic() + 5
      while most < 20 and runtime.monotonic() < limit do runtime.sleep(0.001) end
      open = open - 1
      connection:respond("200 OK", nil, "x")
    end)
    local statuses = {}
    all_at_once(20, function(i) statuses[i] = assert(get(p.url)).status end)
    for i = 1, 20 do assert.equal(200, statuses[i]) end
    assert.equal(20, most)
  end)
end)

describe("core.http", function()
  local function request(url)
    return { method = "GET", url = url, timeout = 5, connect_timeout = 5, max_body = 1000,
      max_header = 10000 }
  end

  it("raises an error for invalid requests", function()
    local pool = assert(core.http.new())
    for _, bad in ipairs {
      function() pool:start() end,
      function() pool:start {} end,
      function() local r = request "http://x/"; r.timeout = 0; pool:start(r) end,
      function() local r = request "http://x/"; r.timeout = -1; pool:start(r) end,
      function() local r = request "http://x/"; r.timeout = 0 / 0; pool:start(r) end,
      function() local r = request "http://x/"; r.timeout = math.huge; pool:start(r) end,
      function() local r = request "http://x/"; r.max_body = nil; pool:start(r) end,
      function() local r = request "http://x/"; r.url = 5; pool:start(r) end,
      function() local r = request "http://x/"; r.headers = "X: y"; pool:start(r) end,
      function() local r = request "http://x/"; r.body = {}; pool:start(r) end,
      function() local r = request "http://x/"; r.http2 = "no"; pool:start(r) end,
      function() local r = request "http://x/"; r.proxy = true; pool:start(r) end,
      function() local r = request "http://x/"; r.client_cert = 5; pool:start(r) end,
      function() local r = request "http://x/"; r.client_key = "a\0b"; pool:start(r) end,
      function() pool:step() end,
      function() pool:step(0, 5) end,
      function() pool:step(0, { "x" }) end,
      function() pool.step({}, 0) end,
    } do
      assert.is_false(pcall(bad))
    end
  end)

  it("keeps running transfers alive, and frees them with the pool, in any order", function()
    local listening = assert(require("socket").bind("127.0.0.1", 0))
    local _, port = listening:getsockname()
    local url = "http://127.0.0.1:" .. port
    for _ = 1, 20 do
      local pool = assert(core.http.new())
      local kept = assert(pool:start(request(url)))
      assert(pool:start(request(url)))
      collectgarbage()
      pool:step(0)
      if _ % 2 == 0 then pool:close() end
      pool = nil -- luacheck: ignore
      collectgarbage()
      local response, kind = kept:result()
      assert.is_nil(response)
      if _ % 2 == 0 then assert.equal("cancelled", kind) end
    end
    listening:close()
    collectgarbage()
  end)

  it("releases a transfer that is cancelled", function()
    local pool = assert(core.http.new())
    local weak = setmetatable({}, { __mode = "v" })
    weak[1] = assert(pool:start(request "http://127.0.0.1:1/"))
    weak[1]:cancel()
    assert.equal("cancelled", select(2, weak[1]:result()))
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
    assert.is_nil((pool:step(0)))
    assert.is_false(pcall(pool.step, nil, 0))
  end)

  it("cannot be used once it is closed", function()
    local pool = assert(core.http.new())
    pool:close()
    pool:close()
    assert.has_error(function() pool:step(0) end)
    assert.has_error(function() pool:start(request "http://127.0.0.1/") end)
  end)
end)
