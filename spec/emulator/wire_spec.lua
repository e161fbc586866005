-- How a server in a test can end a connection instead of sending a response.

local core = require "apivideo.server.core"
local raw = require "spec.support.raw"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
local socket = require "socket"
local wait_for = require "spec.support.wait"

local REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

describe("server, broken connections", function()
  local running

  after_each(function()
    if running then running:stop(0) end
    running = nil
  end)

  -- Starts a server that cuts every connection, except for requests to /ok.
  local function cutting(bytes, ending)
    running = assert(server.listen { handler = function(request)
      if request.path == "/ok" then return 204 end
      return nil, nil, bytes, ending
    end })
    return raw.connect(running.port)
  end

  -- Sends a request: the bytes received, and how the connection ended.
  local function outcome(connection)
    connection:send(REQUEST)
    local received, problem
    wait_for(function()
      local data, err, partial = connection.socket:receive(65536)
      received = (received or "") .. (data or partial)
      problem = err ~= "timeout" and err
      return problem
    end, "the end of the connection")
    return received, problem
  end

  it("closes a connection after some bytes", function()
    assert.same({ "half of it", "closed" }, { outcome(cutting("half of it", "close")) })
    running:stop(0)
    assert.same({ "", "closed" }, { outcome(cutting("", "close")) })
  end)

  it("resets a connection, so that the client's socket has an error", function()
    local connection = cutting("", "reset")
    connection:send(REQUEST)
    wait_for(function() return connection.socket:getoption("error") end, "the reset")
  end)

  it("cuts a reused connection", function()
    local connection = cutting("half", "close")
    connection:send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.equal(204, (connection:read()))
    assert.same({ "half", "closed" }, { outcome(connection) })
  end)

  it("holds a connection until the client closes it", function()
    local connection = cutting("half", "hold")
    connection:send(REQUEST)
    wait_for(function() return connection.socket:receive(4) end, "the bytes")
    assert.equal(1, running._core:active())
    local another = raw.connect(running.port)
    another:send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.equal(204, (another:read()))
    assert.equal(1, running._core:active())
    another:close()
    connection:close()
    wait_for(function() return running._core:active() == 0 end, "the end of the request")
  end)

  it("holds several connections, which are closed in any order", function()
    local connections = { cutting("", "hold") }
    for i = 2, 4 do connections[i] = raw.connect(running.port) end
    for _, connection in ipairs(connections) do connection:send(REQUEST) end
    wait_for(function() return running._core:active() == 4 end, "four requests")
    for left, i in ipairs { 3, 1, 4, 2 } do
      connections[i]:close()
      wait_for(function() return running._core:active() == 4 - left end, "the end of a request")
    end
  end)

  it("closes the held connections when it stops", function()
    local connection = cutting("half", "hold")
    local sleeping = false
    runtime.spawn(function()
      wait_for(function() return running._core:active() == 1 end, "a request")
      sleeping = true
      running:stop(600)
    end)
    assert.same({ "half", "closed" }, { outcome(connection) })
    assert.is_true(sleeping)
    wait_for(function() return running._is_closed end, "the end of the server")
  end)

  it("closes the held connections when it stops without a grace period", function()
    for _, ending in ipairs { "hold", "close", "reset" } do
      local connection = cutting("", ending)
      connection:send(REQUEST)
      if ending == "hold" then
        wait_for(function() return running._core:active() == 1 end, "a request")
      end
      running:stop(0)
      connection:close()
    end
  end)

  it("cuts a request once, and can be closed while the connection is held", function()
    local instance = assert(core.new("127.0.0.1", 0, 1, 1, 1))
    local _, port = instance:address()
    local connection = raw.connect(port)
    connection:send(REQUEST)
    local id = wait_for(function()
      instance:run()
      return instance:next()
    end, "a request")
    assert.is_true(instance:cut(id, "", "hold"))
    for _, ending in ipairs { "hold", "close", "reset" } do assert.is_false(instance:cut(id, "", ending)) end
    assert.is_false(instance:respond(id, 200))
    instance:close()
    assert.is_nil((connection:read()))
    connection:close()
  end)

  it("ends a held request and one with a response after the client resets the connection", function()
    local instance = assert(core.new("127.0.0.1", 0, 1, 1, 1))
    local _, port = instance:address()
    for _, held in ipairs { true, false } do
      local connection = assert(socket.connect("127.0.0.1", port))
      connection:send(REQUEST)
      local id = wait_for(function()
        instance:run()
        return instance:next()
      end, "a request")
      if held then assert.is_true(instance:cut(id, "", "hold")) end
      connection:setoption("linger", { on = true, timeout = 0 })
      connection:close()
      if not held then assert.is_true(instance:respond(id, 204)) end
      wait_for(function()
        instance:run()
        return instance:active() == 0
      end, "the end of the request")
      assert.is_false(instance:respond(id, 204))
    end
    instance:close()
  end)

  it("does not hold a connection after stop was called", function()
    local go = runtime.latch()
    running = assert(server.listen { handler = function()
      go:wait()
      return nil, nil, "", "hold"
    end })
    local connection = raw.connect(running.port)
    connection:send(REQUEST)
    wait_for(function() return running._core:active() == 1 end, "a request")
    local stopped = false
    runtime.spawn(function()
      running:stop(600)
      stopped = true
    end)
    runtime.spawn(function() go:open() end)
    wait_for(function() return stopped end, "the end of the server")
  end)

  it("sends only as much as the socket's buffer takes", function()
    local connection = cutting(("x"):rep(50 * 1024 * 1024), "close")
    local received, problem = outcome(connection)
    assert.equal("closed", problem)
    assert.is_true(#received > 0 and #received < 50 * 1024 * 1024)
  end)

  it("closes the given number of new connections", function()
    running = assert(server.listen { handler = function() return 204 end })
    running:refuse(2)
    for i = 1, 4 do
      local connection = raw.connect(running.port)
      connection:send(REQUEST)
      assert.equal(i > 2 and 204 or nil, (connection:read()))
      connection:close()
    end
    running:refuse(math.huge)
    for _ = 1, 3 do
      local connection = assert(socket.connect("127.0.0.1", running.port))
      connection:settimeout(0)
      wait_for(function() return select(2, connection:receive(1)) == "closed" end, "the connection to be closed")
    end
    running:refuse(0)
    assert.equal(204, (raw.exchange(running.port, REQUEST)))
  end)

  it("raises an error for invalid arguments", function()
    local instance = assert(core.new("127.0.0.1", 0, 1, 1, 1))
    for _, arguments in ipairs { {}, { "x", "", "close" }, { 1, nil, "close" }, { 1, "", "no" }, { 1, "" } } do
      assert.is_false(pcall(instance.cut, instance, arguments[1], arguments[2], arguments[3]))
    end
    for _, connections in ipairs { -1, 0 / 0, "x" } do
      assert.is_false(pcall(instance.refuse, instance, connections))
    end
    assert.is_false(instance:cut(1, "", "close"))
    instance:close()
    assert.is_false(instance:cut(1, "", "close"))
    instance:refuse(1)
  end)
end)
