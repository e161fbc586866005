local core = require "apivideo.server.core"
local libmicrohttpd = require "spec.support.libmicrohttpd"
local poller = require "spec.support.poller"
local raw = require "spec.support.raw"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
local stderr = require "spec.support.stderr"
local tables = require "apivideo.util.tables"
local wait_for = require "spec.support.wait"

describe("server", function()
  local running, written

  before_each(function() written = stderr.catch() end)

  after_each(function()
    stderr.release()
    if running then running:stop(0) end
    running = nil
  end)

  -- Starts a server with a handler, or with options.
  local function listen(handler, more)
    local options = tables.merge({ handler = handler }, more)
    running = assert(server.listen(options))
    return running.port
  end

  -- Responds with the parts of the request, one on a line.
  local function echo(request)
    return 200, { ["X-Peer"] = request.peer }, table.concat({ request.method, request.target,
      request.path, tostring(request.headers["X-A"]), request.body }, "\n")
  end

  it("passes the parts of a request to the handler, and sends its response", function()
    local port = listen(echo)
    local status, body, head = raw.exchange(port,
      "POST /a%2Fb?c=%20d HTTP/1.1\r\nHost: x\r\nX-a: 1\r\nContent-Length: 5\r\n\r\nhello")
    assert.equal(200, status)
    assert.equal("POST\n/a%2Fb?c=%20d\n/a%2Fb\n1\nhello", body)
    assert.truthy(head:find("X-Peer: 127.0.0.1\r\n", 1, true))
  end)

  it("decodes a query when it is read", function()
    local query
    local port = listen(function(request)
      query = request.query
      return 204
    end)
    assert.equal(204, (raw.exchange(port, "GET /?a=1&b=x%20y+z&c&a=2&a=&%41=%zz HTTP/1.1\r\nHost: x\r\n\r\n")))
    assert.same({ a = { "1", "2", "" }, b = "x y z", c = "", A = "%zz" }, query)
  end)

  it("accepts any method, and sends no body to HEAD", function()
    local port = listen(echo)
    for _, method in ipairs { "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "MADEUP" } do
      local _, body = raw.exchange(port, method .. " / HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal(method .. "\n/", body:match("^[^\n]*\n[^\n]*"))
    end
    local connection = raw.connect(port)
    connection:send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    while connection:read_more() do runtime.sleep(0) end
    assert.truthy(connection.received:find("^HTTP/1.1 200 "))
    assert.truthy(connection.received:find("\r\n\r\n$"))
    connection:close()
  end)

  it("passes all values of a repeated header", function()
    local headers
    local port = listen(function(request)
      headers = request.headers
      return 204
    end)
    raw.exchange(port, "GET / HTTP/1.1\r\nHost: x\r\nX-Two: a\r\nx-two: b\r\nX-One: c\r\n\r\n")
    assert.same({ "a", "b" }, headers["X-TWO"])
    assert.equal("c", headers["x-one"])
  end)

  it("reuses connections, and accepts pipelined requests", function()
    local port = listen(echo)
    local connection = raw.connect(port)
    connection:send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
      .. "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
    for i = 1, 3 do
      local status, body = connection:read()
      assert.equal(200, status)
      assert.truthy(body:find("\n/" .. i .. "\n", 1, true))
    end
    connection:close()
  end)

  it("accepts chunked bodies, slow ones, and Expect", function()
    local port = listen(echo)
    local connection = raw.connect(port)
    connection:send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
    runtime.sleep(0.01)
    connection:send("lo\r\n1\r\n!\r\n0\r\n\r\n")
    assert.truthy(select(2, connection:read()):find("hello!$"))
    connection:close()
    connection = raw.connect(port)
    connection:send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    wait_for(function() return connection:read_more() and connection.received:find("100 Continue") end)
    connection:send("ok")
    assert.truthy(select(2, connection:read()):find("ok$"))
    connection:close()
  end)

  it("passes bytes unchanged, NUL included", function()
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    bytes = table.concat(bytes):rep(50)
    local port = listen(function(request) return 200, nil, request.body end)
    local _, body = raw.exchange(port,
      ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"):format(#bytes, bytes))
    assert.equal(bytes, body)
  end)

  it("responds 400 to ambiguous framing", function()
    local port = listen(echo)
    for _, head in ipairs { "Content-Length: 5\r\nTransfer-Encoding: chunked",
      "Content-Length: 5\r\nContent-Length: 6", "Content-Length: x", "Content-Length: -1" } do
      local status = raw.exchange(port, "POST / HTTP/1.1\r\nHost: x\r\n" .. head .. "\r\n\r\n0\r\n\r\n")
      -- libmicrohttpd checks the digits by itself.
      local is_silent = libmicrohttpd.is_silent and head:find "^Content%-Length: %D"
      assert.is_true(status == 400 or is_silent and not status, head)
    end
  end)

  it("responds 413 beyond max_body, and serves the next request", function()
    local sizes = {}
    local port = listen(function(request)
      sizes[#sizes + 1] = #request.body
      return 204
    end, { max_body = 1000 })
    local function post(head, body)
      return (raw.exchange(port, "POST / HTTP/1.1\r\nHost: x\r\n" .. head .. "\r\n\r\n" .. body))
    end
    assert.equal(204, post("Content-Length: 1000", ("x"):rep(1000)))
    assert.equal(413, post("Content-Length: 1001", ("x"):rep(1001)))
    assert.equal(413, post("Content-Length: 10485760", ("x"):rep(10485760)))
    assert.equal(204, post("Transfer-Encoding: chunked", "3e8\r\n" .. ("x"):rep(1000) .. "\r\n0\r\n\r\n"))
    assert.equal(413, post("Transfer-Encoding: chunked", "3e8\r\n" .. ("x"):rep(1000)
      .. "\r\n1\r\nx\r\n0\r\n\r\n"))
    assert.equal(413, post("Transfer-Encoding: chunked",
      ("10000\r\n" .. ("x"):rep(65536) .. "\r\n"):rep(160) .. "0\r\n\r\n"))
    assert.same({ 1000, 1000 }, sizes)
    local status = post("Content-Length: 99999999999999999999", "") -- decided by libmicrohttpd, by its version
    assert.is_true(status == 413 or status == 400 or libmicrohttpd.is_silent and not status, status)
    assert.equal(413, post("Content-Length: 999999999999", ""))
    assert.equal(2, #sizes)
  end)

  it("closes the connection of a request that does not end", function()
    local port = listen(echo, { timeout = 1 })
    local connection = raw.connect(port)
    connection:send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    -- A byte every 50 ms: the connection is never idle.
    wait_for(function()
      connection:send("x")
      runtime.sleep(0.05)
      local _, problem = connection.socket:receive(1)
      return problem == "closed"
    end, "the end of a slow request")
    connection:close()
    local idle = raw.connect(port)
    idle:send("POST / HTTP/1.1\r\nHost:")
    assert.is_nil((idle:read()))
    idle:close()
  end)

  it("survives clients that close the connection at any time", function()
    local waiting, resume = 0, runtime.latch()
    local port = listen(function(request)
      if request.path == "/wait" then
        waiting = waiting + 1
        resume:wait(60)
      end
      return 200, nil, ("x"):rep(1000000)
    end, { timeout = 1 }) -- until libmicrohttpd notices clients that left in the middle of a body
    for _, bytes in ipairs { "", "GE", "GET / HTTP/1.1\r\nHo",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" } do
      for _, reset in ipairs { true, false } do
        local before = waiting
        local connection = raw.connect(port)
        connection:send(bytes)
        if bytes:find("wait") then
          wait_for(function() return waiting > before end)
        else
          runtime.sleep(0)
        end
        if reset then connection.socket:setoption("linger", { on = true, timeout = 0 }) end
        connection:close()
      end
    end
    resume:open()
    assert.equal(200, (raw.exchange(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")))
    wait_for(function() return running._core:active() == 0 end)
  end)

  it("serves others while handlers wait", function()
    local waiting, all = 0, runtime.latch()
    local port = listen(function()
      waiting = waiting + 1
      if waiting == 100 then all:open() end
      all:wait(30)
      return 200, nil, "x"
    end)
    local statuses = {}
    for i = 1, 100 do
      runtime.spawn(function()
        local status = raw.exchange(port, "GET /" .. i .. " HTTP/1.1\r\nHost: x\r\n\r\n")
        statuses[#statuses + 1] = status
      end)
    end
    wait_for(function() return #statuses == 100 end, "100 responses")
    for i = 1, 100 do assert.equal(200, statuses[i]) end
  end)

  it("lets other tasks run however many requests there are", function()
    local CONNECTIONS, REQUESTS = 8, 50
    local handled, seen, connections = 0, nil, {}
    local port = listen(function()
      handled = handled + 1
      local busy = runtime.monotonic() + 0.001
      repeat until runtime.monotonic() >= busy
      return 204
    end)
    for i = 1, CONNECTIONS do
      connections[i] = raw.connect(port)
      connections[i]:send(("GET / HTTP/1.1\r\nHost: x\r\n\r\n"):rep(REQUESTS))
    end
    runtime.run(function()
      wait_for(function() return handled > 0 end, "the first response")
      runtime.sleep(0.01)
      seen = handled
      wait_for(function() return handled == CONNECTIONS * REQUESTS end, "all responses")
    end)
    for _, connection in ipairs(connections) do connection:close() end
    assert.is_true(seen <= 100, seen .. " were handled before another task ran")
  end)

  it("sends a response before the tasks that its handler spawned, which may block", function()
    local connection, received
    local port = listen(function(request)
      if request.path == "/later" then runtime.sleep(0.002) end
      runtime.spawn(function()
        connection.socket:settimeout(5)
        received = connection.socket:receive "*l" or "nothing"
      end)
      return 204
    end)
    for _, path in ipairs { "/at-once", "/later" } do
      received, connection = nil, raw.connect(port)
      connection:send("GET " .. path .. " HTTP/1.1\r\nHost: x\r\n\r\n")
      wait_for(function() return received end, "the spawned task")
      connection:close()
      assert.equal("HTTP/1.1 204 No Content", received, path)
    end
  end)

  it("accepts no more than max_connections while their requests are handled", function()
    local handled, resume = 0, runtime.latch()
    local port = listen(function()
      handled = handled + 1
      resume:wait(60)
      return 204
    end, { max_connections = 2 })
    local connections = {}
    for i = 1, 3 do
      connections[i] = raw.connect(port)
      connections[i]:send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    end
    wait_for(function() return handled == 2 end)
    runtime.sleep(0.01)
    assert.equal(2, handled)
    resume:open()
    for i = 1, 3 do
      assert.equal(204, (connections[i]:read()))
      connections[i]:close()
    end
  end)

  it("responds 500 when a handler fails, with the reason only in the log", function()
    local port = listen(function() error("secret reason", 0) end)
    local status, body = raw.exchange(port, "GET /path HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.equal(500, status)
    assert.equal("", body)
    assert.truthy(written[1]:find("the handler of GET /path failed: secret reason", 1, true))
  end)

  it("responds 500 when a handler yields to another scheduler, and serves the next request", function()
    local taken
    local port = listen(function(request)
      if request.path == "/next" then return 200, nil, "next" end
      taken = coroutine.running()
      coroutine.yield "to another scheduler"
      return 200, nil, "late"
    end)
    assert.equal(500, (raw.exchange(port, "GET /yields HTTP/1.1\r\nHost: x\r\n\r\n")))
    assert.truthy(written[1]:find("yielded to a scheduler other than", 1, true))
    assert.is_true(coroutine.resume(taken))
    local status, body = raw.exchange(port, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.equal(200, status)
    assert.equal("next", body)
  end)

  it("responds 500 when a handler raises an object that cannot be printed", function()
    local port = listen(function() error(setmetatable({}, { __tostring = function() return {} end })) end)
    assert.equal(500, (raw.exchange(port, "GET /path HTTP/1.1\r\nHost: x\r\n\r\n")))
    assert.truthy(written[1]:find("the handler of GET /path failed: an error object whose __tostring", 1, true))
  end)

  it("responds 500 when a handler returns an invalid response", function()
    local result
    local port = listen(function() return (table.unpack or unpack)(result, 1, 3) end)
    for _, bad in ipairs { {}, { "200" .. "x" }, { 99 }, { 600 }, { 200, "x" }, { 200, { a = {} } },
      { 200, { 5 } }, { 200, { ["X-A"] = "a\r\nX-B: b" } }, { 200, { ["X\nA"] = "a" } },
      { 200, { ["X-A"] = "a\0b" } }, { 200, { ["Content-Length"] = "5" } }, { 200, {}, {} } } do
      result = bad
      local status, _, head = raw.exchange(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal(500, status)
      assert.is_nil(head:find("X%-B"))
    end
    assert.equal(12, #written)
  end)

  it("ignores a response to a request that no longer exists, and a second response", function()
    local id
    local instance = assert(core.new("127.0.0.1", 0, 1000, 30, 10))
    local _, port = instance:address()
    local watched = poller.source(instance)
    runtime.watch(watched, function()
      instance:run()
      id = id or instance:next()
    end)
    local connection = raw.connect(port)
    connection:send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_for(function() return id end)
    assert.is_true(instance:respond(id, 204))
    assert.is_false(instance:respond(id, 204))
    instance:run()
    assert.equal(204, (connection:read()))
    for _, stale in ipairs { id, 0, -1, 12345, 2 ^ 60, 1e300, -1e300, math.huge, 0 / 0 } do
      assert.is_false(instance:respond(stale, 204))
      assert.is_false(instance:cut(stale, "", "close"))
    end
    assert.is_false(pcall(instance.refuse, instance, 0 / 0))
    assert.is_false(pcall(instance.refuse, instance, -1))
    instance:refuse(1e300)
    instance:refuse(0)
    connection:close()
    runtime.unwatch(watched)
    instance:close()
    instance:close()
    assert.is_false(instance:respond(id, 204))
    assert.is_nil(instance:run())
    assert.is_nil((instance:next()))
  end)
end)
