-- What the errors of requests say: a sentence with the remedy, followed by libcurl's own text.

local certificates = require "spec.support.certificates"
local client_of = require "spec.support.client"
local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local nginx = require "spec.support.nginx"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"

describe("the message of a failed request #process", function()
  local authority, ports

  setup(function()
    authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    authority:issue("other", "DNS:elsewhere.example")
    for name, dates in pairs { expired = { from = "20200101000000Z", to = "20200102000000Z" },
      future = { from = "20900101000000Z", to = "20910101000000Z" } } do
      authority:certify(name, "subjectAltName=IP:127.0.0.1", dates)
    end
    authority:openssl("req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.crt -days 2 -subj /CN=self"
      .. " -addext subjectAltName=IP:127.0.0.1")
    authority:write("garbage.pem", "garbage\n")
    local function server(cert, key)
      return { "ssl", ("ssl_certificate %s.crt; ssl_certificate_key %s.key; return 200 x;"):format(cert, key or cert) }
    end
    ports = nginx.start(authority, { server "good", server "other", server("expired", "good"), server("future", "good"),
      server "self", { "", "return 200 x;" } })
  end)

  teardown(function()
    authority:remove()
    runtime.sleep(0)
  end)

  after_each(running.stop)

  -- Asserts that a request fails with a sentence, and that libcurl's text follows in parentheses.
  local function assert_says(sentence, url, more)
    local request = { method = "GET", url = url, timeout = 10 }
    for name, value in pairs(more or {}) do request[name] = value end
    local response, err = http.request(request)
    assert.is_nil(response)
    assert.equal(sentence .. " (", err.message:sub(1, #sentence + 2))
    assert.truthy(err.message:find "%(.*[^ ]%)$", err.message)
    return err
  end

  local function url_of(i, scheme)
    return ("%s://127.0.0.1:%d/"):format(scheme or "https", ports[i])
  end

  it("names the cause of a certificate that is not accepted", function()
    local trusted = { ca_file = authority:path "ca.crt" }
    local function certificate_of(i)
      return "the certificate of the server at 127.0.0.1:" .. ports[i]
    end
    local issuer = ("the issuer of %s is not trusted; name a file with the certificate of its authority in ca_file or"
      .. " SSL_CERT_FILE"):format(certificate_of(1))
    assert_says(issuer, url_of(1))
    local path = authority:path "self.crt"
    assert_says(issuer .. "; trusted is ca_file " .. path, url_of(1), { ca_file = path })
    assert_says(certificate_of(2) .. " is for another host", url_of(2), trusted)
    assert_says(certificate_of(3) .. " has expired, or this machine's clock is wrong", url_of(3), trusted)
    assert_says(certificate_of(4) .. " is not valid yet, or this machine's clock is wrong", url_of(4), trusted)
    assert_says(certificate_of(5) .. " is self-signed and not trusted; name it in ca_file or SSL_CERT_FILE", url_of(5))
  end)

  it("names the file without certificates", function()
    local path = authority:path "garbage.pem"
    assert_says("no certificate can be read from ca_file " .. path, url_of(1), { ca_file = path })
  end)

  it("says that TLS was used for a port without it, by the server or the proxy", function()
    local rest = " does not speak TLS on this port; is its URL http:// ?"
    local err = assert_says(("the server at 127.0.0.1:%d"):format(ports[6]) .. rest, url_of(6))
    assert.equal("tls", err.kind)
    assert_says("the proxy" .. rest, "https://127.0.0.1:1/", { proxy = url_of(6) })
  end)

  it("says that TLS may be missing", function()
    local hint = "; does the server expect https:// on this port?"
    local p = running.peer(function(connection) connection:read_request() end)
    assert_says("the connection was closed before a response arrived" .. hint, p.url)
    local alert = running.peer(function(connection)
      if connection:read_request() then connection:send "\21\3\1\0\2\2\70" end
    end)
    assert_says("the response is not HTTP" .. hint, alert.url)
    local result, err = client_of("http://127.0.0.1:" .. ports[1]):request("GET", "/")
    assert.is_nil(result)
    assert.equal("the server expects TLS on this port; use https://", err.message)
  end)

  it("distinguishes a refused connection from one that is closed", function()
    local err = assert_says("the connection was refused: no process listens at this address, or a firewall rejects it",
      ("http://127.0.0.1:%d/"):format(free_port()))
    assert.equal("network", err.kind)
    local p = running.peer(function(connection) connection:read_more() end)
    assert_says("the connection was closed during the TLS handshake; the server may not speak TLS on this port",
      (p.url:gsub("http:", "https:")))
  end)

  it("names the host that cannot be resolved", function()
    assert_says("the host name cannot be resolved; check its spelling and the DNS", "http://host.invalid/")
    assert_says("the proxy's host name cannot be resolved; check its spelling and the DNS", "http://example.invalid/",
      { proxy = "http://proxy.invalid:1" })
  end)

  it("says which part took longer than the time limit", function()
    local silent = running.peer(function(connection)
      connection:read_request()
      connection:read_more()
    end)
    assert_says("no response arrived within the time limit", silent.url, { timeout = 0.2 })
    assert_says("no TLS connection could be opened within the time limit: the host does not respond, a firewall drops"
      .. " the packets, or this port does not speak TLS", (silent.url:gsub("http:", "https:")), { timeout = 0.2 })
    local slow = running.peer(function(connection)
      connection:read_request()
      connection:send "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"
      connection:read_more()
    end)
    assert_says("the response was not complete within the time limit", slow.url, { timeout = 0.2 })
  end)
end)
