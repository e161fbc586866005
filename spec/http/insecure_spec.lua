-- `insecure`: a request of the command may accept any certificate. No client can, and no other request uses its
-- connection.

local apivideo = require "apivideo"
local certificates = require "spec.support.certificates"
local client_of = require "spec.support.client"
local http = require "apivideo.transport.http"
local nginx = require "spec.support.nginx"
local runtime = require "apivideo.runtime"

describe("an insecure request #process", function()
  local authority, ports

  setup(function()
    authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    authority:issue("other", "DNS:elsewhere.example")
    authority:certify("expired", "subjectAltName=IP:127.0.0.1", { from = "20200101000000Z", to = "20200102000000Z" })
    local echo = ' location / { return 200 "$ssl_session_reused$connection_requests"; }'
    ports = nginx.start(authority, {
      { "ssl", echo }, { "ssl http2", echo }, { "ssl", "keepalive_timeout 0;" .. echo },
      { "ssl", "ssl_certificate other.crt; ssl_certificate_key other.key;" .. echo },
      { "ssl", "ssl_certificate expired.crt;" .. echo },
    })
  end)

  teardown(function()
    authority:remove()
    runtime.sleep(0)
  end)

  local function get(port, more)
    local request = { method = "GET", url = ("https://127.0.0.1:%d/"):format(port), timeout = 10 }
    for name, value in pairs(more or {}) do request[name] = value end
    return http.request(request)
  end

  local function assert_rejected(port, more)
    local response, err, sent = get(port, more)
    assert.is_nil(response)
    assert.equal("tls", err.kind, err.message)
    assert.is_false(sent)
  end

  it("accepts a certificate of an unknown issuer, for another host, and an expired one", function()
    for _, port in ipairs { ports[1], ports[4], ports[5] } do
      assert_rejected(port)
      assert_rejected(port, { insecure = false })
      assert.equal(200, assert(get(port, { insecure = true })).status)
      assert_rejected(port)
    end
  end)

  for what, i in pairs { ["HTTP/1.1"] = 1, ["HTTP/2"] = 2, ["connections that the server closes"] = 3 } do
    it("shares neither connection nor session with a verifying request, over " .. what, function()
      local port, trusted = ports[i], { ca_file = authority:path "ca.crt" }
      for _ = 1, 3 do
        for _, more in ipairs { {}, { ca_file = trusted.ca_file } } do
          more.insecure = true
          local response = assert(get(port, more))
          assert.equal(1, response.connections)
          assert.equal(".1", response.body)
        end
        assert_rejected(port)
        assert.equal(200, assert(get(port, trusted)).status)
        assert_rejected(port)
      end
    end)

    it("shares no connection with a verifying request at the same time, over " .. what, function()
      local kinds = {}
      for n = 1, 12 do kinds[n] = ({ "insecure", "trusted", "stranger" })[n % 3 + 1] end
      local results, problems = apivideo.parallel(12, kinds, function(kind)
        if kind == "stranger" then return assert_rejected(ports[i]) end
        local response = assert(get(ports[i], { insecure = kind == "insecure", ca_file = authority:path "ca.crt" }))
        return kind .. response.body:sub(1, 1) .. response.connections
      end)
      assert.is_nil(problems)
      for n, kind in ipairs(kinds) do
        if kind == "insecure" then assert.equal("insecure.1", results[n]) end
      end
    end)
  end

  it("cannot be made by a client", function()
    local url = ("https://127.0.0.1:%d"):format(ports[1])
    assert.has_error(function() client_of(url, { insecure = true }) end)
    local function set(observed)
      observed.insecure = true
      observed.request = { insecure = true }
    end
    local client = client_of(url, { on_request = set, headers = { insecure = "true" } })
    assert.has_error(function() client:request("GET", "/", { insecure = true }) end)
    assert.has_error(function() client.webhooks:list { insecure = true } end)
    client.insecure = true
    local result, err = client:request("GET", "/")
    assert.is_nil(result)
    assert.equal("tls", err.kind, err.message)
  end)
end)
