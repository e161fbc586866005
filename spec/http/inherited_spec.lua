-- Other processes must not hold a pool's connections open: the peer would never see their end.

local core = require "apivideo.core"
local native = require "spec.support.native"
local socket = require "socket"

-- Returns a pool with an idle keep-alive connection, and the peer's end of it.
local function connected_pool()
  local listening = assert(socket.bind("127.0.0.1", 0))
  listening:settimeout(60)
  local _, port = listening:getsockname()
  local pool = assert(core.http.new())
  local transfer = assert(pool:start { method = "GET", url = "http://127.0.0.1:" .. port .. "/", timeout = 60,
    connect_timeout = 60, max_body = 1e6, max_header = 1e5, proxy = "" })
  pool:step(0)
  local peer = assert(listening:accept())
  repeat
    pool:step(0)
    peer:settimeout(0.001)
  until peer:receive "*l" == ""
  assert(peer:send "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
  repeat until pool:step(60)
  assert.equal(200, transfer:result().status)
  listening:close()
  peer:settimeout(60)
  return pool, peer
end

-- Returns whether the peer sees the end of the connection when the pool is closed. `stop` ends the other process.
local function assert_ends(pool, peer, stop)
  pool:close()
  peer:settimeout(2)
  local _, problem = peer:receive "*l"
  stop()
  peer:close()
  assert.equal("closed", problem)
end

local function stop(pid) return function() os.execute("kill -KILL " .. pid) end end

describe("a connection of a pool", function()
  it("is not inherited by a program that the process starts #process", function()
    local pool, peer = connected_pool()
    local program = io.popen "echo $$; exec sleep 60"
    assert_ends(pool, peer, stop(program:read "*l"))
    program:close()
  end)

  it("is closed with the pool in a forked child, and stays open in the parent #process", function()
    local pool, peer = connected_pool()
    local report = os.tmpname()
    local pid = native.fork()
    if pid == 0 then
      pool:close()
      pool:close()
      local file = io.open(report, "w")
      file:write "closed"
      file:close()
      socket.sleep(60)
      native.exit(0)
    end
    local text
    repeat
      socket.sleep(0.005)
      local file = io.open(report)
      text = file:read "*a"
      file:close()
    until text == "closed"
    os.remove(report)
    peer:settimeout(0.1)
    assert.equal("timeout", select(2, peer:receive "*l"))
    assert_ends(pool, peer, stop(pid))
  end)
end)
