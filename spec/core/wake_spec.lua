-- The thread that wakes an event loop: here, the loop is a socket of LuaSocket.

local core = require "apivideo.core"
local lfs = require "lfs"
local native = require "spec.support.native"
local process = require "spec.support.process"
local unix = require "socket.unix"
local wait_for = require "spec.support.wait"

local wake = core.wake

local function connect(path)
  local client = (unix.stream or unix)()
  assert(client:connect(path))
  return client
end

local function count(directory)
  local entries = 0
  for _ in lfs.dir(directory) do entries = entries + 1 end
  return entries
end

local function threads() return count "/proc/self/task" end

describe("a wake", function()
  local waker, client

  before_each(function()
    waker = assert(wake.new())
    client = connect(waker:path())
  end)

  after_each(function()
    client:close()
    waker:close()
  end)

  local function accept()
    assert(waker:accept())
    client:settimeout(10)
  end

  -- Whether a byte arrives; waits for it.
  local function arrives() return client:receive(1) == "\0" end

  -- Whether a byte has arrived. The thread needs some time, so only false is certain after a `notify`.
  local function has_arrived()
    client:settimeout(0)
    local byte = client:receive(1)
    client:settimeout(10)
    return byte == "\0"
  end

  it("has a socket in a directory that only this user can access, and removes both", function()
    local path = waker:path()
    local directory = path:match "^(.*)/wake$"
    assert.equal("socket", lfs.attributes(path, "mode"))
    assert.equal("rwx------", lfs.attributes(directory, "permissions"))
    accept()
    assert.is_nil(lfs.attributes(directory))
    local other = assert(wake.new())
    directory = other:path():match "^(.*)/wake$"
    other:close()
    assert.is_nil(lfs.attributes(directory))
  end)

  it("sends one byte until it is taken", function()
    accept()
    waker:notify()
    waker:notify()
    assert.truthy(arrives())
    waker:notify()
    assert.falsy(has_arrived())
    waker:take()
    waker:notify()
    assert.truthy(arrives())
  end)

  it("sends a byte after a time", function()
    accept()
    waker:arm(3600)
    assert.falsy(has_arrived())
    waker:arm(1e-10)
    assert.truthy(arrives())
    waker:take()
    waker:arm(0.01)
    assert.truthy(arrives())
  end)

  describe("that watches a descriptor", function()
    local reader, writer

    before_each(function()
      local listening, path = (unix.stream or unix)(), os.tmpname()
      os.remove(path)
      assert(listening:bind(path))
      assert(listening:listen())
      writer = connect(path)
      reader = assert(listening:accept())
      listening:close()
      os.remove(path)
    end)

    after_each(function()
      reader:close()
      writer:close()
    end)

    it("sends a byte when it becomes readable, and not again while it stays so", function()
      accept()
      assert.truthy(waker:watch(reader:getfd()))
      for _ = 1, 3 do
        writer:send "x"
        assert.truthy(arrives())
        waker:take()
        assert.falsy(has_arrived())
        assert.equal("x", reader:receive(1))
      end
      waker:unwatch(reader:getfd())
      waker:unwatch(reader:getfd())
      writer:send "x"
      assert.falsy(has_arrived())
      waker:notify()
      assert.truthy(arrives())
    end)

    it("sends a byte at once when it is readable already", function()
      accept()
      writer:send "x"
      for _ = 1, 3 do
        assert.truthy(waker:watch(reader:getfd()))
        assert.truthy(arrives())
        waker:take()
      end
    end)

    it("sends a byte when its peer closes it", function()
      accept()
      assert.truthy(waker:watch(reader:getfd()))
      writer:close()
      assert.truthy(arrives())
    end)
  end)

  it("cannot watch what is not open", function()
    accept()
    assert.falsy(waker:watch(1048575))
  end)

  it("ends its thread", function()
    local before = threads()
    accept()
    assert.equal(before + 1, threads())
    waker:close()
    waker:close()
    wait_for(function() return threads() == before end, "the end of the thread")
    assert.equal("closed", select(2, client:receive(1)))
  end)

  it("ends when it is collected", function()
    local before = threads()
    accept()
    waker = assert(wake.new())
    collectgarbage()
    collectgarbage()
    wait_for(function() return threads() == before end, "the end of the thread")
  end)

  it("leaves nothing open", function()
    accept()
    waker:close()
    client:close()
    local before = count "/proc/self/fd"
    for _ = 1, 50 do
      waker = assert(wake.new())
      client = connect(waker:path())
      accept()
      waker:notify()
      waker:close()
      client:close()
    end
    assert.equal(before, count "/proc/self/fd")
  end)

  it("survives the end of the loop's socket", function()
    accept()
    client:close()
    waker:notify()
    waker:take()
    waker:notify()
  end)

  it("rejects the connection of another process", function()
    local other = assert(wake.new())
    local code = ("local unix = require 'socket.unix' assert((unix.stream or unix)():connect(%q))"):format(other:path())
    assert.equal(0, select(2, process.run { "-e", code }))
    local mine = connect(other:path())
    finally(function() mine:close() end)
    assert(other:accept())
    other:notify()
    mine:settimeout(10)
    assert.equal("\0", mine:receive(1))
    other:close()
  end)

  it("is not connected without a connection of this process", function()
    local other = assert(wake.new())
    local is_accepted, message = other:accept()
    assert.is_nil(is_accepted)
    assert.equal("Resource temporarily unavailable", message)
    assert.has_error(function() other:path() end)
  end)

  it("is not usable in a forked child, whose copy ends nothing", function()
    accept()
    local marker = os.tmpname()
    local child = native.fork()
    if child == 0 then
      if not pcall(waker.notify, waker) then os.remove(marker) end
      waker:close()
      native.exit(0)
    end
    local function closed() return lfs.attributes("/proc/" .. child .. "/exe", "mode") == nil end
    wait_for(closed, "the end of the child")
    assert.is_nil(lfs.attributes(marker))
    waker:notify()
    assert.truthy(arrives())
  end)

  it("raises an error for misuse", function()
    for _, name in ipairs { "notify", "take" } do
      assert.error_matches(function() waker[name](waker) end, "it is not connected")
    end
    accept()
    assert.error_matches(function() waker:accept() end, "it was connected before")
    for _, seconds in ipairs { 0, -1, 0 / 0, 1e9, "x" } do
      assert.has_error(function() waker:arm(seconds) end)
    end
    for _, fd in ipairs { -1, 0.5, 2 ^ 40, "x" } do
      assert.has_error(function() waker:watch(fd) end)
    end
    waker:close()
    assert.error_matches(function() waker:notify() end, "it is closed, or another process opened it")
  end)
end)

describe("a wake without a directory", function()
  it("is not opened, and says why", function()
    local output = process.run({ "-e", [[print(require("apivideo.core").wake.new())]] }, "env TMPDIR=/nonexistent")
    assert.equal("nil\tNo such file or directory\n", output)
    output = process.run({ "-e", [[print(require("apivideo.core").wake.new())]] },
      "env TMPDIR=/" .. ("x"):rep(100))
    assert.equal("nil\tFile name too long\n", output)
  end)
end)
