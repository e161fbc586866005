--- Opening and stopping a server.

local core = require "apivideo.server.core"
local process = require "spec.support.process"
local raw = require "spec.support.raw"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
local wait_for = require "spec.support.wait"

describe("server", function()
  local running

  after_each(function()
    if running then running:stop(0) end
    running = nil
  end)

  local function listen(handler)
    running = assert(server.listen { handler = handler })
    return running.port
  end

  local function respond()
    return 200
  end

  it("is freed with requests in any state", function()
    for _, bytes in ipairs { "GET", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n" } do
      for _, take in ipairs { true, false } do
        local instance = assert(core.new("127.0.0.1", 0, 1000, 30, 10))
        local _, port = instance:address()
        local connection = raw.connect(port)
        connection:send(bytes)
        for _ = 1, 5 do
          instance:run()
          if take then instance:next() end
          runtime.sleep(0.001)
        end
        instance = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        connection:close()
      end
    end
  end)

  it("has a locked metatable, and no finalizer among its methods", function()
    local instance = assert(core.new("127.0.0.1", 0, 1000, 30, 10))
    assert.equal("apivideo.server", getmetatable(instance))
    assert.is_nil(instance.__gc)
    instance:close()
  end)

  it("finishes the current requests when it stops, and accepts no new ones", function()
    local started, resume = runtime.latch(), runtime.latch()
    local port = listen(function()
      started:open()
      resume:wait(60)
      return 200, nil, "done"
    end)
    local connection, idle = raw.connect(port), raw.connect(port)
    connection:send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    started:wait(60)
    local stopped = runtime.latch()
    runtime.spawn(function()
      running:stop(10)
      stopped:open(true)
    end)
    wait_for(function() return not pcall(raw.connect, port) end, "the port to be closed")
    resume:open()
    local status, body = connection:read()
    assert.equal(200, status)
    assert.equal("done", body)
    assert.is_true(stopped:wait(60))
    connection:close()
    idle:close()
  end)

  it("does not close another descriptor when it is stopped twice", function()
    listen(respond)
    running._core:stop_accepting()
    local file = assert(io.open("README.md") or io.open("Makefile"))
    running._core:stop_accepting()
    assert.truthy(file:read(1))
    file:close()
  end)

  it("does not affect another server when it is stopped again", function()
    local first = assert(server.listen { handler = respond })
    first:stop()
    local port = listen(respond)
    first:stop()
    assert.equal(200, (raw.exchange(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")))
  end)

  it("stops after the grace period although a handler does not return", function()
    local started, never = runtime.latch(), runtime.latch()
    local port = listen(function()
      started:open()
      never:wait(60)
      return 200
    end)
    local connection = raw.connect(port)
    connection:send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    started:wait(60)
    running:stop(0.01)
    assert.is_nil((connection:read()))
    connection:close()
    never:open()
    runtime.sleep(0)
  end)

  it("listens on other addresses, and reports why it cannot", function()
    running = assert(server.listen { handler = respond, host = "localhost" })
    assert.equal("127.0.0.1", running.host)
    local second, err = server.listen { handler = respond, host = running.host, port = running.port }
    assert.is_nil(second)
    assert.equal("network", err.kind)
    assert.equal(("cannot listen on 127.0.0.1 port %d: the port is in use; choose another port, or stop the process"
      .. " that uses it"):format(running.port), err.message)
    assert.equal("server: network: " .. err.message, tostring(err))
    local _, unknown = server.listen { handler = respond, host = "host.invalid" }
    assert.equal("server", unknown.origin)
    assert.truthy(unknown.message:find("^cannot listen on host.invalid port 0: the host name cannot be"
      .. " resolved %(.+%); use "))
  end)

  it("raises for misuse", function()
    for option, bad in pairs { port = 70000, max_body = -1, timeout = 0, max_connections = 0 } do
      local ok, err = pcall(server.listen, { handler = respond, [option] = bad })
      assert.is_false(ok)
      assert.truthy(err:find(option, 1, true))
    end
    assert.is_false(pcall(server.listen, { handler = respond, port = 1.5 }))
    assert.is_false(pcall(server.listen, {}))
    assert.is_false(pcall(server.listen, { handler = respond, receiver = {} }))
    local ok, err = pcall(server.serve, { handler = respond, max_bodi = 1 })
    assert.is_false(ok)
    assert.truthy(err:find('did you mean "max_body"?', 1, true))
    for _, arguments in ipairs { {}, { "127.0.0.1", -1, 1, 1, 1 }, { "127.0.0.1", 0, 1, 0, 1 },
      { "127.0.0.1", 0, 1, 1, 0 } } do
      assert.is_false(pcall(core.new, (table.unpack or unpack)(arguments)))
    end
  end)

  local serving = [[
    local runtime = require "apivideo.runtime"
    local server = require "apivideo.server"
    local handler = function(request)
      if request.path == "/slow" then
        print "started"
        io.stdout:flush()
        runtime.sleep(tonumber(request.query.tenths) / 10)
      end
      return 200, nil, "done"
    end
    runtime.run(function()
      local listening = assert(server.listen { handler = handler })
      print("port " .. listening.port)
      io.stdout:flush()
      print("stopped", listening:run())
    end)]]

  for _, signal in ipairs { "TERM", "INT" } do
    it("finishes the current requests on SIG" .. signal .. " #process", function()
      local child = process.start { "-e", serving }
      local connection = raw.connect(tonumber(child:wait_for("port (%d+)")))
      connection:send("GET /slow?tenths=3 HTTP/1.1\r\nHost: x\r\n\r\n")
      child:wait_for("started")
      child:kill(signal)
      local status, body = connection:read()
      assert.equal(200, status)
      assert.equal("done", body)
      child:wait_for("stopped\ttrue")
      assert.equal(0, child:wait())
      connection:close()
    end)
  end

  it("stops at once on a second signal #process", function()
    local child = process.start { "-e", serving }
    local connection = raw.connect(tonumber(child:wait_for("port (%d+)")))
    connection:send("GET /slow?tenths=6000 HTTP/1.1\r\nHost: x\r\n\r\n")
    child:wait_for("started")
    child:kill("TERM")
    wait_for(function() return not pcall(raw.connect, tonumber(child:output():match("port (%d+)"))) end)
    child:kill("TERM")
    child:wait_for("stopped\ttrue")
    assert.equal(0, child:wait())
    connection:close()
  end)
end)
