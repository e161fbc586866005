-- Threads of apivideo.thread.core: requests, results, limits and the end.

local core = require "apivideo.core"
local finalizer = require "spec.support.finalizer"
local misuse = require "spec.support.misuse"
local threads = require "apivideo.thread.core"
local wait_for = require "spec.support.wait"

local unpack = table.unpack or unpack

local function start(module, pending_max, bytes_max)
  return assert(threads.start(module or "spec.support.thread_handler", package.path, package.cpath, pending_max or 100,
    bytes_max or 1000000))
end

-- The next result: { n, id, ok, … }.
local function result_of(thread)
  thread:wait()
  local function pack(...) return { n = select("#", ...), ... } end
  return pack(thread:take())
end

-- The values that come back for some values.
local function echo(thread, ...)
  local id = assert(thread:send("echo", ...))
  local result = result_of(thread)
  assert.equal(id, result[1])
  assert.is_true(result[2], result[3])
  return unpack(result, 3, result.n)
end

describe("a thread", function()
  local thread

  before_each(function() thread = start() end)
  after_each(function() thread:close() end)

  local function count(...) return select("#", ...) end

  describe("copies", function()
    it("nil, booleans and strings of any bytes and length", function()
      assert.equal(0, count(echo(thread)))
      assert.equal(3, count(echo(thread, nil, nil, nil)))
      assert.same({ true, false, "" }, { echo(thread, true, false, "") })
      for _, len in ipairs { 1, 254, 255, 256, 257, 511, 512, 513, 500000 } do
        local text = ("\0\255a"):rep(math.floor(len / 3)) .. ("z"):rep(len % 3)
        assert.is_true(text == echo(thread, text), len)
      end
    end)

    it("numbers, with their subtypes", function()
      for _, number in ipairs { 0, -1, 1.5, 2 ^ 53, -2 ^ 31, 1e300, math.huge, -math.huge, 5e-324 } do
        local copy = echo(thread, number)
        assert.equal(number, copy)
        if math.type then assert.equal(math.type(number), math.type(copy)) end
      end
      if math.type then
        assert.equal("float", math.type(echo(thread, 1.0)))
        assert.equal(math.mininteger, echo(thread, math.mininteger))
        assert.equal(math.maxinteger, echo(thread, math.maxinteger))
      end
      local nan = echo(thread, 0 / 0)
      assert.is_true(nan ~= nan)
      assert.equal(-math.huge, 1 / echo(thread, -1 / math.huge))
    end)

    it("tables of these, without metatables", function()
      local value = { 1, "b", { c = { true } }, [10] = "ten", [1.5] = 2, [true] = false, ["\0"] = "\0", e = {} }
      assert.same(value, echo(thread, setmetatable(value, { __index = function() error "called" end })))
      assert.is_nil(getmetatable(echo(thread, value)))
      local shared = { 1 }
      local copy = echo(thread, { shared, shared })
      assert.same({ { 1 }, { 1 } }, copy)
      local list = {}
      for i = 1, 1000 do list[i] = { id = i, raw = ("x"):rep(i % 300) } end
      assert.same(list, echo(thread, list))
    end)

    it("a table with gaps, without an array for them", function()
      local gaps = { [1] = 1, [2] = 1, [4] = 1, [8] = 1, [2 ^ 4] = 1, [2 ^ 5] = 1, [2 ^ 6] = 1, [2 ^ 7] = 1,
        [2 ^ 8] = 1, [2 ^ 9] = 1, [2 ^ 10] = 1, [2 ^ 11] = 1, [2 ^ 12] = 1, [2 ^ 13] = 1, [2 ^ 14] = 1, [2 ^ 15] = 1,
        [2 ^ 16] = 1, [2 ^ 17] = 1, [2 ^ 18] = 1, [2 ^ 19] = 1, [2 ^ 20] = 1, [2 ^ 21] = 1 }
      collectgarbage()
      local before = collectgarbage "count"
      local copy = echo(thread, gaps)
      assert.is_true(collectgarbage "count" - before < 2 ^ 21 / 1024)
      assert.same(gaps, copy)
    end)

    it("hundreds of values", function()
      local values = {}
      for i = 1, 250 do values[i] = i % 3 ~= 0 and i or nil end
      assert.equal(250, count(echo(thread, unpack(values, 1, 250))))
      assert.equal(250, select(250, echo(thread, unpack(values, 1, 250))))
    end)

    it("tables that are nested at most 16 deep", function()
      local function nested(depth) return depth > 0 and { nested(depth - 1) } or 1 end
      assert.same(nested(16), echo(thread, nested(16)))
      assert.matches("got tables that are nested too deeply",
        misuse(function() thread:send("echo", nested(17)) return 1 end))
      local cycle = {}
      cycle[1] = cycle
      assert.matches("nested too deeply", misuse(function() thread:send(cycle) return 1 end))
    end)
  end)

  it("rejects other values before they are sent", function()
    for _, value in ipairs { print, coroutine.create(function() end), io.stdout } do
      for _, argument in ipairs { value, { a = { value } }, { [value] = 1 } } do
        assert.matches("only nil, booleans, numbers, strings and tables of these can be sent to a thread, got "
          .. type(value), misuse(function() thread:send("echo", 1, argument) return 1 end), 1, true)
      end
    end
    assert.matches("a table as a key", misuse(function() thread:send("echo", { [{}] = 1 }) return 1 end))
    assert.equal(0, count(thread:take()))
    assert.equal(5, echo(thread, 5))
  end)

  it("returns the errors of the handler, and continues", function()
    for _, case in ipairs {
      { "raise", "text", "^text$" }, { "raise", nil, "^not enough memory$" },
      { "unplain", nil, "cannot be copied: function" },
      { "exhaust", nil, "" }, { "overflow", nil, "stack overflow" },
      { "missing", nil, "attempt to call" },
    } do
      local id = assert(thread:send(case[1], case[2]))
      local result = result_of(thread)
      assert.same({ id, false }, { result[1], result[2] })
      assert.matches(case[3], result[3])
      assert.equal(7, echo(thread, 7))
    end
  end)

  it("returns why the module cannot be loaded", function()
    for module, pattern in pairs { ["no.such.module"] = "module 'no.such.module' not found",
      ["spec.support.is_below"] = "", ["spec.support.wrong_values"] = "function expected" } do
      local broken = start(module)
      for _ = 1, 2 do
        assert(broken:send())
        local result = result_of(broken)
        assert.is_false(result[2])
        assert.matches(pattern, result[3])
      end
      broken:close()
    end
  end)

  it("returns each time why a module that the module requires cannot be loaded", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write 'return require "no.such.module"'
    file:close()
    local directory, name = path:match "^(.*/)(.*)$"
    local broken = assert(threads.start(name, directory .. "?", "", 10, 1000))
    for _ = 1, 2 do
      assert(broken:send())
      assert.matches("module 'no.such.module' not found", result_of(broken)[3])
    end
    broken:close()
    os.remove(path)
  end)

  it("has the libraries of Lua, and its owner's paths", function()
    for _, name in ipairs { "string", "io", "os", "coroutine", "debug", rawget(_G, "jit") and "jit" or "math" } do
      assert(thread:send("get_global", name))
      assert.equal("table", result_of(thread)[3])
    end
    assert(thread:send "paths")
    assert.same({ package.path, package.cpath }, { unpack(result_of(thread), 3) })
  end)

  it("has a descriptor that is readable when there is a result", function()
    local pool = require("apivideo.core.http").new()
    local function ready(seconds) return (select(2, pool:step(seconds, { thread:fd() }))) end
    assert.is_nil(ready(0))
    for i = 1, 3 do
      assert(thread:send("echo", i))
      assert.same({ thread:fd() }, ready(30))
      while thread:take() do end
    end
    thread:join() -- it writes to the pipe just after it has added the result
    assert.equal(0, count(thread:take()))
    assert.is_nil(ready(0))
    pool:close()
  end)

  describe("that is occupied", function()
    local path

    before_each(function()
      path = os.tmpname()
      os.remove(path)
    end)
    after_each(function() os.remove(path) end)

    local function release() assert(io.open(path, "w")):close() end

    it("accepts only some requests, until the results have been taken", function()
      local small = start(nil, 3)
      assert(small:send("wait_for", path))
      for i = 1, 2 do assert(small:send("echo", i)) end
      assert.same({ n = 2, nil, "full" }, { n = 2, small:send("echo", 3) })
      release()
      assert.is_true(result_of(small)[3])
      assert(small:send("echo", 3))
      assert.same({ nil, "full" }, { small:send("echo", 4) })
      for i = 1, 3 do assert.equal(i, result_of(small)[3]) end
      assert.equal(4, echo(small, 4))
      small:close()
    end)

    it("accepts only some bytes, or one request", function()
      local small, text = start(nil, 100, 10000), ("x"):rep(6000)
      assert(small:send("wait_for", path))
      local sent = 0
      while small:send("echo", text) do sent = sent + 1 end
      assert.is_true(sent <= 2, sent) -- the thread may not have begun the first request
      release()
      result_of(small)
      for _ = 1, sent do assert.equal(6000, #result_of(small)[3]) end
      assert.equal(20000, #echo(small, ("x"):rep(20000)))
      small:close()
    end)

    it("handles all requests before it is closed, and calls the handler at the end", function()
      local marks = os.tmpname()
      assert(thread:send("wait_for", path))
      assert(thread:send("mark_end", marks))
      assert(thread:send("echo", "last"))
      release()
      thread:join()
      thread:join()
      for _ = 1, 2 do assert.is_true((select(2, thread:take()))) end
      assert.equal("last", (select(3, thread:take())))
      assert.equal(0, count(thread:take()))
      thread:wait()
      assert.equal("ended\n", assert(io.open(marks)):read "*a")
      assert.matches("the thread is closed", misuse(function() thread:send() return 1 end))
      thread:close()
      assert.matches("the thread is closed", misuse(function() thread:take() return 1 end))
      os.remove(marks)
    end)

    it("is ended by the collector, with requests in flight and results not taken", function()
      local marks = os.tmpname()
      local other = start()
      assert(other:send("mark_end", marks))
      for i = 1, 50 do assert(other:send("echo", i, ("x"):rep(1000))) end
      other = nil
      collectgarbage()
      collectgarbage()
      assert.equal("ended\n", assert(io.open(marks)):read "*a")
      os.remove(marks)
      assert.is_nil(other)
    end)
  end)

  it("may be closed by a finalizer that runs during take", function()
    local path, length = os.tmpname(), 64
    local closed, file
    local text = assert(io.open(path, "w"))
    text:write(("x"):rep(length))
    text:close()
    finalizer.stress(function()
      closed:close()
      file = assert(io.open(path)) -- has the number of a descriptor of the thread
    end, function(attack)
      for _ = 1, 20 do
        closed, file = start(), nil
        attack(function() pcall(closed.take, closed) end)
        closed:close()
        if file then
          assert.equal(length, #file:read "*a")
          file:close()
        end
      end
    end)
    os.remove(path)
  end)

  it("collects its garbage", function()
    assert(thread:send "kilobytes")
    local before = result_of(thread)[3]
    for _ = 1, 100 do echo(thread, ("x"):rep(100000), { ("y"):rep(1000) }) end
    assert(thread:send "kilobytes")
    assert.is_true(result_of(thread)[3] - before < 1000)
  end)

  it("blocks all signals, so that the process handles them #process", function()
    assert.equal(1, echo(thread, 1))
    local function count_blocked()
      local masks, blocked = io.popen "grep -h SigBlk /proc/$PPID/task/*/status", 0
      for mask in masks:lines() do
        local bits = tonumber(mask:sub(-4), 16)
        local int, term = math.floor(bits / 2) % 2, math.floor(bits / 2 ^ 14) % 2
        blocked = blocked + int * term
      end
      masks:close()
      return blocked
    end
    -- The kernel may still list a thread of an earlier test, which has been joined.
    wait_for(function() return count_blocked() == 1 end, "one thread that blocks the signals")
  end)

  it("checks the arguments of start", function()
    for _, arguments in ipairs { {}, { "x" }, { "x", "y", "z", 0, 1 }, { "x", "y", "z", 1, 0 },
      { "x", "y", "z", 0 / 0, 1 } } do
      assert.is_false((pcall(threads.start, unpack(arguments))))
    end
    assert.is_number(core.monotonic())
  end)

  if rawget(_G, "jit") then -- LuaJIT can fork without another library
    it("belongs to the process that started it #process", function()
      local process = require "spec.support.process"
      local output = process.run { "-e", [[
        local ffi = require "ffi"
        ffi.cdef "int fork(void); int waitpid(int, int *, int);"
        local threads = require "apivideo.thread.core"
        local thread = threads.start("spec.support.thread_handler", package.path, package.cpath, 10, 1000)
        thread:send("echo", 1)
        thread:wait()
        io.stdout:setvbuf "no"
        local child = ffi.C.fork()
        if child == 0 then
          print("child", thread:send("echo", 2))
          print("taken", thread:take())
          thread:wait()
          thread:join()
          thread:close()
          thread = threads.start("spec.support.thread_handler", package.path, package.cpath, 10, 1000)
          thread:send("echo", 3)
          thread:wait()
          print("own", thread:take())
          os.exit(0, true)
        end
        ffi.C.waitpid(child, nil, 0)
        print("parent", thread:take())
      ]] }
      assert.matches("child\tnil\tforked\ntaken\nown\t1\ttrue\t3\nparent\t1\ttrue\t1\n", output)
    end)
  end
end)
