-- TLS to a real peer: openssl's own server, with certificates created here.

local certificates = require "spec.support.certificates"
local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local nginx = require "spec.support.nginx"
local peer = require "spec.support.peer"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local authority

-- Starts openssl's server with a certificate. Returns its port.
local function serve(name, more)
  return authority:serve(("-cert %s.crt -key %s.key %s"):format(name, name, more or ""))
end

local function get(port, host, more)
  local request = { method = "GET", url = ("https://%s:%d/"):format(host or "127.0.0.1", port), timeout = 10 }
  for name, value in pairs(more or {}) do request[name] = value end
  return http.request(request)
end

describe("TLS #process", function()
  setup(function()
    authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    authority:issue("other", "DNS:elsewhere.example")
    authority:certify("expired", "subjectAltName=IP:127.0.0.1", { from = "20200101000000Z", to = "20200102000000Z" })
  end)

  teardown(function()
    authority:remove()
    runtime.sleep(0)
  end)

  it("trusts a certificate that verifies", function()
    local response, err = get(serve "good", nil, { ca_file = authority:path "ca.crt" })
    assert.is_nil(err)
    assert.equal(200, response.status)
    assert.is_true(response.timings.tls > 0)
  end)

  it("rejects one that no trusted authority has signed", function()
    local response, err = get(serve "good")
    assert.is_nil(response)
    assert.equal("tls", err.kind, err.message)
    assert.is_false(err.retryable)
  end)

  it("rejects one for another host", function()
    local response, err = get(serve "other", nil, { ca_file = authority:path "ca.crt" })
    assert.is_nil(response)
    assert.equal("tls", err.kind, err.message)
  end)

  it("rejects an expired one", function()
    local port = authority:serve "-cert expired.crt -key good.key"
    local response, err = get(port, nil, { ca_file = authority:path "ca.crt" })
    assert.is_nil(response)
    assert.equal("tls", err.kind, err.message)
    assert.truthy(err.message:find("expired", 1, true), err.message)
  end)

  it("rejects TLS 1.1", function()
    local response, err = get(serve("good", "-tls1_1 -cipher ALL:@SECLEVEL=0"), nil,
      { ca_file = authority:path "ca.crt" })
    assert.is_nil(response)
    assert.equal("tls", err.kind, err.message)
  end)

  describe("with a client certificate", function()
    local port, unused_port

    setup(function()
      authority:issue("client", "DNS:client.example")
      authority:openssl("rsa -aes128 -passout pass:secret -in client.key -out locked.key")
      os.execute(("cd %s && cat client.crt client.key > both.pem && echo garbage > garbage.pem")
        :format(authority.directory))
      local asking = 'ssl_client_certificate ca.crt; ssl_verify_client on; return 200 "$ssl_client_s_dn";'
      local ports = nginx.start(authority, { { "ssl", asking }, { "ssl", asking } })
      port, unused_port = ports[1], ports[2]
    end)

    local function ask(cert, key, at)
      return get(at or port, nil, {
        ca_file = authority:path "ca.crt",
        client_cert = cert and authority:path(cert),
        client_key = key and authority:path(key),
      })
    end

    it("presents it, from one file or two", function()
      assert.equal("CN=client", assert(ask("client.crt", "client.key")).body)
      assert.equal("CN=client", assert(ask("both.pem")).body)
      assert.equal(400, assert(ask()).status)
    end)

    it("does not share its connections with requests that have no certificate", function()
      assert.equal(200, assert(ask("both.pem")).status)
      assert.equal(400, assert(ask()).status)
      assert.equal(200, assert(ask("both.pem")).status)
    end)

    it("rejects files without a certificate, or without a matching key", function()
      for _, files in ipairs { { "garbage.pem", "client.key" }, { "client.crt", "garbage.pem" },
        { "client.crt", "locked.key" }, { "client.crt", "other.key" } } do
        local response, err, sent = ask(files[1], files[2], unused_port)
        assert.is_nil(response)
        assert.equal("tls", err.kind, err.message)
        assert.is_false(sent)
      end
    end)

    it("reports that the peer requires one", function()
      local response, err = get(serve("good", "-CAfile ca.crt -Verify 1 -verify_return_error"), nil,
        { ca_file = authority:path "ca.crt" })
      assert.is_nil(response)
      assert.equal("tls", err.kind, err.message)
    end)
  end)

  it("names a file that cannot be read", function()
    for _, field in ipairs { "ca_file", "client_cert", "client_key" } do
      local files = { client_cert = authority:path "good.crt" }
      files[field] = authority:path "none.pem"
      local response, err, sent = get(free_port(), nil, files)
      assert.is_nil(response)
      assert.equal("invalid_request", err.kind)
      assert.truthy(err.message:find(field .. " cannot be read: " .. authority:path "none.pem", 1, true))
      assert.is_false(sent)
    end
  end)

  it("is not reported as the cause when a connection breaks in its handshake", function()
    for _, finish in ipairs { "close", "reset" } do
      local p = peer.start(function(connection)
        connection:read_more()
        connection[finish](connection)
      end)
      local response, err, sent = get(p.port)
      p.stop()
      assert.is_nil(response)
      assert.equal("network", err.kind, err.message)
      assert.is_true(err.retryable)
      assert.is_false(sent)
    end
  end)

  it("resumes an earlier session on a new connection", function()
    local port = nginx.start(authority, {
      { "ssl", 'keepalive_timeout 0; location / { return 200 "$ssl_session_reused"; }' },
    })[1]
    local bodies = {}
    for i = 1, 3 do
      bodies[i] = assert(get(port, nil, { ca_file = authority:path "ca.crt" })).body
    end
    assert.same({ ".", "r", "r" }, bodies)
  end)

  it("uses a new connection when the peer has sent close_notify on the idle one", function()
    local port = nginx.start(authority, { { "ssl", 'keepalive_timeout 50ms; location / { return 200 "x"; }' } })[1]
    -- In hexadecimal, as Linux lists it: our end of a connection to that port, in CLOSE_WAIT.
    local closed = ("0100007F:%04X 08 "):format(port)
    for _, method in ipairs { "GET", "POST", "DELETE", "POST" } do
      local response, err = http.request { method = method, url = ("https://127.0.0.1:%d/"):format(port),
        timeout = 10, body = method == "POST" and "{}" or nil, ca_file = authority:path "ca.crt" }
      assert.is_nil(err, tostring(err))
      assert.equal(1, response.connections)
      wait_for(function()
        local file = assert(io.open "/proc/net/tcp")
        local list = file:read "*a"
        file:close()
        return list:find(closed, 1, true)
      end, "the peer's end of the connection")
    end
  end)
end)
