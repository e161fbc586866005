local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local libcurl = require "spec.support.libcurl"
local process = require "spec.support.process"
local running = require "spec.support.running"

local SOCKS = "does not block during the SOCKS handshake"
local EXACT = "reports exactly what was sent"

local function get(url, proxy, more)
  local request = { method = "GET", url = url, proxy = proxy, timeout = 60 }
  for name, value in pairs(more or {}) do request[name] = value end
  return http.request(request)
end

describe("a proxy", function()
  after_each(running.stop)

  it("is used for http URLs, including this machine's own", function()
    local p = running.responding("200 OK", nil, "by proxy")
    for _, url in ipairs { "http://127.0.0.1:1/a", "http://localhost:1/a", "http://host.invalid/a" } do
      assert.equal("by proxy", assert(get(url, p.url)).body)
      assert.equal("GET " .. url .. " HTTP/1.1", p.requests[#p.requests].line)
    end
  end)

  it("receives user and password", function()
    local p = running.responding("200 OK")
    assert(get("http://host.invalid/", p.url:gsub("//", "//me:p%%40ss@"), { username = "key" }))
    local head = p.requests[1].head
    assert.truthy(head:find("\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n", 1, true))
    assert.truthy(head:find("\r\nAuthorization: Basic a2V5Og==\r\n", 1, true))
  end)

  it("receives only the host of an https URL", function()
    libcurl.needs(pending, "7.80.0", EXACT)
    for _, credentials in ipairs { { username = "key" }, { headers = { "Authorization: Bearer token" } } } do
      local p = running.responding("403 Forbidden")
      credentials.body = "secret"
      local response, err, sent = get("https://host.invalid/path", p.url, credentials)
      assert.is_nil(response)
      assert.equal("network", err.kind)
      assert.is_false(sent)
      assert.equal(1, #p.requests)
      assert.equal("CONNECT host.invalid:443 HTTP/1.1", p.requests[1].line)
      assert.is_nil(p.requests[1].head:lower():find("\r\nauthorization", 1, true))
      assert.equal("", p.requests[1].body)
    end
  end)

  it("that closes a tunnel in the TLS handshake has sent nothing to the peer", function()
    libcurl.needs(pending, "7.80.0", EXACT)
    local p = running.peer(function(connection)
      connection:read_request()
      connection:send("HTTP/1.1 200 Connection established\r\n\r\n")
      connection:read_more()
    end)
    local response, err, sent = get("https://host.invalid/", p.url)
    assert.is_nil(response)
    assert.equal("network", err.kind)
    assert.is_false(sent)
  end)

  -- A SOCKS5 proxy (RFC 1928) that requires user and password (RFC 1929), and is the peer, too.
  local function socks(seen)
    local function take_text(connection)
      return connection:take(connection:take(1):byte())
    end
    return running.peer(function(connection)
      connection:take(1)
      take_text(connection)
      connection:send("\5\2")
      connection:take(1)
      seen.user, seen.password = take_text(connection), take_text(connection)
      connection:send("\1\0")
      seen.kind = connection:take(4):byte(4)
      seen.host = seen.kind == 3 and take_text(connection) or connection:take(4)
      connection:take(2)
      connection:send("\5\0\0\1\0\0\0\0\0\0")
      seen.request = connection:read_request()
      connection:respond("200 OK", nil, "by SOCKS")
    end)
  end

  it("may use SOCKS5, and resolve the host itself", function()
    libcurl.needs(pending, "7.69.0", SOCKS)
    local seen = {}
    local p = socks(seen)
    assert.equal("by SOCKS", assert(get("http://host.invalid/a", "socks5h://me:word@127.0.0.1:" .. p.port)).body)
    assert.same({ "me", "word", 3, "host.invalid" }, { seen.user, seen.password, seen.kind, seen.host })
    assert.equal("GET /a HTTP/1.1", seen.request.line)
  end)

  it("may use SOCKS5, with the host resolved by the client", function()
    libcurl.needs(pending, "7.69.0", SOCKS)
    local seen = {}
    local p = socks(seen)
    assert.equal("by SOCKS", assert(get("http://127.0.0.1:1/", "socks5://me:word@127.0.0.1:" .. p.port)).body)
    assert.same({ 1, "\127\0\0\1" }, { seen.kind, seen.host })
  end)

  it("that cannot be reached is a network failure, with nothing sent", function()
    for _, scheme in ipairs { "http", "https", "socks5", "socks5h" } do
      local response, err, sent = get("http://host.invalid/", scheme .. "://127.0.0.1:" .. free_port())
      assert.is_nil(response)
      assert.equal("network", err.kind)
      assert.is_false(sent)
    end
  end)

  it("must be a URL, which is not repeated in messages", function()
    for _, proxy in ipairs { "127.0.0.1:3128", "socks4://127.0.0.1", "ftp://127.0.0.1", "http://",
      "http://me:secret@host:port", "http://me:secret@ho st", "http://me:secret@host\r\n" } do
      local response, err, sent = get("http://127.0.0.1:1/", proxy)
      assert.is_nil(response)
      assert.equal("invalid_request", err.kind)
      assert.truthy(err.message:find("proxy", 1, true))
      assert.is_nil(err.message:find("secret", 1, true))
      assert.is_false(sent)
    end
    assert.is_false(pcall(get, "http://127.0.0.1:1/", 3128))
  end)

  -- Runs a child with a proxy in its environment. Returns what it prints about a request.
  local function with_environment(environment, request)
    return (process.run({ "-e", ([[
      local response, err = require("apivideo.transport.http").request { method = "GET", timeout = 5, %s }
      print(response and response.body or err.kind)]]):format(request) }, environment))
  end

  it("of the environment is used, but not for this machine's own addresses #process", function()
    local proxy, direct = running.responding("200 OK", nil, "by proxy"), running.responding("200 OK", nil, "direct")
    local environment = "http_proxy=" .. proxy.url
    assert.equal("by proxy\n", with_environment(environment, 'url = "http://host.invalid/"'))
    assert.equal("direct\n", with_environment(environment, ('url = "%s"'):format(direct.url)))
  end)

  it("of the environment is used for every host that only looks like loopback #process", function()
    local proxy = running.responding("200 OK", nil, "by proxy")
    for _, url in ipairs { "http://localhost.example.invalid/", "http://localhostess.invalid/",
      "http://127.example.invalid/", "http://localhost@host.invalid/", "http://127.0.0.1@host.invalid/",
      "http://host.invalid/?://127.0.0.1/",
      "http://[::2]/", "http://[::1:1]/", "http://128.0.0.1/" } do
      assert.equal("by proxy\n", with_environment("http_proxy=" .. proxy.url, ('url = "%s"'):format(url)), url)
    end
  end)

  it("of the environment is not used for loopback in any notation #process", function()
    libcurl.needs(pending, "7.78.0", "resolves localhost itself")
    local proxy, direct = running.responding("200 OK", nil, "by proxy"), running.responding("200 OK", nil, "direct")
    local environment = "http_proxy=" .. proxy.url
    for _, host in ipairs { "localhost", "LocalHost", "me@127.0.0.1", "me:key@127.0.0.1", "127.1", "0x7f000001" } do
      assert.equal("direct\n",
        with_environment(environment, ('url = "http://%s:%d/"'):format(host, direct.port)), host)
    end
    for _, host in ipairs { "127.255.255.254", "[::1]" } do
      assert.equal("network\n", -- no process listens there
        with_environment(environment, ('url = "http://%s:%d/"'):format(host, free_port())))
    end
    assert.equal(0, #proxy.requests)
  end)

  it("of the environment is overridden by the request's, also by an empty one #process", function()
    local other, proxy = running.responding("200 OK", nil, "by other"), running.responding("200 OK", nil, "by proxy")
    local environment = "no_proxy=host.invalid http_proxy=" .. other.url
    assert.equal("by proxy\n",
      with_environment(environment, ('url = "http://host.invalid/", proxy = "%s"'):format(proxy.url)))
    assert.equal("network\n",
      with_environment("http_proxy=" .. other.url, 'url = "http://host.invalid/", proxy = ""'))
    assert.equal(0, #other.requests)
  end)
end)
