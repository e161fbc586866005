-- How transfers and descriptors wake a worker of a real nginx: by a thread, not by polling.

local apivideo = require "apivideo"
local file = require "spec.support.file"
local lfs = require "lfs"
local nginx_calls = require "spec.support.nginx_calls"
local temporary = require "spec.support.temporary"
local wait_for = require "spec.support.wait"

local note, get_all, repeated, leave = nginx_calls.note, nginx_calls.get_all, nginx_calls.repeated, nginx_calls.leave

-- Counts the steps of pools.
local COUNTED = [[ init_by_lua_block {
  local http = require("apivideo.core").http
  local new = http.new
  steps = 0
  function http.new()
    local pool, proxy = new(), {}
    for _, name in ipairs { "start", "step", "watch", "timeout", "forked", "close" } do
      proxy[name] = function(_, ...)
        if name == "step" then steps = steps + 1 end
        return pool[name](pool, ...)
      end
    end
    return proxy
  end
} ]]

-- Prints the steps during a second of a call without a response.
local HELD = [[ location /held { content_by_lua_block {
  local app = require "app"
  app.apivideo.spawn(function() app.note("held", app.call("/hold")) end)
  ngx.sleep(0.1)
  local before = steps
  ngx.sleep(1)
  ngx.print(steps - before)
} } ]]

-- One for each heartbeat (0.25 s), and two for each event. With polling, there are 250 in a second, or fewer when the
-- machine is busy.
local FEW = 15

