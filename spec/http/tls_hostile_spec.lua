-- Peers with certificates, keys or TLS versions that must not be trusted. All of them have the private key of their
-- certificate, and most certificates are signed by a trusted authority.

local certificates = require "spec.support.certificates"
local http = require "apivideo.transport.http"
local libcurl = require "spec.support.libcurl"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local runtime = require "apivideo.runtime"

local RESOLVES = "resolves localhost and the names below it itself"

local authority

local function get(host, port)
  return http.request { method = "GET", url = ("https://%s:%d/"):format(host, port), timeout = 10,
    ca_file = authority:path "ca.crt" }
end

local SERVER = "basicConstraints=CA:FALSE\n"

-- name -> extensions, the requested host, and other fields of the certificate. Those in `right` must be trusted, which
-- shows that the others are rejected for their difference.
local right = {
  address = { "subjectAltName=IP:127.0.0.1", "127.0.0.1" },
  name = { "subjectAltName=DNS:localhost", "localhost" },
  ["upper case"] = { "subjectAltName=DNS:LocalHost", "localhost" },
  ["a wildcard"] = { "subjectAltName=DNS:*.b.localhost", "a.b.localhost" },
}
local wrong = {
  ["that is not valid yet"] = { "subjectAltName=IP:127.0.0.1", "127.0.0.1", { from = "20980101000000Z" } },
  ["of another address"] = { "subjectAltName=IP:127.0.0.2", "127.0.0.1" },
  ["of another name"] = { "subjectAltName=DNS:localhost.example", "localhost" },
  ["with the address as a name"] = { "subjectAltName=DNS:127.0.0.1", "127.0.0.1" },
  ["with the name as a common name beside others"] =
    { "subjectAltName=DNS:elsewhere.example", "localhost", { subject = "/CN=localhost" } },
  ["with the address as a common name beside others"] =
    { "subjectAltName=DNS:elsewhere.example", "127.0.0.1", { subject = "/CN=127.0.0.1" } },
  ["with a wildcard for an address"] = { "subjectAltName=DNS:*.0.0.1", "127.0.0.1" },
  ["with a wildcard for everything"] = { "subjectAltName=DNS:*", "localhost" },
  ["with a wildcard for a whole domain"] = { "subjectAltName=DNS:*.localhost", "a.localhost" },
  ["with a wildcard for two names"] = { "subjectAltName=DNS:*.b.localhost", "x.a.b.localhost" },
  ["with a wildcard for no name"] = { "subjectAltName=DNS:*.b.localhost", "b.localhost" },
  ["with a wildcard in the middle"] = { "subjectAltName=DNS:a.*.localhost", "a.b.localhost" },
  ["with two wildcards"] = { "subjectAltName=DNS:*.*.localhost", "a.b.localhost" },
  -- dNSName "localhost", NUL, ".evil"
  ["with a NUL in its name"] = { "subjectAltName=DER:3011820f6c6f63616c686f7374002e6576696c", "localhost" },
  ["for clients only"] = { "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=clientAuth", "127.0.0.1" },
  ["signed by a server"] = { "subjectAltName=IP:127.0.0.1", "127.0.0.1", { signer = "server" } },
  ["signed by a stranger"] = { "subjectAltName=IP:127.0.0.1", "127.0.0.1", { signer = "own" } },
}

describe("TLS trusts no peer #process", function()
  local ports = {}

  -- Creates the certificate of a case. Returns nginx's directives for it.
  local function server_of(number, case)
    local name, more = "case" .. number, case[3]
    authority:certify(name, SERVER .. case[1], more)
    local chain = more and more.signer == "server" and "cat server.crt >>" or "true"
    os.execute(("cd %s && %s %s.crt"):format(authority.directory, chain, name))
    return { "ssl", ("ssl_certificate %s.crt; ssl_certificate_key good.key; return 200 x;"):format(name) }
  end

  setup(function()
    authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    authority:certify("server", SERVER .. "subjectAltName=IP:127.0.0.1")
    os.execute(("cd %s && cp good.key server.key && cp good.key own.key"):format(authority.directory))
    authority:openssl "req -x509 -key own.key -out own.crt -days 2 -subj /CN=own"
    local servers, names = {}, {}
    for _, cases in ipairs { right, wrong } do
      for name, case in pairs(cases) do
        names[#names + 1], servers[#servers + 1] = name, server_of(#servers + 1, case)
      end
    end
    for i, port in ipairs(nginx.start(authority, servers)) do ports[names[i]] = port end
  end)

  teardown(function()
    authority:remove()
    runtime.sleep(0)
  end)

  for name, case in pairs(right) do
    it("except for a certificate with its " .. name, function()
      if case[2]:lower():find "localhost$" then libcurl.needs(pending, "7.85.0", RESOLVES) end
      local response, err = get(case[2], ports[name])
      assert.is_nil(err, tostring(err))
      assert.equal(200, response.status)
    end)
  end

  for name, case in pairs(wrong) do
    it("with a certificate " .. name, function()
      if case[2]:lower():find "localhost$" then libcurl.needs(pending, "7.85.0", RESOLVES) end
      local response, err, sent = get(case[2], ports[name])
      assert.is_nil(response)
      assert.equal("tls", err.kind, err.message)
      assert.is_false(err.retryable)
      assert.is_false(sent)
    end)
  end

  it("with a key that is easy to factor", function()
    authority:openssl "genrsa -out weak.key 512"
    authority:certify("weak", SERVER .. "subjectAltName=IP:127.0.0.1", { key = "weak" })
    local port = authority:serve "-cert weak.crt -key weak.key -cipher DEFAULT@SECLEVEL=0"
    local response, err, sent = get("127.0.0.1", port)
    assert.is_nil(response)
    assert.equal("tls", err.kind, err.message)
    assert.is_false(sent)
  end)

  it("without a certificate", function()
    local response, err, sent = get("127.0.0.1", authority:serve "-nocert -tls1_2 -cipher aNULL:@SECLEVEL=0")
    assert.is_nil(response)
    assert.equal("tls", err.kind, err.message)
    assert.is_false(sent)
  end)

  it("before TLS 1.2, even if the system's configuration allows that", function()
    authority:write("old.conf", "openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n"
      .. "[c]\nMinProtocol=TLSv1\nCipherString=DEFAULT@SECLEVEL=0\n")
    local environment = "OPENSSL_CONF=" .. authority:path "old.conf"
    local function ask(port)
      return (process.run({ "-e", ([[
        local response, err = require("apivideo.transport.http").request { method = "GET", timeout = 10,
          url = "https://127.0.0.1:%d/", ca_file = "%s" }
        print(response and response.status or err.kind)]]):format(port, authority:path "ca.crt") }, environment))
    end
    for _, case in ipairs { { "-tls1", "tls\n" }, { "-tls1_1", "tls\n" }, { "-tls1_2", "200\n" } } do
      local port = authority:serve(("-cert good.crt -key good.key -cipher DEFAULT@SECLEVEL=0 %s"):format(case[1]))
      -- The peer does accept it.
      authority:openssl(("s_client -connect 127.0.0.1:%d -cipher DEFAULT@SECLEVEL=0 %s"):format(port, case[1]))
      assert.equal(case[2], ask(port), case[1])
    end
  end)
end)
