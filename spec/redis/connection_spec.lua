-- Connections of apivideo.redis.core: their states, limits and failures.

local core = require "apivideo.redis.core"
local free_port = require "spec.support.free_port"
local process = require "spec.support.process"
local redis_server = require "spec.support.redis"
local resp = require "spec.support.resp"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local await, connect = resp.await, resp.connect

describe("a connection to Redis", function()
  it("is idle, sends one command at a time, and is reused", function()
    local server = resp.sending "+PONG\r\n"
    local connection = connect(server.port)
    assert.equal("idle", await(connection))
    assert.equal("idle", connection:step())
    for _ = 1, 3 do
      assert.is_true(connection:is_usable())
      connection:send("PING", 1, 2.5)
      assert.has_error(function() connection:send "PING" end, "the reply to another command is pending")
      assert.is_false(connection:is_usable())
      assert.same({ "reply", "PONG" }, { await(connection) })
    end
    assert.equal(1, server.connections)
    connection:close()
    connection:close()
    assert.same({ nil, "the connection is closed" }, { connection:step() })
    assert.is_false(connection:is_usable())
    connection:send "PING"
    server.stop()
  end)

  it("is not reused once the server has closed it", function()
    local server = resp.sending("+PONG\r\n", true)
    local connection = connect(server.port)
    connection:send "PING"
    assert.same({ "reply", "PONG" }, { await(connection) })
    wait_for(function() return not connection:is_usable() end, "the end of the connection")
    connection:close()
    server.stop()
  end)

  it("sends a command that was given before it was open, and one larger than the socket's buffer", function()
    local received = 0
    local size = 8 * 1024 * 1024
    local server = require("spec.support.peer").start(function(peer)
      while received < size and peer:read_more() do
        received = received + #peer.received
        peer.received = ""
      end
      peer:send ":1\r\n"
    end)
    local connection = connect(server.port)
    connection:send("SET", "key", ("x"):rep(size))
    assert.same({ "reply", 1 }, { await(connection) })
    assert.is_true(received > size)
    server.stop()
  end)

  it("cannot be opened without a server", function()
    local port = tonumber(free_port())
    for _, host in ipairs { "127.0.0.1", "::1", "localhost" } do
      local state, problem = await(connect(port, { host = host }))
      assert.is_nil(state)
      local expected = problem:find("Connection refused", 1, true) or problem:find("assign requested", 1, true)
      assert.truthy(expected, problem)
    end
    local connection, problem = core.connect { path = "/nowhere/redis.sock", reply_max = 1 }
    assert.is_nil(connection)
    assert.equal("No such file or directory", problem)
    connection, problem = core.connect { path = ("x"):rep(200), reply_max = 1 }
    assert.is_nil(connection)
    assert.equal("File name too long", problem)
    assert.is_nil(await(connect(1, { host = "no-such-name.invalid" })))
  end)

  it("tries each address of a name", function()
    local server = resp.sending "+PONG\r\n" -- at 127.0.0.1 only; localhost may have ::1, too
    local connection = connect(server.port, { host = "localhost" })
    assert.equal("idle", await(connection))
    connection:close()
    server.stop()
  end)

  it("raises for misuse", function()
    assert.has_error(function() core.connect(1) end)
    assert.has_error(function() core.connect {} end, "field \"host\" must be a string, got nil")
    assert.has_error(function() core.connect { host = "a\0b", port = 1, reply_max = 1 } end,
      "field \"host\" must not contain a NUL byte")
    assert.has_error(function() core.connect { host = "x", port = 0, reply_max = 1 } end)
    local server = resp.sending "+PONG\r\n"
    local connection = connect(server.port)
    assert.has_error(function() connection:send() end)
    assert.has_error(function() connection:send {} end)
    connection:close()
    server.stop()
  end)

  it("lets another task run while the server is slow", function()
    local ticks, reply = 0, nil
    local server = require("spec.support.peer").start(function(peer)
      peer:read_more()
      while ticks < 5 do runtime.sleep(0.01) end
      peer:send "+late\r\n"
    end)
    runtime.run(function()
      runtime.spawn(function()
        while not reply do
          ticks = ticks + 1
          runtime.sleep(0.01)
        end
      end)
      local connection = connect(server.port)
      connection:send "PING"
      reply = select(2, await(connection))
    end)
    server.stop()
    assert.equal("late", reply)
  end)

  it("can be closed during a wait", function()
    local server = resp.sending {}
    local connection = connect(server.port)
    connection:send "PING"
    local state, problem
    runtime.run(function()
      runtime.spawn(function()
        runtime.sleep(0.05)
        connection:close()
        runtime.sleep(0.05)
      end)
      runtime.watch(connection, function() end)
      repeat
        runtime.sleep(0.01)
        state, problem = connection:step()
      until state ~= "waiting"
      runtime.unwatch(connection)
    end)
    server.stop()
    assert.same({ nil, "the connection is closed" }, { state, problem })
  end)

  it("can be closed while its name is looked up", function()
    for _ = 1, 50 do connect(1, { host = "localhost" }):close() end
    for _ = 1, 50 do connect(1, { host = "localhost" }) end
    collectgarbage()
    collectgarbage()
  end)

  it("works with descriptors above 1024 #process", function()
    local output = process.run({ "-e", [[
      local resp = require "spec.support.resp"
      local socket = require "socket"
      local files = {}
      for i = 1, 1100 do files[i] = assert(io.open "/dev/null") end
      local listening = assert(socket.bind("127.0.0.1", 0))
      local connection = resp.connect((select(2, listening:getsockname())))
      connection:send "PING"
      assert(connection:step() == "waiting")
      local reads, writes = {}, {}
      connection:list_fds(reads, writes)
      assert((reads[1] or writes[1]) > 1024)
      local accepted = assert(listening:accept())
      accepted:settimeout(5)
      local function poll() return require("apivideo.runtime").sleep(0.001) end
      repeat poll() connection:step() until accepted:receive(4)
      accepted:send "+PONG\r\n"
      print(resp.await(connection))
    ]] }, "sh -c 'ulimit -n 4096; exec \"$@\"' sh")
    assert.truthy(output:find("reply\tPONG", 1, true), output)
  end)

  it("is closed in a forked child, and stays open in the parent #process", function()
    local missing = redis_server.missing()
    if missing then pending(missing) end
    local server = redis_server.start()
    local output = process.run { "-e", ([[
      local native = require "spec.support.native"
      local resp = require "spec.support.resp"
      local connection, other = resp.connect(%d), resp.connect(%d)
      connection:send("SET", "key", "value")
      print(resp.await(connection))
      connection:send("BLPOP", "other", "0.3") -- pending in both processes
      connection:step()
      io.stdout:flush()
      local pid = native.fork()
      if pid == 0 then
        print(connection:step())
        print(connection:is_usable())
        connection:close()
        other:close()
        io.stdout:flush()
        native.exit(0)
      end
      os.execute "sleep 0.2"
      print(resp.await(connection))
      print(resp.await(other))
    ]]):format(server.port, server.port) }
    server:stop()
    assert.equal("reply\tOK\nnil\tthe connection belongs to the parent process\nfalse\n"
      .. "reply\tfalse\nidle\tnil\n", output)
  end)
end)
