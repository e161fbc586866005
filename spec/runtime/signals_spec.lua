--- SIGINT and SIGTERM, in processes that serve and work.

local compile = require "spec.support.compile"
local file = require "spec.support.file"
local lfs = require "lfs"
local process = require "spec.support.process"
local raw = require "spec.support.raw"
local wait_for = require "spec.support.wait"

local SETUP = [[
  local apivideo = require "apivideo"
  local server = require "apivideo.server"
  local native = require "spec.support.native"
  io.stdout:setvbuf "line"
  local function serve(more)
    local listening = assert(server.listen { handler = function(request)
      if request.path == "/slow" then
        print "started"
        apivideo.sleep(0.3)
      elseif request.path == "/blocked" then
        print "started"
        while true do end
      elseif request.path == "/children" then
        local pipe = io.popen "grep Sig /proc/self/status"
        local text = pipe:read "*a"
        pipe:close()
        return 200, nil, text
      end
      return 200, nil, "done"
    end })
    print("port " .. listening.port)
    if more then more(listening) end
    print("stopped", listening:run())
  end
]]

local function start(script) return process.start { "-e", SETUP .. script } end

local function port_of(child) return tonumber(child:wait_for "port (%d+)") end

local function get(port, path)
  return (select(2, raw.exchange(port, "GET " .. path .. " HTTP/1.1\r\nHost: x\r\n\r\n")))
end

describe("signals #process", function()
  it("leave the server alone unless they are SIGINT or SIGTERM", function()
    local child = start "apivideo.run(serve)"
    local port = port_of(child)
    for _, signal in ipairs { "URG", "WINCH", "CHLD", "CONT" } do child:kill(signal) end
    assert.equal("done", get(port, "/"))
    child:kill "TERM"
    child:wait_for "stopped\ttrue"
    assert.equal(0, child:wait())
  end)

  for _, how in ipairs { "io.popen('kill -INT ' .. native.getpid()):close()", "native.signal_thread(2)",
    "native.signal_thread(15)" } do
    it("stop the server while there is a second thread: " .. how, function()
      local child = start(([[
        native.thread()
        apivideo.run(function()
          serve(function() apivideo.spawn(function() %s end) end)
        end)]]):format(how))
      child:wait_for "stopped\ttrue"
      assert.equal(0, child:wait())
    end)
  end

  it("reach callbacks that were added after a signal came and before the loop read it", function()
    local output, status = process.run { "-e", [[
      local runtime = require "apivideo.runtime"
      local native = require "spec.support.native"
      runtime.on_signal(function() print "first" end)
      io.popen("kill -INT " .. native.getpid()):close() -- os.execute ignores SIGINT
      runtime.on_signal(function() print "second" end)
      runtime.sleep(0.01)]] }
    assert.equal("first\nsecond\n", output)
    assert.equal(0, status)
  end)

  it("are neither blocked nor ignored in programs that a handler starts", function()
    local child = start "apivideo.run(serve)"
    local status = get(port_of(child), "/children")
    assert.equal("0000000000000000", status:match "SigBlk:%s*(%x+)")
    local ignored = tonumber(status:match "SigIgn:%s*(%x+)", 16)
    assert.equal(0, math.floor(ignored / 2 ^ 1) % 2)  -- SIGINT
    assert.equal(0, math.floor(ignored / 2 ^ 14) % 2) -- SIGTERM
    assert.equal(0, math.floor(ignored / 2 ^ 22) % 2) -- SIGURG
    child:kill "TERM"
    assert.equal(0, child:wait())
  end)

  it("have their previous handlers again after the server has stopped", function()
    local child = start [[
      apivideo.run(function()
        serve(function(listening) apivideo.spawn(function() listening:stop() end) end)
      end)
      os.execute("kill -TERM " .. native.getpid())
      apivideo.sleep(60)]]
    assert.equal(128 + 15, child:wait())
  end)

  it("end a forked child, and not its parent", function()
    local child = start [[
      apivideo.run(function()
        serve(function()
          apivideo.spawn(function() -- begins when the signals are caught
            local pid = native.fork()
            if pid == 0 then
              os.execute("kill -TERM " .. native.getpid())
              while true do end
            end
            os.execute(("while kill -0 %d 2> /dev/null && ! grep -q '^State:.Z' /proc/%d/status; do sleep 0.01; done")
              :format(pid, pid))
            print "the child has ended"
          end)
        end)
      end)]]
    local port = port_of(child)
    child:wait_for "the child has ended"
    assert.equal("done", get(port, "/"))
    child:kill "INT"
    child:wait_for "stopped\ttrue"
    assert.equal(0, child:wait())
  end)

  it("stop all servers of a process", function()
    local child = start [[
      apivideo.spawn(serve)
      apivideo.run(serve)
      apivideo.run()]]
    wait_for(function() return select(2, child:output():gsub("port ", "")) == 2 end)
    child:kill "TERM"
    local output, status = child:finish()
    assert.equal(2, select(2, output:gsub("stopped\ttrue", "")))
    assert.equal(0, status)
  end)

  it("end a server whose handler blocks the process, the second time", function()
    local child = start "apivideo.run(serve)"
    local port = port_of(child)
    local connection = raw.connect(port)
    connection:send "GET /blocked HTTP/1.1\r\nHost: x\r\n\r\n"
    child:wait_for "started"
    wait_for(function()
      if file.read(child.base .. ".status") ~= "" then return true end
      child:kill "TERM"
    end, "the end")
    assert.equal(128 + 15, child:wait())
    connection:close()
  end)

  it("keep the traceback of what ends apivideo.run", function()
    local output, status = process.run { "-e", [[
      local function inner_function() error("boom") end
      require("apivideo").run(function() inner_function() end)]] }
    assert.equal(1, status)
    assert.truthy(output:find("boom", 1, true))
    assert.truthy(output:find("inner_function", 1, true))
  end)
end)

