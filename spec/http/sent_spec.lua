-- No request is sent twice silently, and each failure reports whether the request was sent.

local core = require "apivideo.core"
local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local libcurl = require "spec.support.libcurl"
local running = require "spec.support.running"
local wait_for = require "spec.support.wait"

local REUSES = "reuses a connection safely, and can be kept from sending a request twice"
local METHODS = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" }

local function ask(method, url, more)
  local request = { method = method, url = url, timeout = 60 }
  if method:find "^P" then request.body = "{}" end
  for name, value in pairs(more or {}) do request[name] = value end
  return http.request(request)
end

describe("a request", function()
  after_each(running.stop)

  -- A peer that responds to the first request of each connection and calls `finish(connection)` for the second one. It
  -- records all requests.
  local function patient_once(finish)
    local p
    p = running.peer(function(connection)
      for i = 1, 2 do
        local request = connection:read_request()
        if not request then return end
        p.requests[#p.requests + 1] = request
        if i == 2 then return finish(connection) end
        connection:respond("200 OK")
      end
    end)
    return p
  end

  local function methods_of(requests)
    local list = {}
    for i, request in ipairs(requests) do list[i] = request.line:match "^%u+" end
    return table.concat(list, " ")
  end

  describe("on a reused connection", function()
    for _, method in ipairs(METHODS) do
      it("that the peer has closed is sent on another one: " .. method, function()
        local closed = 0
        local p
        p = running.peer(function(connection)
          p.requests[#p.requests + 1] = connection:read_request()
          connection:respond("200 OK")
          connection:close()
          closed = closed + 1
        end)
        assert(ask("GET", p.url))
        wait_for(function() return closed == 1 end, "the peer to close")
        local response, err = ask(method, p.url)
        assert.is_nil(err)
        assert.equal(1, response.connections)
        assert.equal("GET " .. method, methods_of(p.requests))
      end)

      for _, finish in ipairs { "close", "reset" } do
        it(("that the peer closes after reading is sent once: %s, %s"):format(method, finish), function()
          libcurl.needs(pending, "7.80.0", REUSES)
          local p = patient_once(function(connection) connection[finish](connection) end)
          assert(ask("GET", p.url))
          local response, err, sent = ask(method, p.url)
          assert.is_nil(response)
          assert.equal("network", err.kind)
          assert.equal("the connection was closed before a response arrived", err.message)
          assert.is_true(err.retryable)
          assert.is_true(sent)
          assert.equal("GET " .. method, methods_of(p.requests))
          assert.equal(1, p.connections)
          assert(ask("GET", p.url)) -- which would arrive after a resent request
          assert.equal("GET " .. method .. " GET", methods_of(p.requests))
          assert.equal(2, p.connections)
        end)
      end
    end

    it("that the peer closes after a part of the response is sent once", function()
      libcurl.needs(pending, "7.80.0", REUSES)
      for _, finish in ipairs { "close", "reset" } do
        local p = patient_once(function(connection)
          connection:send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")
          connection[finish](connection)
        end)
        assert(ask("GET", p.url))
        local response, err, sent = ask("POST", p.url)
        assert.is_nil(response)
        assert.equal("network", err.kind)
        assert.is_true(sent)
        assert.equal("GET POST", methods_of(p.requests))
      end
    end)
  end)

  -- The values of http.request after a failure.
  local function failure(...)
    local response, err, sent = ask(...)
    assert.is_nil(response)
    return err.kind, sent
  end

  describe("was not sent when", function()
    it("no process listens", function()
      assert.same({ "network", false }, { failure("POST", "http://127.0.0.1:" .. free_port()) })
    end)

    it("the host does not exist", function()
      assert.same({ "network", false }, { failure("POST", "http://host.invalid/") })
    end)

    it("it is invalid", function()
      assert.same({ "invalid_request", false }, { failure("POST", "ftp://host.invalid/") })
      assert.same({ "invalid_request", false }, { failure("post", "http://host.invalid/") })
    end)

    it("the peer has no TLS", function()
      local p = running.peer(function(connection)
        connection:read_more()
        connection:respond("400 Bad Request")
      end)
      assert.same({ "tls", false }, { failure("POST", "https://127.0.0.1:" .. p.port) })
    end)

    it("the peer does not respond in the TLS handshake", function()
      local p = running.peer(function(connection)
        repeat until not connection:read_more()
      end)
      assert.same({ "timeout", false }, { failure("POST", "https://127.0.0.1:" .. p.port, { timeout = 0.05 }) })
      assert.same({ "timeout", false },
        { failure("POST", "https://127.0.0.1:" .. p.port, { connect_timeout = 0.05 }) })
    end)
  end)

  describe("was sent when the peer", function()
    it("closes or resets without a response", function()
      for _, finish in ipairs { "close", "reset" } do
        local p = running.peer(function(connection)
          connection:read_request()
          connection[finish](connection)
        end)
        assert.same({ "network", true }, { failure("POST", p.url) })
        assert.equal(1, p.connections)
      end
    end)

    it("closes before it has read everything", function()
      local p = running.peer(function(connection) connection:read_more() end)
      assert.same({ "network", true }, { failure("POST", p.url, { body = ("x"):rep(5000000) }) })
    end)

    it("does not respond completely in time", function()
      for _, part in ipairs { "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx" } do
        local p = running.peer(function(connection)
          connection:read_request()
          connection:send(part)
          connection:read_request()
        end)
        assert.same({ "timeout", true }, { failure("POST", p.url, { timeout = 0.5 }) })
      end
    end)

    it("sends a malformed or too large response", function()
      local p = running.peer(function(connection)
        connection:read_request()
        connection:send("SSH-2.0-OpenSSH_9.2\r\n")
      end)
      assert.same({ "unexpected_response", true }, { failure("POST", p.url) })
      p = running.peer(function(connection)
        connection:read_request()
        connection:respond("200 OK", nil, "much")
      end)
      assert.same({ "too_large", true }, { failure("POST", p.url, { max_body = 1 }) })
    end)
  end)

  describe("that is cancelled", function()
    local function transfer_to(url)
      local pool = assert(core.http.new())
      return pool, assert(pool:start { method = "POST", url = url, body = "{}", timeout = 60,
        connect_timeout = 60, max_body = 1000, max_header = 1000 })
    end

    it("before its connection was established was not sent", function()
      local pool, transfer = transfer_to("http://127.0.0.1:" .. free_port())
      transfer:cancel()
      assert.same({ "cancelled", false }, { select(2, transfer:result()), (select(4, transfer:result())) })
      pool:close()
    end)

    it("after it was written was sent, also when its pool is closed", function()
      for _, finish in ipairs { "cancel", "close" } do
        local seen
        local p = running.peer(function(connection)
          seen = connection:read_request()
          connection:read_request()
        end)
        local pool, transfer = transfer_to(p.url)
        wait_for(function()
          pool:step(0)
          return seen
        end, "the request")
        if finish == "cancel" then transfer:cancel() else pool:close() end
        local response, kind, _, sent = transfer:result()
        assert.is_nil(response)
        assert.equal("cancelled", kind)
        assert.is_true(sent)
        pool:close()
      end
    end)
  end)
end)
