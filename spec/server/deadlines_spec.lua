--- Deadlines of connections, and which connection is evicted for an incoming one.

local raw = require "spec.support.raw"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
local tables = require "apivideo.util.tables"
local wait_for = require "spec.support.wait"

local GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

describe("server's deadlines", function()
  local running, connections

  before_each(function() connections = {} end)

  after_each(function()
    for _, connection in ipairs(connections) do connection:close() end
    running:stop(0)
  end)

  local function listen(more, handler)
    local options = tables.merge({ handler = handler or function() return 204 end }, more)
    running = assert(server.listen(options))
  end

  -- A new connection, which has sent some bytes.
  local function connect(bytes)
    local connection = raw.connect(running.port)
    connections[#connections + 1] = connection
    connection:send(bytes or "")
    return connection
  end

  -- The response of the server: status and body, or "closed".
  local function response_of(connection)
    local status, body
    runtime.spawn(function()
      local code, bytes = connection:read()
      status, body = code or "closed", bytes
    end)
    wait_for(function() return status end, "a response")
    return status, body
  end

  -- Whether the server has closed it.
  local function is_closed(connection)
    local _, problem, partial = connection.socket:receive(65536)
    connection.received = connection.received .. (partial or "")
    return problem == "closed"
  end

  local CHUNKED = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

  -- How a request begins, and the bytes that follow repeatedly.
  local slow = {
    ["a header line"] = { "GET / HTTP/1.1\r\nHost: x\r\nX: ", "x" },
    ["headers"] = { "GET / HTTP/1.1\r\nHost: x\r\n", "X: y\r\n" },
    ["empty lines before a request"] = { "", "\r\n" },
    ["a body"] = { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n", "x" },
    ["a body that is too large"] = { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n", "x" },
    ["chunks"] = { CHUNKED, "1\r\nx\r\n" },
    ["an extension of a chunk"] = { CHUNKED .. "1;", "x" },
    ["trailers"] = { CHUNKED .. "0\r\n", "X: y\r\n" },
    ["the next request of a reused connection"] = { GET .. "GET ", "/" },
  }

  it("count bytes that came in time, however late they are read, and however many they are", function()
    local late, large
    listen({ timeout = 1 }, function(request)
      if request.path ~= "/blocks" then return 204 end
      late:send "llo"
      large:send(("x"):rep(100000))
      local ends = runtime.monotonic() + 1.2
      while runtime.monotonic() < ends do end -- luacheck: ignore 542
      return 204
    end)
    late = connect "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe"
    large = connect "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    connect "GET /blocks HTTP/1.1\r\nHost: x\r\n\r\n"
    assert.equal(204, (response_of(late)))
    assert.equal(204, (response_of(large)))
  end)

  it("limit a request that is sent byte by byte, in each of its parts", function()
    listen { timeout = 1 }
    local left = {}
    for what, bytes in pairs(slow) do left[what] = { connection = connect(bytes[1]), bytes = bytes[2], sent = 0 } end
    wait_for(function()
      for what, one in pairs(left) do
        local at = one.sent % #one.bytes + 1
        one.connection:send(one.bytes:sub(at, at))
        one.sent = one.sent + 1
        if is_closed(one.connection) then left[what] = nil end
      end
      runtime.sleep(0.02)
      return next(left) == nil
    end, "the end of slow requests")
  end)

  it("start again with each request of a connection", function()
    listen { timeout = 3 }
    local connection = connect()
    for _ = 1, 4 do
      connection:send(GET)
      assert.equal(204, (response_of(connection)))
      runtime.sleep(1.1)
    end
  end)

  it("do not limit a handler", function()
    listen({ timeout = 1 }, function()
      runtime.sleep(1.2)
      return 204
    end)
    assert.equal(204, (response_of(connect(GET))))
  end)

  it("limit a response that is not received, or byte by byte", function()
    local large, handled = ("x"):rep(30000000), 0
    listen({ timeout = 1 }, function()
      handled = handled + 1
      return 200, nil, large
    end)
    connect(GET)
    local slowly = connect(GET)
    wait_for(function() return handled == 2 end)
    local taken = 0
    wait_for(function()
      local bytes, _, partial = slowly.socket:receive(16384)
      taken = taken + #(bytes or partial)
      return running._core:active() == 0
    end, "the end of responses that are not received")
    assert.is_true(taken < #large)
  end)

  it("evict the oldest incomplete connection for an incoming one", function()
    listen { max_connections = 3 }
    local idle, half, third = connect(), connect "POST / HT", connect()
    assert.equal(204, (response_of(connect(GET))))
    assert.is_true(wait_for(function() return is_closed(idle) end))
    assert.is_false(is_closed(half))
    assert.is_false(is_closed(third))
    assert.equal(204, (response_of(connect(GET))))
    assert.is_true(wait_for(function() return is_closed(half) end))
    third:send(GET)
    assert.equal(204, (response_of(third)))
  end)

  it("count from the last request: a reused connection is not evicted", function()
    listen { max_connections = 3 }
    local reused = connect(GET)
    assert.equal(204, (response_of(reused)))
    local began = runtime.monotonic()
    for _ = 1, 20 do
      connect()
      reused:send(GET)
      assert.equal(204, (response_of(reused)))
      if runtime.monotonic() - began > 0.2 then break end
    end
  end)

  it("close a busy connection after a response when incoming connections wait", function()
    listen { max_connections = 1 }
    wait_for(function()
      local reused, waiting = connect(), connect(GET)
      local status, head, _
      repeat
        reused:send(GET)
        status, _, head = reused:read()
      until not status or head:find("Connection: close", 1, true)
      assert.equal(204, (response_of(waiting)))
      return status -- nil: this process stalled for so long that the idle connection was evicted
    end, "the last response")
  end)

  it("do not evict a connection while its request is handled or its response is sent", function()
    local handled, resume = 0, runtime.latch()
    listen({ max_connections = 4 }, function(request)
      handled = handled + 1
      if request.path == "/wait" then resume:wait(60) end
      return 200, nil, request.path == "/large" and ("x"):rep(10000000) or "x"
    end)
    local waiting = connect "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
    local large = connect "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
    wait_for(function() return handled == 2 end)
    for _ = 1, 20 do
      connect()
      local status = response_of(connect(GET))
      assert.equal(200, status)
    end
    resume:open()
    assert.equal(200, (response_of(waiting)))
    assert.equal(10000000, #select(2, response_of(large)))
  end)

  it("admit an incoming connection where only one is allowed", function()
    listen { max_connections = 1 }
    for _ = 1, 20 do
      connect()
      assert.equal(204, (response_of(connect(GET))))
    end
  end)

  it("let complete requests wait until they are admitted, and close none of them", function()
    listen({ max_connections = 10 }, function()
      runtime.sleep(0.02)
      return 204
    end)
    for _ = 1, 100 do connect(GET) end
    for i = 1, 100 do assert.equal(204, (response_of(connections[i])), "request " .. i) end
  end)

  it("let complete requests wait that come while all connections are busy", function()
    listen({ max_connections = 2 }, function()
      runtime.sleep(0.12)
      return 204
    end)
    for _ = 1, 6 do
      connect(GET)
      runtime.sleep(0.05)
    end
    for i = 1, 6 do assert.equal(204, (response_of(connections[i])), "request " .. i) end
  end)

  it("leave a connection the time to send its request before it is evicted", function()
    listen { max_connections = 1 }
    local first = connect()
    runtime.sleep(0.01)
    local second = connect(GET)
    runtime.sleep(0.01)
    first:send(GET)
    assert.equal(204, (response_of(first)))
    assert.equal(204, (response_of(second)))
  end)

  it("accept a request that came while a handler blocked the loop, however large it is", function()
    local reused
    listen({ max_connections = 2 }, function(request)
      if request.path ~= "/blocks" then return 204 end
      reused:send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" .. ("x"):rep(60000))
      for _ = 1, 5 do connect() end
      local ends = runtime.monotonic() + 0.15
      while runtime.monotonic() < ends do end -- luacheck: ignore 542
      return 204
    end)
    reused = connect(GET)
    assert.equal(204, (response_of(reused)))
    assert.equal(204, (response_of(connect "GET /blocks HTTP/1.1\r\nHost: x\r\n\r\n")))
    assert.equal(204, (response_of(reused)))
  end)

  it("read what a new connection has sent before it may be evicted", function()
    listen { max_connections = 1 }
    local together = {}
    for i = 1, 5 do together[i] = connect(GET) end
    for i = 1, 5 do assert.equal(204, (response_of(together[i]))) end
  end)
end)
