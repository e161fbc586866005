--- A process that forks while it serves: the child shares its sockets and its epoll sets.

local poller = require "spec.support.poller"
local process = require "spec.support.process"

local SETUP = [[
  local apivideo = require "apivideo"
  local native = require "spec.support.native"
  local raw = require "spec.support.raw"
  local server = require "apivideo.server"
  io.stdout:setvbuf "line"
  local running = assert(server.listen { handler = function(request)
    if request.path == "/slow" then apivideo.sleep(0.3) end
    return 200, nil, request.path
  end })
  local function get(path)
    local connection = raw.connect(running.port)
    connection:send("GET " .. path .. " HTTP/1.1\r\nHost: x\r\n\r\n")
    return connection
  end
  local function check(connection)
    local status, body = connection:read()
    print(status, body)
  end
  -- Connections in each state: idle after a response, in the middle of a request, and waiting for a handler.
  local idle, partial, slow = get "/idle", raw.connect(running.port), nil
  check(idle)
  partial:send "POST /partial HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo"
  slow = get "/slow"
  while running._core:active() < 2 do apivideo.sleep(0.001) end
  -- Waits until a child has ended. It must end by itself, without an event from the parent.
  local function wait_for_child(pid)
    local gone = "grep -q '^State:.Z' /proc/%d/status 2> /dev/null || ! kill -0 %d 2> /dev/null"
    local ok = false
    while ok ~= true and ok ~= 0 do
      apivideo.sleep(0.005)
      ok = os.execute(gone:format(pid, pid))
    end
  end
  local function finish(pid)
    wait_for_child(pid)
    idle:send "GET /again HTTP/1.1\r\nHost: x\r\n\r\n"
    check(idle)
    partial:send "dy"
    check(partial)
    check(slow)
    check(get "/new")
    running:stop()
    print "stopped"
  end
]]

local EXPECTED = "200\t/idle\n200\t/again\n200\t/partial\n200\t/slow\n200\t/new\nstopped\n"

-- What the child does with the server. Each ends with an exit that closes nothing else.
local ways = {
  ["collects it"] = [[running._core, running._workers._core = nil, nil; idle, partial, slow = nil, nil, nil
    collectgarbage() collectgarbage()]],
  ["closes it"] = [[running._core:close() running._core:close()]],
  ["stops it"] = [[running:stop(0)]],
  ["uses it"] = [[
    running._core:run() running._core:next() running._core:stop_accepting() running._core:refuse(1)
    for id = 1, 5 do running._core:respond(id, 500) running._core:cut(id, "x", "reset") end
    assert(running._core:run() == nil and running._core:active() == 0)
      if running._core.fd then assert(running._core:fd() == -1) end]],
  ["runs the loop"] = [[
    local stopped, err = running:run()
    assert(stopped == nil and tostring(err):find("forked child", 1, true))]],
  ["runs it in a task, without any connection"] = [[
    local stopped, err
    apivideo.run(function() stopped, err = running:run() end)
    assert(stopped == nil and tostring(err):find("^server: .*forked child"))]],
  ["opens a server of its own"] = [[
    running:stop(0)
    local own = assert(server.listen { handler = function() return 204 end })
    local connection = raw.connect(own.port)
    connection:send "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert(connection:read() == 204)
    own:stop()]],
}

describe("server in a forked child #process", function()
  for how, code in pairs(ways) do
    it("leaves the parent's connections alone when it " .. how, function()
      local output, status = process.run { "-e", SETUP .. ([[
        local pid = native.fork()
        if pid == 0 then
          local ok, err = pcall(function() %s end)
          if not ok then print(err) end
          native.exit(0)
        end
        finish(pid)]]):format(code) }
      assert.equal(EXPECTED, output)
      assert.equal(0, status)
    end)
  end

  it("leaves the parent's connections alone when it closes its state", function()
    if _VERSION == "Lua 5.1" then pending "os.exit closes no state here" end
    local output, status = process.run { "-e", SETUP .. [[
      local pid = native.fork()
      if pid == 0 then os.exit(0, true) end
      finish(pid)]] }
    assert.equal(EXPECTED, output)
    assert.equal(0, status)
  end)

  it("closes its descriptors", function()
    local output = process.run { "-e", SETUP .. [[
      local pid = native.fork()
      if pid == 0 then
        collectgarbage()
        collectgarbage "stop" -- it could close other descriptors
        local function count() -- the pipe of the command itself, for one, does not count
          local pipe = io.popen("ls -l /proc/" .. native.getpid() .. "/fd | grep -cE 'socket:|eventpoll|timerfd'")
          local number = tonumber(pipe:read "*a")
          pipe:close()
          return number
        end
        local before = count()
        running._core:close()
        print("closed", before - count())
        native.exit(0)
      end
      finish(pid)]] }
    -- The port and three connections; and with epoll, a timer and two sets.
    assert.equal(poller.is_epoll and "7" or "4", output:match "closed\t(%d+)")
  end)
end)
