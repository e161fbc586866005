-- Which certificates a request trusts: the option `ca_file`, a file or a directory, or else those of the environment
-- variables of curl and OpenSSL. Each request runs in a process with its own environment.

local certificates = require "spec.support.certificates"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local tls_front = require "spec.support.tls_front"

-- Arguments of `env` that remove the variables of the test's own environment.
local CLEAN = "-u CURL_CA_BUNDLE -u SSL_CERT_FILE -u SSL_CERT_DIR "

describe("the certificates that a request trusts #process", function()
  local authority, stranger, port

  setup(function()
    authority, stranger = certificates.new(), certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    -- Another name: OpenSSL looks into a directory only if the file has no authority of the name.
    stranger:openssl "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=stranger"
    for _, own in ipairs { authority, stranger } do
      assert(os.execute(("cd %s && mkdir hashed plain && cp ca.crt hashed/ca.pem && cp ca.crt plain/ca.pem"
        .. " && openssl rehash hashed && ln -s /none hashed/00000000.0"
        .. " && cp -a hashed system && cp ca.crt system/ca-certificates.crt"):format(own.directory)))
    end
    port = nginx.start(authority, { { "ssl", "return 200 x;" } })[1]
  end)

  teardown(function()
    authority:remove()
    stranger:remove()
    runtime.sleep(0)
  end)

  after_each(running.stop)

  -- Sends a request in a process. The words @ca and @stranger stand for the authorities' directories. Returns what it
  -- prints: the status, or the error.
  local function run(environment, fields)
    local function fill(text)
      return (text:gsub("@ca", authority.directory):gsub("@stranger", stranger.directory))
    end
    local code = ([[
      local request = { method = "GET", url = "https://127.0.0.1:%d/", timeout = 60, %s }
      local response, err, sent = require("apivideo.transport.http").request(request)
      print(response and response.status or err.kind .. " " .. err.message .. " " .. tostring(sent))]])
      :format(port, fill(fields or ""))
    return (process.run({ "-e", code }, CLEAN .. fill(environment or "")):gsub("\n$", ""))
  end

  it("are those of CURL_CA_BUNDLE, SSL_CERT_FILE or SSL_CERT_DIR", function()
    for _, environment in ipairs { "CURL_CA_BUNDLE=@ca/ca.crt", "SSL_CERT_FILE=@ca/ca.crt", "SSL_CERT_DIR=@ca/hashed",
      "SSL_CERT_FILE=@stranger/ca.crt SSL_CERT_DIR=@ca/hashed",
      "SSL_CERT_FILE=@ca/ca.crt SSL_CERT_DIR=@stranger/hashed",
      "CURL_CA_BUNDLE= SSL_CERT_FILE=@ca/ca.crt SSL_CERT_DIR=" } do
      assert.equal("200", run(environment), environment)
    end
    for _, environment in ipairs { "CURL_CA_BUNDLE=", "CURL_CA_BUNDLE=@stranger/ca.crt",
      "SSL_CERT_FILE=@stranger/ca.crt", "SSL_CERT_DIR=@stranger/hashed",
      "CURL_CA_BUNDLE=@stranger/ca.crt SSL_CERT_FILE=@ca/ca.crt SSL_CERT_DIR=@ca/hashed" } do
      assert.truthy(run(environment):find "^tls .* false$", environment)
    end
  end)

  it("are only those of ca_file, regardless of the environment", function()
    for _, field in ipairs { 'ca_file = "@ca/ca.crt"', 'ca_file = "@ca/hashed"' } do
      assert.equal("200", run("", field))
      assert.equal("200", run("CURL_CA_BUNDLE=/none", field))
      assert.equal("200", run("SSL_CERT_FILE=@stranger/ca.crt SSL_CERT_DIR=/none", field))
    end
    for _, field in ipairs { 'ca_file = "@stranger/ca.crt"', 'ca_file = "@stranger/hashed"' } do
      assert.truthy(run("CURL_CA_BUNDLE=@ca/ca.crt", field):find "^tls ")
      assert.truthy(run("SSL_CERT_FILE=@ca/ca.crt SSL_CERT_DIR=@ca/hashed", field):find "^tls ")
    end
  end)

  -- A process with the authority as that of the system: `unshare` gives it a mount of its own.
  local AS_SYSTEM = "unshare -m sh -c 'mount --bind @ca/system /etc/ssl/certs && exec \"$@\"' sh"

  it("do not include the system's with ca_file", function()
    if run(AS_SYSTEM) ~= "200" then
      return pending "needs root, and libcurl with the certificates of /etc/ssl/certs"
    end
    for _, field in ipairs { 'ca_file = "@stranger/ca.crt"', 'ca_file = "@stranger/hashed"' } do
      assert.truthy(run(AS_SYSTEM, field):find "^tls ", field)
    end
    assert.equal("200", run(AS_SYSTEM, 'ca_file = "@ca/ca.crt"'))
  end)

  it("cannot be a file or a directory that does not exist, and the error names the path and its origin", function()
    for origin, path in pairs { CURL_CA_BUNDLE = "/none/ca.crt", SSL_CERT_FILE = "/none/ca.crt",
      SSL_CERT_DIR = "/none" } do
      assert.equal(("invalid_request %s cannot be read: %s: No such file or directory false"):format(origin, path),
        run(("%s=%s"):format(origin, path)))
    end
    assert.equal("invalid_request ca_file cannot be read: /none: No such file or directory false",
      run("", 'ca_file = "/none"'))
    local path = authority:path "hashed"
    assert.equal(("invalid_request CURL_CA_BUNDLE is a directory: %s; name it in SSL_CERT_DIR instead false")
      :format(path), run("CURL_CA_BUNDLE=@ca/hashed"))
  end)

  it("cannot be a directory without hashed names, and the error names the remedy", function()
    local path = authority:path "plain"
    for origin, found in pairs { SSL_CERT_DIR = run "SSL_CERT_DIR=@ca/plain",
      ca_file = run("", 'ca_file = "@ca/plain"') } do
      assert.equal(("invalid_request %s has no certificate with a hashed name: %s; run: openssl rehash %s false")
        :format(origin, path, path), found)
    end
  end)

  it("may be several directories, some of which do not exist", function()
    assert.equal("200", run "SSL_CERT_DIR=/none:@ca/plain:@ca/hashed")
    assert.equal(("invalid_request SSL_CERT_DIR cannot be read: %s:/none: No such file or directory false")
      :format(authority:path "plain"), run "SSL_CERT_DIR=@ca/plain:/none")
  end)

  it("are not read from the environment without TLS, and for an insecure request", function()
    local p = running.responding "200 OK"
    assert.equal("200", run("CURL_CA_BUNDLE=/none SSL_CERT_DIR=/none", ("url = %q"):format(p.url)))
    assert.equal("200", run("CURL_CA_BUNDLE=/none", "insecure = true"))
  end)

  it("are also those of an https:// proxy, of the environment too", function()
    local p = running.responding "403 Forbidden"
    local front = tls_front(authority, nil, p.port)
    local url = 'url = "https://example.invalid/", '
    local proxy = ("https://127.0.0.1:%d"):format(front)
    for environment, fields in pairs {
      [("https_proxy=%s CURL_CA_BUNDLE=@ca/ca.crt"):format(proxy)] = "",
      [("https_proxy=%s"):format(proxy)] = 'ca_file = "@ca/ca.crt"',
      ["SSL_CERT_DIR=@ca/hashed"] = ("proxy = %q"):format(proxy),
    } do
      local found = run(environment, url .. fields)
      assert.truthy(found:find("403", 1, true), environment .. ": " .. found)
    end
    assert.truthy(run(("https_proxy=%s"):format(proxy), url):find "^tls ")
  end)

  it("are those of each client and call", function()
    local code = ([[
      local apivideo = require "apivideo"
      local client = apivideo.client { api_key = "key", base_url = "https://127.0.0.1:%d", retries = 0 }
      print(select(2, client:request("GET", "/")).kind)]]):format(port)
    local environment = CLEAN .. "SSL_CERT_FILE=" .. authority:path "ca.crt"
    assert.equal("unexpected_response\n", process.run({ "-e", code }, environment))
    assert.equal("tls\n", process.run({ "-e", code }, CLEAN))
  end)
end)
