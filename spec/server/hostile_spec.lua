--- Hostile clients of a receiver in a process of its own: legitimate deliveries still get their responses, and the
--- memory and descriptors of the process are limited.

local crowd = require "spec.support.crowd"
local process = require "spec.support.process"
local raw = require "spec.support.raw"
local receiver_process = require "spec.support.receiver_process"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
local wait_for = require "spec.support.wait"

local MAX_CONNECTIONS, CROWD, TURN = 40, 80, 10

describe("receiver under attack #process", function()
  local receiver, attackers

  after_each(function()
    if attackers then attackers:leave() end
    attackers = nil
    receiver:stop()
  end)

  -- Starts a crowd of clients that attack until the test ends.
  local function attack(size, what)
    local mine = crowd.new(receiver.port, size, what)
    attackers = mine
    runtime.spawn(function()
      while attackers == mine do
        mine:turn(TURN) -- fewer than MAX_CONNECTIONS: a legitimate client has the time of some turns
        runtime.sleep(0.005)
      end
    end)
    wait_for(function() return mine.came >= size end)
  end

  for name, what in pairs(crowd.attacks) do
    it("responds to legitimate deliveries beside " .. name, function()
      receiver = receiver_process.start { max_connections = MAX_CONNECTIONS, timeout = 1 }
      assert.equal(204, receiver:deliver())
      local memory, descriptors = receiver:memory(), receiver:descriptors()
      attack(CROWD, what)
      for _ = 1, 10 do
        assert.equal(204, receiver:deliver())
        runtime.sleep(0.01)
      end
      -- (16 connections that were ended may not be closed yet.)
      assert.is_true(receiver:descriptors() <= descriptors + MAX_CONNECTIONS + 16, "descriptors")
      local _, most = receiver:memory()
      -- As much as their bodies. (AddressSanitizer keeps freed memory.)
      assert.is_true(os.getenv "ASAN_OPTIONS" ~= nil or most - memory < 20 + MAX_CONNECTIONS * 1.1, "memory")
    end)
  end

  it("frees requests that have more parameters in the target than fit", function()
    receiver = receiver_process.start()
    assert.equal(204, receiver:deliver()) -- its loop has loaded libcurl then
    local before = receiver:memory()
    attack(CROWD, { first = "GET /?" .. (("a"):rep(48) .. "&"):rep(280) .. " HTTP/1.1\r\nHost: x\r\n\r\n" })
    wait_for(function() return attackers.ended >= 800 end)
    assert.is_true(receiver:memory() - before < 6)
    assert.equal(204, receiver:deliver())
  end)

  it("limits all unfinished bodies together, and still receives small ones", function()
    receiver = receiver_process.start { max_body = 8 * 1048576, timeout = 60 }
    local body, lines = receiver_process.event()
    local legitimate = raw.connect(receiver.port)
    legitimate:send(("POST / HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: %d\r\n\r\n%s")
      :format(table.concat(lines, "\r\n"), #body, body:sub(1, 20)))
    local before = receiver:memory()
    attack(40, { first = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n" .. ("x"):rep(7999999) })
    wait_for(function() return attackers.ended >= 20 end, "the end of the largest")
    legitimate:send(body:sub(21))
    assert.equal(204, (legitimate:read()))
    legitimate:close()
    local _, most = receiver:memory()
    assert.is_true(most - before < 72 + 30)
  end)

  it("accepts a body although twice its memory would exceed the limit", function()
    receiver = assert(server.listen { max_body = 150 * 1048576, handler = function(request)
      return #request.body == 130 * 1048576 and 204 or 500
    end })
    local connection, part = raw.connect(receiver.port), ("x"):rep(1048576)
    connection:send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " .. 130 * 1048576 .. "\r\n\r\n")
    for _ = 1, 130 do connection:send(part) end
    assert.equal(204, (connection:read()))
    connection:close()
  end)

  it("counts bodies until a handler has them: waiting handlers block no request", function()
    local handled, resume = 0, runtime.latch()
    receiver = assert(server.listen { handler = function(request)
      handled = handled + 1
      resume:wait(60)
      return #request.body == 1048576 and 204 or 500
    end })
    local request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" .. ("x"):rep(1048576)
    local connections = {}
    for i = 1, 70 do
      connections[i] = raw.connect(receiver.port)
      connections[i]:send(request)
      wait_for(function() return handled == i end)
    end
    resume:open()
    for i = 1, 70 do
      assert.equal(204, (connections[i]:read()))
      connections[i]:close()
    end
  end)

  -- Opens all descriptors that the process may have except some, until a file exists.
  local hoard = [[
    local sleep = require("apivideo").sleep
    require("apivideo").spawn(function()
      local taken = {}
      sleep(0)
      repeat
        local file = io.open "/dev/null"
        taken[#taken + 1] = file
      until not file
      for _ = 1, %d do table.remove(taken):close() end
      print "hoarded"
      io.stdout:flush()
      local flag = %q
      repeat sleep(0.01) until os.rename(flag, flag) -- which needs no descriptor
      for _, file in pairs(taken) do file:close() end
    end)]]

  it("evicts connections when the process has no descriptor left", function()
    receiver = receiver_process.start { max_connections = 20, under = "prlimit --nofile=64",
      script = hoard:format(8, "none") }
    receiver.child:wait_for "hoarded"
    attack(CROWD, crowd.attacks["idle connections"])
    for _ = 1, 10 do assert.equal(204, receiver:deliver()) end
  end)

  -- accept4 fails for lack of a descriptor even if no connection waits.
  it("evicts no connection unless another one waits, with a single descriptor left", function()
    receiver = receiver_process.start { max_connections = 20, under = "prlimit --nofile=64",
      script = hoard:format(1, "none") }
    receiver.child:wait_for "hoarded"
    for _ = 1, 5 do assert.equal(204, receiver:deliver()) end
  end)

  it("waits without a busy loop while there is no descriptor, and accepts when there is one", function()
    local flag = os.tmpname()
    os.remove(flag)
    finally(function() os.remove(flag) end)
    receiver = receiver_process.start { max_connections = 20, under = "prlimit --nofile=64",
      script = hoard:format(0, flag) }
    receiver.child:wait_for "hoarded"
    local before, status = receiver:processor(), nil
    runtime.spawn(function() status = receiver:deliver() end)
    runtime.sleep(0.4)
    assert.is_nil(status)
    assert.is_true(receiver:processor() - before < 0.2)
    assert(io.open(flag, "w")):close()
    wait_for(function() return status end)
    assert.equal(204, status)
  end)
end)

it("server.listen reports a hard limit of descriptors below max_connections #process", function()
  local output = process.run({ "-e", [[
    local server = require "apivideo.server"
    print(server.listen { handler = print, max_connections = 41 })
    print(server.listen { handler = print, max_connections = 40 })]] }, "prlimit --nofile=64")
  assert.truthy(output:find("max_connections = 41 needs 65 descriptors, and this process may have 64", 1, true))
  assert.truthy(output:find("lower max_connections", 1, true))
  assert.truthy(output:find("\napivideo.Server: http://", 1, true))
end)
