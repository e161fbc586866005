local all_at_once = require "spec.support.all_at_once"
local get = require "spec.support.get"
local http = require "apivideo.transport.http"
local libcurl = require "spec.support.libcurl"
local peer = require "spec.support.peer"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"

describe("http.request", function()
  after_each(running.stop)

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
    local lines = { ["X-A: b"] = false, ["content-type: text/plain"] = "text/plain", ["Content-Type:"] = "" }
    for line, shown in pairs(lines) do
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
