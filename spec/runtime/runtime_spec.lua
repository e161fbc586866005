local core = require "apivideo.core"
local file = require "spec.support.file"
local http = require "apivideo.transport.http"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local socket = require "socket"
local stderr = require "spec.support.stderr"
local timers = require "apivideo.runtime.timers"

describe("runtime", function()
  it("runs a function as a task and returns its results", function()
    assert.same({ 1, nil, 3 }, { runtime.run(function(a, b, c) return a, b, c end, 1, nil, 3) })
    assert.equal(0, select("#", runtime.run(function() end)))
  end)

  it("raises the error of its function unchanged", function()
    local err = { "an error" }
    local ok, raised = pcall(runtime.run, function() runtime.sleep(0) error(err) end)
    assert.is_false(ok)
    assert.equal(err, raised)
  end)

  it("raises an error that nothing catches as text, with the stack of the task #process", function()
    for raised, expected in pairs {
      ['"boom"'] = "boom.lua:2: boom\nstack traceback:",
      ['{ code = 5, apiKey = "k1" }'] = "{ apiKey = %*%*%*, code = 5 }\nstack traceback:",
      ['select(2, apivideo.parse "{")'] = "bad_json: .-\nstack traceback:",
    } do
      local path = os.tmpname() .. "boom.lua"
      file.write(path, ([[
        local apivideo = require "apivideo"
        local function deep() error(%s) end
        apivideo.run(function() apivideo.sleep(0) deep() end)
      ]]):format(raised))
      local printed, status = process.run { path }
      os.remove(path)
      assert.equal(1, status)
      assert.truthy(printed:find(expected), printed)
      assert.truthy(printed:find("boom.lua:2: in [^\n]*deep"), printed)
    end
  end)

  it("reports a function that yields to another scheduler", function()
    local ok, err
    stderr.of(function() ok, err = pcall(runtime.run, function() coroutine.yield() end) end)
    assert.is_false(ok)
    assert.truthy(err:find("run: the function yielded to a scheduler other than", 1, true))
  end)

  it("runs sleeping tasks in the order of their times", function()
    local order, unit = {}, os.getenv "APIVIDEO_SLOW" and 1 or 0.05 -- longer than it takes to start them
    runtime.run(function()
      local all = runtime.latch()
      for _, time in ipairs { 3, 1, 2, 0 } do
        runtime.spawn(function()
          runtime.sleep(time * unit)
          order[#order + 1] = time
          if #order == 4 then all:open() end
        end)
      end
      all:wait(60)
    end)
    assert.same({ 0, 1, 2, 3 }, order)
  end)

  it("runs tasks while it sleeps outside of them", function()
    local ran = false
    runtime.spawn(function() ran = true end)
    runtime.sleep(0)
    assert.is_true(ran)
  end)

  it("waits where Lua cannot yield, too", function()
    local result = runtime.run(function()
      local list = { 3, 1, 2 }
      table.sort(list, function(a, b)
        runtime.sleep(0)
        return a < b
      end)
      local text = ("abc"):gsub(".", function(c)
        runtime.sleep(0)
        return c:upper()
      end)
      return table.concat(list) .. text
    end)
    assert.equal("123ABC", result)
  end)

  it("waits inside pcall, iterators and other coroutines", function()
    local function count(n)
      local i = 0
      return function()
        runtime.sleep(0)
        i = i + 1
        return i <= n and i or nil
      end
    end
    local sum, ok, err = 0, nil, nil
    runtime.run(function()
      for i in count(3) do sum = sum + i end
      ok, err = pcall(function() runtime.sleep(0) error("x", 0) end)
      for i in coroutine.wrap(function() runtime.sleep(0) coroutine.yield(10) end) do sum = sum + i end
    end)
    assert.equal(16, sum)
    assert.is_false(ok)
    assert.equal("x", err)
  end)

  it("reports the error of a task and continues", function()
    local written = stderr.of(function()
      runtime.spawn(function() error("it broke") end)
      runtime.run(function() runtime.sleep(0) end)
    end)
    assert.truthy(written[1]:find("a task failed: .*it broke"))
  end)

  it("reports an error table with its fields, and one whose __tostring raises", function()
    local written = stderr.of(function()
      runtime.spawn(function() error { code = 7 } end)
      runtime.spawn(function() error(setmetatable({}, { __tostring = function() error("no text", 0) end })) end)
      runtime.run(function() runtime.sleep(0) end)
    end)
    assert.truthy(written[1]:find("a task failed: { code = 7 }; stack: [^\n]*runtime_spec.lua[^\n]*\n$"))
    assert.truthy(written[2]:find("__tostring failed (no text)", 1, true))
  end)

  it("calls the guard of a task that yields to another scheduler, and of no other", function()
    local called = {}
    stderr.of(function()
      for _, case in ipairs { "yields", "returns", "raises", "waits" } do
        runtime.spawn(function()
          runtime.guard(function() called[#called + 1] = case end)
          if case == "yields" then coroutine.yield() end
          if case == "raises" then error "it broke" end
          if case == "waits" then runtime.sleep(0) end
        end)
      end
      runtime.sleep(0)
      runtime.sleep(0)
    end)
    assert.same({ "yields" }, called)
  end)

  it("ends a task that yields to another scheduler", function()
    local written = stderr.of(function()
      runtime.spawn(function() coroutine.yield() end)
      runtime.sleep(0)
    end)
    assert.truthy(written[1]:find("a scheduler other than"))
    runtime.run()
  end)

  it("returns the values of a latch to all present and later waits", function()
    local latch, got = runtime.latch(), {}
    for i = 1, 3 do runtime.spawn(function() got[i] = { latch:wait() } end) end
    runtime.spawn(function() latch:open("a", nil, "b") latch:open("c") end)
    runtime.run(function() latch:wait() end)
    runtime.sleep(0)
    for i = 1, 3 do assert.same({ "a", nil, "b" }, got[i]) end
    assert.same({ "a", nil, "b" }, { latch:wait() })
  end)

  it("ends a wait for a latch at its timeout", function()
    assert.same({ nil, "timeout" }, { runtime.latch():wait(0.001) })
    assert.same({ nil, "timeout" }, { runtime.run(function() return runtime.latch():wait(0.001) end) })
  end)

  it("raises an error for a deadlock", function()
    local latch = runtime.latch()
    local ok, err = pcall(latch.wait, latch)
    assert.is_false(ok)
    assert.truthy(err:find("deadlock"))
  end)

  it("watches descriptors", function()
    local listening = assert(socket.bind("127.0.0.1", 0))
    local _, port = listening:getsockname()
    local called = runtime.latch()
    runtime.watch(listening:getfd(), function()
      listening:accept():close()
      called:open(true)
    end)
    local client = socket.connect("127.0.0.1", port)
    assert.is_true(called:wait(60))
    runtime.unwatch(listening:getfd())
    client:close()
    listening:close()
  end)

  -- The order in which a task that yields, and the last of a chain of tasks end.
  local function ends_of_tasks()
    local order = {}
    runtime.run(function()
      local both = runtime.latch()
      local function note(name)
        order[#order + 1] = name
        if #order == 2 then both:open() end
      end
      runtime.spawn(function()
        runtime.pass()
        note "the yielding task"
      end)
      local function chain(length)
        if length == 0 then note "the last of a chain" else runtime.child(chain, length - 1) end
      end
      chain(5)
      both:wait(60)
    end)
    return order
  end

  it("resumes tasks that were woken before it polls again", function()
    -- The loop polls after 5 ms anyway: on a busy machine the chain can take longer.
    local order
    for _ = 1, 50 do
      order = ends_of_tasks()
      if order[1] == "the last of a chain" then break end
    end
    assert.same({ "the last of a chain", "the yielding task" }, order)
  end)

  it("polls although tasks wake each other all the time", function()
    local is_over, ends = false, runtime.monotonic() + 10
    runtime.run(function()
      local stopped = runtime.latch()
      local function wake_next()
        if is_over or runtime.monotonic() > ends then stopped:open() else runtime.child(wake_next) end
      end
      wake_next()
      runtime.sleep(0.02)
      is_over = true
      stopped:wait(60)
    end)
    assert.is_true(runtime.monotonic() < ends)
  end)

  it("runs callbacks after the tasks; after a failure, the others in the next tick", function()
    local order, ask = {}, {}
    for _, name in ipairs { "first", "failing", "last" } do
      ask[#ask + 1] = runtime.after_tasks(function()
        order[#order + 1] = name
        if name == "failing" then error("it fails", 0) end
      end)
    end
    local function turn()
      for _, one in ipairs(ask) do one() one() end
      runtime.pass()
      order[#order + 1] = "task"
    end
    local ok, err = pcall(runtime.run, turn)
    assert.same({ false, "it fails" }, { ok, err })
    ask = {}
    runtime.run(turn)
    table.sort(order)
    assert.same({ "failing", "first", "last", "task", "task" }, order)
  end)

  it("runs until no task and no descriptor is left", function()
    local done = false
    runtime.spawn(function()
      runtime.sleep(0.005)
      done = true
    end)
    runtime.run()
    assert.is_true(done)
  end)

  it("rejects arguments that are not a function or a time", function()
    assert.has_error(function() runtime.spawn(1) end)
    for _, bad in ipairs { -1, 0 / 0, "1", {} } do
      assert.has_error(function() runtime.sleep(bad) end)
    end
    assert.has_error(function() runtime.sleep() end)
  end)

  it("serves a request of a task while another waits for its own", function()
    local fast = runtime.latch()
    local p = peer.start(function(connection)
      local request = connection:read_request()
      if request.line:find("slow") then fast:wait(60) end
      connection:respond("200 OK", nil, request.line)
    end)
    local order = {}
    runtime.run(function()
      local all = runtime.latch()
      for _, path in ipairs { "slow", "fast" } do
        runtime.spawn(function()
          assert(http.request { method = "GET", url = p.url .. "/" .. path })
          order[#order + 1] = path
          if path == "fast" then fast:open() end
          if #order == 2 then all:open() end
        end)
      end
      all:wait(60)
    end)
    p.stop()
    assert.same({ "fast", "slow" }, order)
  end)

  it("tells the time", function()
    assert.is_true(math.abs(runtime.now() - os.time()) < 5)
    local before = core.monotonic()
    assert.is_true(core.monotonic() >= before)
  end)
end)

describe("protected.xpcall", function()
  local function handler(err, co)
    return { err, co and debug.traceback(co) or debug.traceback() }
  end

  it("calls its handler with the stack of the error, also after a wait", function()
    local function deep() error("e", 0) end
    local function wait() runtime.sleep(0) deep() end
    local in_task = { runtime.run(protected.xpcall, wait, handler) }
    for _, results in ipairs { in_task, { protected.xpcall(wait, handler) } } do
      assert.is_false(results[1])
      assert.equal("e", results[2][1])
      assert.truthy(results[2][2]:find("runtime_spec.lua:%d+: in [^\n]*deep"), results[2][2])
    end
  end)

  it("passes arguments and results on", function()
    local function fn(...)
      runtime.sleep(0)
      return select("#", ...), ...
    end
    assert.same({ true, 3, 1, nil, nil }, { protected.xpcall(fn, handler, 1, nil, nil) })
    assert.same({ true, 3, 1, nil, nil }, { runtime.run(protected.xpcall, fn, handler, 1, nil, nil) })
  end)
end)

describe("protected.call", function()
  it("is a pcall inside of which a task can wait", function()
    local results = runtime.run(function()
      return { protected.call(function(a)
        runtime.sleep(0)
        local inner = { protected.call(function() runtime.sleep(0) error("e", 0) end) }
        return a, inner
      end, 1) }
    end)
    assert.same({ true, 1, { false, "e" } }, results)
  end)

  it("works outside tasks", function()
    assert.same({ true, 1 }, { protected.call(function(a) return a end, 1) })
    assert.same({ false, "e" }, { protected.call(error, "e", 0) })
  end)
end)

describe("timers", function()
  it("come in the order of their times", function()
    local heap, times = timers.new(), {}
    local seed = 7
    for i = 1, 200 do
      seed = (seed * 1103515245 + 12345) % 2147483648
      times[i] = seed % 50
      heap:push(times[i], times[i])
    end
    table.sort(times)
    for i = 1, 200 do
      assert.same({ times[i], times[i] }, { heap:next() })
      assert.equal(times[i], heap:pop())
    end
    assert.is_nil(heap:next())
  end)
end)