nginx_calls.describe(function()
  local api, nginx, directory

  before_each(function()
    api = nginx_calls.api()
    directory = temporary.directory()
  end)

  -- What is left in the directory of temporary files.
  local function files()
    local names = {}
    for name in lfs.dir(directory) do
      if name ~= "." and name ~= ".." then names[#names + 1] = name end
    end
    return table.concat(names, " ")
  end

  after_each(function()
    assert.equal("", files())
    lfs.rmdir(directory)
  end)

  local function start(block, server, more)
    more = more or {}
    more.main = (more.main or "") .. " env TMPDIR;"
    more.environment = more.environment or "TMPDIR=" .. directory
    nginx = nginx_calls.start(COUNTED .. (block or ""), HELD .. (server or ""), more)
  end

  -- The threads of the only worker.
  local function count_threads()
    local count, worker = 0, wait_for(function() return nginx:workers()[1] end, "a worker")
    for name in lfs.dir(("/proc/%s/task"):format(worker)) do
      if name ~= "." and name ~= ".." then count = count + 1 end
    end
    return count
  end

  local function assert_clean_log()
    local log = nginx:log()
    for _, unwanted in ipairs { "open socket", "exited on signal", "%[alert%]", "%[error%]", "%[crit%]" } do
      assert.is_nil(log:match("[^\n]*" .. unwanted .. "[^\n]*"))
    end
  end

  it("does not poll during a call", function()
    start()
    assert.truthy(tonumber(nginx:get "/held") < FEW)
    api.released:open()
    assert.equal("ok", note "held")
    assert_clean_log()
  end)

  it("wakes the worker for each of thousands of calls, with few steps", function()
    start(nil, [[ location /many { content_by_lua_block {
      local app, before = require "app", steps
      for _ = 1, 3000 do assert(app.call() == "ok") end
      ngx.print(steps - before)
    } } ]])
    assert.equal("ok", nginx:get "/call/now")
    assert.truthy(tonumber(nginx:get "/many") < 3000 * 4)
    assert_clean_log()
  end)

  it("wakes the worker at the timeout of a call", function()
    start(nil, [[ location /timeout { content_by_lua_block {
      local app, before = require "app", steps
      ngx.say(app.call("/hold", { timeout = 0.4 }))
      ngx.print(steps - before)
    } } ]])
    local message, steps = nginx:get("/timeout"):match "^(.*)\n(%d+)$"
    assert.truthy(message:find "^timeout ")
    assert.truthy(tonumber(steps) < FEW)
    assert_clean_log()
  end)

  it("wakes the worker for a host whose name is looked up", function()
    start(nil, nil, { api = (api.url:gsub("127%.0%.0%.1", "localhost")) })
    assert.equal("ok", nginx:get "/call/now")
    assert.truthy(tonumber(nginx:get "/held") < FEW)
    api.released:open()
    assert.equal("ok", note "held")
    assert_clean_log()
  end)

  it("replaces a timer that does not respond, once", function()
    start(nil, [[ location /blocked { content_by_lua_block {
      local app = require "app"
      assert(app.call() == "ok")
      local ends = app.runtime.monotonic() + 1.5
      while app.runtime.monotonic() < ends do end
      local before = steps
      for _ = 1, 100 do assert(app.call() == "ok") end
      ngx.print(steps - before)
    } } ]])
    assert.truthy(tonumber(nginx:get "/blocked") < 100 * 4)
    assert.equal(2, count_threads())
    assert.truthy(tonumber(nginx:get "/held") < FEW)
    api.released:open()
    assert.equal("ok", note "held")
    assert_clean_log()
  end)

  it("wakes the worker for responses that arrive together", function()
    start(nil, "location /steps { content_by_lua_block { ngx.print(steps) } }")
    for _ = 1, 5 do
      for _, body in ipairs(get_all(repeated("/call/gate/50", 50))) do assert.equal("ok", body) end
    end
    assert.truthy(tonumber(nginx:get "/steps") < 5 * 50 * 4)
    assert_clean_log()
  end)

  it("ends its thread when nothing is left to wait for", function()
    start()
    assert.equal(1, count_threads())
    nginx:get "/held"
    assert.equal(2, count_threads())
    api.released:open()
    wait_for(function() return count_threads() == 1 end, "the end of the thread")
    assert.equal("ok", nginx:get "/call/now")
    assert_clean_log()
  end)

  it("polls where there is no directory for the socket", function()
    start(nil, nil, { environment = "TMPDIR=/nonexistent" })
    assert.truthy(tonumber(nginx:get "/held") > FEW)
    assert.equal(1, count_threads())
    api.released:open()
    assert.equal("ok", note "held")
    assert_clean_log()
  end)

  it("polls while nginx has no free connection, and later wakes the worker again", function()
    start(nil, [[ location /exhausted { lua_socket_log_errors off; content_by_lua_block {
      local app, sockets = require "app", {}
      while true do
        local socket = ngx.socket.tcp()
        if not socket:connect("127.0.0.1", ngx.var.server_port) then break end
        sockets[#sockets + 1] = socket
      end
      ngx.say(app.call())
      for _, socket in ipairs(sockets) do socket:close() end
    } } ]], { connections = 64 })
    assert.equal("ok\n", nginx:get "/exhausted")
    assert.truthy(nginx:log():find("worker_connections are not enough", 1, true))
    wait_for(function() return nginx:get "/call/now" == "ok" and count_threads() == 2 end, "a thread")
  end)

  it("ends with its worker, in the middle of a call or after it", function()
    start(nil, nil, { workers = 2 })
    for _ = 1, 3 do
      for _, body in ipairs(get_all(repeated("/call/now", 10))) do assert.equal("ok", body) end
      nginx:reload()
    end
    local body
    apivideo.spawn(function() body = nginx:get "/call/hold" end)
    wait_for(function() return api.held == 1 end)
    apivideo.spawn(function()
      wait_for(function() return #nginx:workers() == 4 end)
      api.released:open()
    end)
    nginx:reload()
    wait_for(function() return body end)
    assert.equal("ok", body)
    assert.equal("ok", nginx:get "/call/now")
    local log = nginx.prefix .. "/error.log"
    assert(os.execute(("ln %s %s.kept"):format(log, directory)))
    nginx:stop(true)
    local text = file.read(directory .. ".kept")
    os.remove(directory .. ".kept")
    for _, unwanted in ipairs { "open socket", "exited on signal", "[alert]" } do
      assert.is_nil(text:find(unwanted, 1, true))
    end
  end)

  it("leaves no thread with lua_code_cache off", function()
    start("", "", { code_cache = "off" })
    for _ = 1, 5 do
      for _, body in ipairs(get_all(repeated("/call/gate/5", 5))) do assert.equal("ok", body) end
    end
    wait_for(function() return count_threads() == 1 end, "the end of the threads")
    assert_clean_log()
  end)

  it("wakes other requests when the client of a call leaves", function()
    start("lua_check_client_abort on;")
    leave("/call/hold", function() return api.held == 1 end)
    assert.truthy(tonumber(nginx:get "/held") < FEW)
    api.released:open()
    assert.equal("ok", note "held")
  end)

  it("wakes a worker with more than 1024 descriptors", function()
    start(nil, [[ location /opened { content_by_lua_block {
      local ffi = require "ffi"
      ffi.cdef "int dup(int);"
      for _ = 1, 1100 do assert(ffi.C.dup(2) >= 0) end
      ngx.print(ffi.C.dup(2))
    } } ]], { main = "worker_rlimit_nofile 4096;" })
    assert.truthy(tonumber(nginx:get "/opened") > 1024)
    assert.truthy(tonumber(nginx:get "/held") < FEW)
    api.released:open()
    assert.equal("ok", note "held")
    assert_clean_log()
  end)

  describe("for a pipe that is watched", function()
    local PIPE = [[ init_worker_by_lua_block {
      local ffi = require "ffi"
      ffi.cdef "int pipe(int[2]); long read(int, void *, size_t); long write(int, const void *, size_t);"
      pipe = ffi.new "int[2]"
      assert(ffi.C.pipe(pipe) == 0)
      local byte = ffi.new "char[1]"
      function read_byte() assert(ffi.C.read(pipe[0], byte, 1) == 1) return string.char(byte[0]) end
      function write(text) ffi.C.write(pipe[1], text, #text) end
    } ]]

    -- Watches the pipe until the callback has read three bytes, one in each call.
    local WATCH = [[ location /watch { content_by_lua_block {
      local runtime, text, done = require("app").runtime, "", require("app").runtime.latch()
      runtime.watch(pipe[0], function()
        text = text .. read_byte()
        if #text == 3 then
          runtime.unwatch(pipe[0])
          done:open(text)
        end
      end)
      local before = steps
      ngx.sleep(0.5)
      local idle = steps - before
      if ngx.var.arg_by == "task" then write("abc") end
      ngx.say(done:wait(30), " ", idle)
    } }
    location /write { content_by_lua_block { write("abc") } } ]]

    -- The steps while nothing happens.
    local function idle_steps(path)
      local text, steps = nginx:get(path):match "^(%w+) (%d+)\n"
      assert.equal("abc", text)
      return tonumber(steps)
    end

    it("calls the callback as long as it is readable", function()
      start(PIPE, WATCH)
      for _ = 1, 3 do assert.truthy(idle_steps "/watch?by=task" < FEW) end
      wait_for(function() return count_threads() == 1 end, "the end of the thread")
      assert_clean_log()
    end)

    it("calls it when another request writes", function()
      start(PIPE, WATCH)
      local idle
      apivideo.spawn(function() idle = idle_steps "/watch" end)
      apivideo.sleep(0)
      nginx:get "/write"
      wait_for(function() return idle end)
      assert.equal("ok", nginx:get "/call/now")
    end)

    it("calls it without a thread, too", function()
      start(PIPE, WATCH, { environment = "TMPDIR=/nonexistent" })
      idle_steps "/watch?by=task"
      assert.equal(1, count_threads())
      assert_clean_log()
    end)

    it("reports an error in the callback, and continues", function()
      start(PIPE, [[ location /raise { content_by_lua_block {
        local runtime, calls, done = require("app").runtime, 0, require("app").runtime.latch()
        runtime.watch(pipe[0], function()
          read_byte()
          calls = calls + 1
          if calls == 2 then done:open() end
          error("failed on purpose")
        end)
        write("ab")
        done:wait(30)
        runtime.unwatch(pipe[0])
        ngx.print(calls)
      } } ]])
      assert.equal("2", nginx:get "/raise")
      assert.truthy(nginx:log():find("a callback failed: .*failed on purpose"))
      assert.equal("ok", nginx:get "/call/now")
    end)

    it("lets the worker end although it stays watched", function()
      start(PIPE, [[ location /stay { content_by_lua_block {
        require("app").runtime.watch(pipe[0], function() end)
      } } ]])
      nginx:get "/stay"
      wait_for(function() return count_threads() == 2 end, "a thread")
      nginx:reload()
      assert_clean_log()
    end)
  end)
end)
