-- Trust belongs to one request: authorities that an earlier request trusted, and its client certificate, do not apply
-- to the next one.

local certificates = require "spec.support.certificates"
local client_of = require "spec.support.client"
local file = require "spec.support.file"
local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local nginx = require "spec.support.nginx"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

describe("TLS #process", function()
  local authority, stranger

  setup(function()
    authority, stranger = certificates.new(), certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    authority:issue("me", "DNS:me.example")
    stranger:issue("good", "IP:127.0.0.1")
  end)

  teardown(function()
    authority:remove()
    stranger:remove()
    runtime.sleep(0)
  end)

  local function get(port, more)
    local request = { method = "GET", url = ("https://127.0.0.1:%d/"):format(port), timeout = 10 }
    for name, value in pairs(more) do request[name] = value end
    return http.request(request)
  end

  -- Starts `openssl s_server` for an authority's certificate at a port, with its input from `feed`. Returns a function
  -- that ends it at once, without close_notify.
  local function serve(signer, port, arguments, feed)
    local line = ("cd %s && echo $$ > s_server.pid && exec openssl s_server -quiet -accept 127.0.0.1:%d"
      .. " -cert good.crt -key good.key %s > s_server.log 2>&1"):format(signer.directory, port, arguments)
    local pipe = assert(io.popen(line, "w"))
    pipe:write(feed or "")
    pipe:flush()
    local listening = ("0100007F:%04X 00000000:0000 0A "):format(port)
    wait_for(function() return file.read("/proc/net/tcp"):find(listening, 1, true) end, "openssl s_server")
    return function()
      os.execute(("kill -9 $(cat %s/s_server.pid)"):format(signer.directory))
      pipe:close()
    end
  end

  for name, directive in pairs { ["an idle connection"] = "", ["an earlier session"] = "keepalive_timeout 0;" } do
    it("verifies with each request's ca_file: " .. name .. " is not reused for another one", function()
      local server = directive .. "location / { return 200 $ssl_session_reused; }"
      local port = nginx.start(authority, { { "ssl", server } })[1]
      for i = 1, 3 do
        local response = assert(get(port, { ca_file = authority:path "ca.crt" }))
        if i > 1 then assert.is_true(response.connections == 0 or response.body == "r") end
        for _, other in ipairs { { ca_file = stranger:path "ca.crt" }, {} } do
          local rejected, err, sent = get(port, other)
          assert.is_nil(rejected)
          assert.equal("tls", err.kind, err.message)
          assert.is_false(sent)
        end
      end
    end)

    it("authenticates each request by itself: " .. name .. " is not reused without the client certificate", function()
      local server = directive .. "ssl_client_certificate ca.crt; ssl_verify_client optional;"
        .. " location / { return 200 x$ssl_client_s_dn; }"
      local port = nginx.start(authority, { { "ssl", server } })[1]
      local me = { ca_file = authority:path "ca.crt", client_cert = authority:path "me.crt",
        client_key = authority:path "me.key" }
      for _ = 1, 3 do
        assert.equal("xCN=me", assert(get(port, me)).body)
        assert.equal("x", assert(get(port, { ca_file = authority:path "ca.crt" })).body)
      end
    end)
  end

  it("trusts no certificate because of an earlier one", function()
    local port = free_port()
    local trusted = { ca_file = authority:path "ca.crt" }
    for _ = 1, 2 do
      local stop = serve(authority, port, "-www")
      assert.equal(200, assert(get(port, trusted)).status)
      assert.equal(200, assert(get(port, trusted)).status)
      stop()
      stop = serve(stranger, port, "-www")
      local response, err, sent = get(port, trusted)
      stop()
      assert.is_nil(response)
      assert.equal("tls", err.kind, err.message)
      assert.is_false(sent)
    end
  end)

  -- An attacker that can cut the connection must not choose where a response ends.
  describe("accepts no premature end", function()
    -- Sends a request to a peer that is cut off after some bytes of its response.
    local function cut(bytes, ask)
      local port = free_port()
      local stop = serve(authority, port, "", bytes)
      runtime.spawn(function()
        wait_for(function() return file.read(authority:path "s_server.log"):find("GET /", 1, true) end, "the request")
        stop()
      end)
      return ask(port)
    end

    it("of headers, of a length, of chunks", function()
      for _, bytes in ipairs { "HTTP/1.1 200 OK\r\nX-A: 1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n" } do
        local response, err, sent = cut(bytes, function(port)
          return get(port, { ca_file = authority:path "ca.crt" })
        end)
        assert.is_nil(response, bytes)
        assert.equal("network", err.kind, err.message)
        assert.is_true(err.retryable)
        assert.is_true(sent)
      end
    end)

    -- libcurl accepts that as the end of the body. The rest is then not valid JSON.
    it("of a body without framing", function()
      for _, body in ipairs { '{"data":[{"webhookId":"webhook_1"}', "{", "" } do
        local page, err = cut("HTTP/1.1 200 OK\r\n\r\n" .. body, function(port)
          return client_of("https://127.0.0.1:" .. port, { ca_file = authority:path "ca.crt" }).webhooks:list()
        end)
        assert.is_nil(page)
        assert.is_true(err.kind == "unexpected_response" or err.kind == "network", err.kind)
      end
    end)
  end)
end)
