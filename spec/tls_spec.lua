-- TLS to a real peer: openssl's own server, with certificates made here.

local http = require "apivideo.http"
local runtime = require "apivideo.runtime"
local socket = require "socket"
local wait_for = require "spec.support.wait"

local directory

local function openssl(arguments)
  local status = os.execute(("cd %s && openssl %s > log 2>&1 < /dev/null"):format(directory, arguments))
  assert(status == true or status == 0, "openssl " .. arguments)
end

-- A free port: asked for and given back.
local function free_port()
  local listening = assert(socket.bind("127.0.0.1", 0))
  local _, port = listening:getsockname()
  listening:close()
  return port
end

-- Starts `openssl s_server -www` with a certificate; its port.
local function serve(name, more)
  local port = free_port()
  os.execute(("cd %s && { openssl s_server -quiet -accept 127.0.0.1:%d -cert %s.crt -key %s.key -www %s"
    .. " > %s.log 2>&1 < /dev/null & echo $! >> pids; }"):format(directory, port, name, name, more or "", name))
  wait_for(function()
    local probe = socket.connect("127.0.0.1", port)
    return probe and probe:close()
  end, "openssl s_server")
  return port
end

local function get(port, host, more)
  local request = { method = "GET", url = ("https://%s:%d/"):format(host or "127.0.0.1", port), timeout = 10 }
  for name, value in pairs(more or {}) do request[name] = value end
  return http.request(request)
end

describe("TLS #process", function()
  setup(function()
    directory = os.tmpname()
    os.remove(directory)
    assert(os.execute("mkdir " .. directory))
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=test-ca")
    for name, subject in pairs { good = "IP:127.0.0.1", other = "DNS:elsewhere.example" } do
      openssl(("req -newkey rsa:2048 -nodes -keyout %s.key -out %s.csr -subj /CN=peer"):format(name, name))
      os.execute(("echo subjectAltName=%s > %s/%s.ext"):format(subject, directory, name))
      openssl(("x509 -req -in %s.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile %s.ext -out %s.crt")
        :format(name, name, name))
    end
    openssl("x509 -req -in good.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days -1 -extfile good.ext"
      .. " -out expired.crt")
    os.execute(("cp %s/good.key %s/expired.key"):format(directory, directory))
  end)

  teardown(function()
    os.execute(("kill $(cat %s/pids) 2> /dev/null; rm -rf %s"):format(directory, directory))
    runtime.sleep(0)
  end)

  it("trusts a certificate that verifies", function()
    local response, err = get(serve "good", nil, { ca_file = directory .. "/ca.crt" })
    assert.is_nil(err)
    assert.equal(200, response.status)
    assert.is_true(response.timings.tls > 0)
  end)

  it("refuses one that nobody it trusts signed", function()
    local response, err = get(serve "good")
    assert.is_nil(response)
    assert.equal("tls", err.kind)
    assert.is_false(err.retryable)
  end)

  it("refuses one of another host", function()
    local response, err = get(serve "other", nil, { ca_file = directory .. "/ca.crt" })
    assert.is_nil(response)
    assert.equal("tls", err.kind)
  end)

  it("refuses one that has expired", function()
    local response, err = get(serve "expired", nil, { ca_file = directory .. "/ca.crt" })
    assert.is_nil(response)
    assert.equal("tls", err.kind)
  end)

  it("refuses TLS 1.1", function()
    local response, err = get(serve("good", "-tls1_1 -cipher ALL:@SECLEVEL=0"), nil,
      { ca_file = directory .. "/ca.crt" })
    assert.is_nil(response)
    assert.equal("tls", err.kind)
  end)

  it("says when the file of certificates cannot be read", function()
    local response, err = get(serve "good", nil, { ca_file = directory .. "/missing.crt" })
    assert.is_nil(response)
    assert.equal("tls", err.kind)
  end)
end)
