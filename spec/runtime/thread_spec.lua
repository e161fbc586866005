-- Calls to a thread, from tasks.

local finalizer = require "spec.support.finalizer"
local process = require "spec.support.process"
local runtime = require "apivideo.runtime"
local threads = require "apivideo.runtime.thread"

local function start() return assert(threads.start "spec.support.thread_handler") end

describe("a call to a thread", function()
  it("has its result when a finalizer runs the loop while it is sent", function()
    local thread = start()
    local runs = finalizer.stress(function() runtime.sleep(0.01) end, function(attack)
      for i = 1, 20 do
        local before = thread:send("echo", -i)
        local latch = attack(thread.send, thread, "echo", i)
        assert.same({ true, -i }, { before:wait(10) })
        assert.same({ true, i }, { latch:wait(10) })
      end
    end)
    assert.is_true(runs > 0)
    thread:close()
  end)

  if rawget(_G, "jit") then -- LuaJIT can fork without another library
    it("fails in a child that is forked before its result #process", function()
      local output = process.run { "-e", [[
        local ffi = require "ffi"
        ffi.cdef "int fork(void); int waitpid(int, int *, int); void _exit(int);"
        local runtime = require "apivideo.runtime"
        local thread = require("apivideo.runtime.thread").start "spec.support.thread_handler"
        local result = thread:send("echo", 1)
        io.stdout:setvbuf "no"
        local child = ffi.C.fork()
        if child == 0 then
          print("child", result:wait(10))
          runtime.run()
          print "no loop runs"
          ffi.C._exit(0)
        end
        ffi.C.waitpid(child, nil, 0)
        print("parent", result:wait())
      ]] }
      assert.equal("child\tfalse\tforked\nno loop runs\nparent\ttrue\t1\n", output)
    end)
  end
end)