-- A host of signals.c: SIGTERM comes again just before the signal is read. The loop reads both at once; a later
-- signal, which it reads at once, too, must not count as one that a blocked loop left unread.
local HOST = [[
#include <signal.h>
#include <unistd.h>
static int signals_due;
static ssize_t interrupted_read(int fd, void *buffer, size_t len) {
  for (; signals_due > 0; signals_due--) (void)raise(SIGTERM);
  return read(fd, buffer, len);
}
#define read interrupted_read
#include "SOURCES/common/descriptors.c"
#include "SOURCES/core/signals.c"
int main(void) {
  static signals catcher;
  if (signals_open(&catcher) != NULL || raise(SIGTERM) != 0) return 2;
  signals_due = 1;
  if (!signals_caught(&catcher)) return 3;
  caught.caught_at -= BLOCKED_S + 1; /* time goes by */
  if (raise(SIGTERM) != 0 || !signals_caught(&catcher)) return 4;
  signals_close(&catcher);
  return 0;
}
]]

describe("a signal while another one is read #process", function()
  it("does not make the next one end the process", function()
    local path = os.tmpname()
    compile.c((HOST:gsub("SOURCES", lfs.currentdir() .. "/src")), path .. ".host", "-std=c99 -pthread")
    local status = os.execute(path .. ".host")
    os.execute(("rm -f %s %s.host*"):format(path, path))
    assert.truthy(status == true or status == 0, tostring(status))
  end)
end)

local WORKER = [[
  local apivideo = require "apivideo"
  local memory = require "apivideo.inbox.memory"
  io.stdout:setvbuf "line"
  local inbox = apivideo.inbox { store = memory() }
  local handlers = apivideo.handlers():on("*", function(event)
    print("started " .. event.videoId)
    apivideo.sleep(SECONDS)
    print("finished " .. event.videoId)
  end)
  apivideo.run(function()
    for i = 1, 3 do
      local event = apivideo.events:sample "video.encoding.quality.completed"
      event.videoId = "vi" .. i
      assert(inbox:put { event = event, raw = require("cjson").encode(event) })
    end
    local cancel = apivideo.cancellation()
    apivideo.spawn(function()
      cancel.latch:wait()
      print "cancelled"
    end)
    local ended, err = inbox:work(handlers, { signals = true, cancel = cancel })
    print("ended", ended, err and err.kind, inbox:stats().waiting)
  end)]]

describe("inbox:work with signals #process", function()
  local function work(seconds, before)
    local arguments = { "-e", (WORKER:gsub("SECONDS", seconds)) }
    return process.start(arguments, before)
  end

  for _, signal in ipairs { "INT", "TERM" } do
    it("finishes what it has, takes no more, and the process ends with 0 on SIG" .. signal, function()
      local child = work("0.3")
      child:wait_for "started vi1"
      child:kill(signal)
      local output, status = child:finish()
      assert.truthy(output:find("cancelled\nfinished vi1\nended\ttrue\tnil\t2\n", 1, true), output)
      assert.equal(0, status)
    end)
  end

  it("ends at once on the second signal", function()
    local child = work("600")
    child:wait_for "started vi1"
    child:kill "TERM"
    child:wait_for "cancelled"
    child:kill "TERM"
    child:wait_for "ended\tnil\tcancelled"
    assert.equal(0, child:wait())
  end)

  it("works as PID 1, whose signals have no default", function()
    local _, status = process.run({ "-e", "os.exit(0)" }, "unshare --user --map-root-user --pid --fork --kill-child")
    if status ~= 0 then pending "unshare --pid is not permitted" end
    local child = work("1", "unshare --user --map-root-user --pid --fork --kill-child")
    child:wait_for "started vi1"
    local parent = file.read(child.base .. ".pid"):gsub("%s", "")
    os.execute(("kill -TERM $(cat /proc/%s/task/%s/children)"):format(parent, parent))
    local output
    output, status = child:finish()
    assert.truthy(output:find("finished vi1\nended\ttrue\tnil\t2\n", 1, true), output)
    assert.equal(0, status)
  end)

  it("is for scripts: nginx has signals of its own", function()
    local runtime = require "apivideo.runtime"
    local apivideo = require "apivideo"
    local on_signal = runtime.on_signal
    runtime.on_signal = nil
    local inbox = apivideo.inbox { store = require("apivideo.inbox.memory")() }
    local ok, err = pcall(inbox.work, inbox, apivideo.handlers(), { signals = true })
    runtime.on_signal = on_signal
    assert.is_false(ok)
    assert.truthy(err:find('option "signals" is for scripts', 1, true))
  end)
end)
