-- Hostile proxies, before they open a tunnel.

local certificates = require "spec.support.certificates"
local http = require "apivideo.transport.http"
local libcurl = require "spec.support.libcurl"
local nginx = require "spec.support.nginx"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local socket = require "socket"

local MAX_BODY = 100000

describe("a tunnel through a proxy #process", function()
  local authority, port

  setup(function()
    authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    port = nginx.start(authority, { { "ssl", 'add_header X-A "b"; return 200 "by tunnel";' } })[1]
  end)

  teardown(function()
    authority:remove()
    runtime.sleep(0)
  end)

  after_each(running.stop)

  local function post(proxy, timeout)
    return http.request { method = "POST", url = ("https://127.0.0.1:%d/"):format(port), body = "{}", proxy = proxy.url,
      timeout = timeout or 30, ca_file = authority:path "ca.crt", max_body = MAX_BODY }
  end

  -- Forwards bytes from one socket to the other until the first one closes.
  local function copy(from, to)
    while true do
      local data, problem, partial = from:receive(65536)
      data = data or partial
      if data ~= "" then to:send(data) elseif problem == "closed" then return to:close() end
      runtime.sleep(0.001)
    end
  end

  -- A proxy that responds to CONNECT with some bytes, and then forwards.
  local function tunnel(bytes)
    return running.peer(function(connection)
      connection:read_request()
      connection:send(bytes)
      local target = assert(socket.connect("127.0.0.1", port))
      target:settimeout(0)
      runtime.spawn(copy, target, connection.socket)
      copy(connection.socket, target)
    end)
  end

  local function assert_unsent(sent, bytes)
    if libcurl.has "7.80.0" then assert.is_false(sent, bytes) end -- before, the bytes of CONNECT count
  end

  it("is equivalent to a direct connection", function()
    for _, bytes in ipairs { "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 Connection established\r\nX-A: proxy\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\n\r\n" } do
      local response, err = post(tunnel(bytes))
      assert.is_nil(err, bytes .. tostring(err))
      assert.equal("by tunnel", response.body)
      assert.equal("b", response.headers["x-a"])
      assert.is_nil(response.headers["set-cookie"])
    end
  end)

  it("fails when the proxy rejects it, redirects, or sends a malformed response", function()
    local elsewhere = running.responding("200 OK")
    for _, bytes in ipairs { "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 500 No\r\n\r\n",
      "HTTP/1.1 302 X\r\nLocation: " .. elsewhere.url .. "\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 407 X\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n",
      "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 2\r\n\r\n", "HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n",
      "HTTP/1.1 200 OK\r\n", "", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" } do
      local p = running.peer(function(connection)
        connection:read_request()
        connection:send(bytes)
      end)
      local response, err, sent = post(p, 5)
      assert.is_nil(response, bytes)
      assert.is_true(err.kind ~= "invalid_request" and err.kind ~= "timeout", err.kind)
      assert_unsent(sent, bytes)
    end
    assert.equal(0, elsewhere.connections)
  end)

  it("times out when the proxy never ends, or never begins, its response", function()
    for _, script in ipairs { { "" }, { "HTTP/1.1 200 OK\r\nX-" },
      { "HTTP/1.1 200 OK\r\n", "X-A: " .. ("x"):rep(500) .. "\r\n" },
      { "", "HTTP/1.1 100 Continue\r\n\r\n" }, { "HTTP/1.1 403 No\r\n\r\n", ("x"):rep(10000) },
      { "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n" } } do
      local p = running.peer(function(connection)
        connection:read_request()
        connection:send(script[1])
        while script[2] and connection:send(script[2]) do runtime.sleep(0) end
        repeat until not connection:read_more()
      end)
      local began = runtime.monotonic()
      local response, err, sent = post(p, 0.3)
      assert.is_nil(response)
      assert.is_true(err.kind == "timeout" or err.kind == "too_large" or err.kind == "network", err.kind)
      assert_unsent(sent)
      assert.is_true(runtime.monotonic() - began < 10)
    end
  end)
end)
