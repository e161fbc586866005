--- How long a connection may stay, and who goes when there is no room for a newcomer.

local raw = require "spec.support.raw"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
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
    local given = { handler = handler or function() return 204 end }
    for name, value in pairs(more) do given[name] = value end
    running = assert(server.listen(given))
  end

  -- A new connection, which has sent some bytes.
  local function connect(bytes)
    local connection = raw.connect(running.port)
    connections[#connections + 1] = connection
    connection:send(bytes or "")
    return connection
  end

  -- What the server answers: status and body, or "closed".
  local function answer(connection)
    local status, body
    runtime.spawn(function()
      local code, bytes = connection:read()
      status, body = code or "closed", bytes
    end)
    wait_for(function() return status end, "an answer")
    return status, body
  end

  -- Whether the server has ended it.
  local function is_closed(connection)
    local _, problem, partial = connection.socket:receive(65536)
    connection.received = connection.received .. (partial or "")
    return problem == "closed"
  end

  local CHUNKED = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

  -- What a request begins with, and the bytes that come then, again and again.
  local slow = {
    ["a head"] = { "GET / HTTP/1.1\r\nHost: x\r\nX: ", "x" },
    ["headers"] = { "GET / HTTP/1.1\r\nHost: x\r\n", "X: y\r\n" },
    ["empty lines before a request"] = { "", "\r\n" },
    ["a body"] = { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n", "x" },
    ["a body that is too large"] = { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n", "x" },
    ["chunks"] = { CHUNKED, "1\r\nx\r\n" },
    ["an extension of a chunk"] = { CHUNKED .. "1;", "x" },
    ["trailers"] = { CHUNKED .. "0\r\n", "X: y\r\n" },
    ["the next request of a kept connection"] = { GET .. "GET ", "/" },
  }

  it("count what has come in time, however late it is read, and however much it is", function()
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
    assert.equal(204, (answer(late)))
    assert.equal(204, (answer(large)))
  end)

  it("bound a request that comes byte by byte, wherever it is", function()
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

  it("begin anew with each request of a connection", function()
    listen { timeout = 3 }
    local connection = connect()
    for _ = 1, 4 do
      connection:send(GET)
      assert.equal(204, (answer(connection)))
      runtime.sleep(1.1)
    end
  end)

  it("leave a handler its time, and the sender's wait for it", function()
    listen({ timeout = 1 }, function()
      runtime.sleep(1.2)
      return 204
    end)
    assert.equal(204, (answer(connect(GET))))
  end)

  it("bound an answer that nobody takes, or byte by byte", function()
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
    end, "the end of answers that are not taken")
    assert.is_true(taken < #large)
  end)

  it("end who has waited longest when there is no room for a newcomer", function()
    listen { max_connections = 3 }
    local idle, half, third = connect(), connect "POST / HT", connect()
    assert.equal(204, (answer(connect(GET))))
    assert.is_true(wait_for(function() return is_closed(idle) end))
    assert.is_false(is_closed(half))
    assert.is_false(is_closed(third))
    assert.equal(204, (answer(connect(GET))))
    assert.is_true(wait_for(function() return is_closed(half) end))
    third:send(GET)
    assert.equal(204, (answer(third)))
  end)

  it("count from the last request: a kept connection in use stays", function()
    listen { max_connections = 3 }
    local kept = connect(GET)
    assert.equal(204, (answer(kept)))
    local began = runtime.monotonic()
    for _ = 1, 20 do
      connect()
      kept:send(GET)
      assert.equal(204, (answer(kept)))
      if runtime.monotonic() - began > 0.2 then break end
    end
  end)

  it("close a connection in use after a response when others have waited for its place", function()
    listen { max_connections = 1 }
    wait_for(function()
      local kept, waiting = connect(), connect(GET)
      local status, head, _
      repeat
        kept:send(GET)
        status, _, head = kept:read()
      until not status or head:find("Connection: close", 1, true)
      assert.equal(204, (answer(waiting)))
      return status -- nil: this process stood still so long that the idle connection was evicted
    end, "the last response")
  end)

  it("spare whose request is handled, and whose answer is on its way", function()
    local handled, go_on = 0, runtime.latch()
    listen({ max_connections = 4 }, function(request)
      handled = handled + 1
      if request.path == "/wait" then go_on:wait(60) end
      return 200, nil, request.path == "/large" and ("x"):rep(10000000) or "x"
    end)
    local waiting = connect "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
    local large = connect "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
    wait_for(function() return handled == 2 end)
    for _ = 1, 20 do
      connect()
      local status = answer(connect(GET))
      assert.equal(200, status)
    end
    go_on:open()
    assert.equal(200, (answer(waiting)))
    assert.equal(10000000, #select(2, answer(large)))
  end)

  it("let a newcomer in where there is one place only", function()
    listen { max_connections = 1 }
    for _ = 1, 20 do
      connect()
      assert.equal(204, (answer(connect(GET))))
    end
  end)

  it("let whole requests wait for a place, and close none of them", function()
    listen({ max_connections = 10 }, function()
      runtime.sleep(0.02)
      return 204
    end)
    for _ = 1, 100 do connect(GET) end
    for i = 1, 100 do assert.equal(204, (answer(connections[i])), "request " .. i) end
  end)

  it("let whole requests wait that come while all places are taken", function()
    listen({ max_connections = 2 }, function()
      runtime.sleep(0.12)
      return 204
    end)
    for _ = 1, 6 do
      connect(GET)
      runtime.sleep(0.05)
    end
    for i = 1, 6 do assert.equal(204, (answer(connections[i])), "request " .. i) end
  end)

  it("give a connection the time to send its request before another one takes its place", function()
    listen { max_connections = 1 }
    local first = connect()
    runtime.sleep(0.01)
    local second = connect(GET)
    runtime.sleep(0.01)
    first:send(GET)
    assert.equal(204, (answer(first)))
    assert.equal(204, (answer(second)))
  end)

  it("let a request in that came while a handler kept the loop busy, however large it is", function()
    local kept
    listen({ max_connections = 2 }, function(request)
      if request.path ~= "/blocks" then return 204 end
      kept:send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" .. ("x"):rep(60000))
      for _ = 1, 5 do connect() end
      local ends = runtime.monotonic() + 0.15
      while runtime.monotonic() < ends do end -- luacheck: ignore 542
      return 204
    end)
    kept = connect(GET)
    assert.equal(204, (answer(kept)))
    assert.equal(204, (answer(connect "GET /blocks HTTP/1.1\r\nHost: x\r\n\r\n")))
    assert.equal(204, (answer(kept)))
  end)

  it("look what a newcomer has sent before he may go for another one", function()
    listen { max_connections = 1 }
    local together = {}
    for i = 1, 5 do together[i] = connect(GET) end
    for i = 1, 5 do assert.equal(204, (answer(together[i]))) end
  end)
end)
