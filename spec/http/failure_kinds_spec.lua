local get = require "spec.support.get"
local running = require "spec.support.running"

describe("http.request", function()
  after_each(running.stop)

  -- The error of a GET to a peer that sends some bytes and closes.
  local function error_of(bytes, more)
    local p = running.peer(function(connection)
      if connection:read_request() then connection:send(bytes) end
    end)
    local response, err = get(p.url, more)
    assert.is_nil(response)
    return err
  end

  describe("reports the kind of a failure:", function()
    it("a port where no process listens", function()
      local p = running.responding("200 OK")
      p.stop()
      local _, err = get(p.url)
      assert.equal("network", err.kind)
      assert.is_true(err.retryable)
      assert.equal("GET", err.request.method)
      assert.equal(p.url, err.request.url)
    end)

    it("a host that does not exist", function()
      local _, err = get("http://host.invalid/")
      assert.equal("network", err.kind)
    end)

    it("a peer that closes before it responds", function()
      assert.equal("network", error_of("").kind)
    end)

    it("a peer that resets", function()
      local p = running.peer(function(connection)
        connection:read_request()
        connection:reset()
      end)
      local _, err = get(p.url)
      assert.equal("network", err.kind)
    end)

    it("a body shorter than its Content-Length", function()
      local err = error_of("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
      assert.equal("network", err.kind)
    end)

    it("a truncated chunked body", function()
      local err = error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
      assert.equal("network", err.kind)
    end)

    it("a response that is not HTTP", function()
      local err = error_of("SSH-2.0-OpenSSH_9.2\r\n")
      assert.equal("unexpected_response", err.kind)
    end)

    it("a peer that never responds", function()
      local p = running.peer(function(connection)
        connection:read_request()
        connection:read_request()
      end)
      local _, err = get(p.url, { timeout = 0.05 })
      assert.equal("timeout", err.kind)
      assert.is_true(err.retryable)
    end)

    it("a body that stalls", function()
      local p = running.peer(function(connection)
        connection:read_request()
        connection:send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        connection:read_request()
      end)
      local _, err = get(p.url, { timeout = 0.05 })
      assert.equal("timeout", err.kind)
    end)

    it("TLS to a peer without it", function()
      local p = running.peer(function(connection)
        connection:read_more()
        connection:respond("400 Bad Request")
      end)
      local _, err = get((p.url:gsub("http:", "https:")))
      assert.equal("tls", err.kind)
      assert.is_false(err.retryable)
    end)
  end)
end)
