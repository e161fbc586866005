-- Calls of the API from inside a real nginx.

local apivideo = require "apivideo"
local certificates = require "spec.support.certificates"
local emulator = require "apivideo.emulator"
local http = require "apivideo.transport.http"
local lfs = require "lfs"
local nginx_calls = require "spec.support.nginx_calls"
local wait_for = require "spec.support.wait"

local note, get_all, repeated, leave = nginx_calls.note, nginx_calls.get_all, nginx_calls.repeated, nginx_calls.leave

nginx_calls.describe(function()
  local api, nginx

  before_each(function() api = nginx_calls.api() end)

  local function start(...) nginx = nginx_calls.start(...) end

  for _, workers in ipairs { 1, 2 } do
    it(("wait in each phase that can wait, with %d workers"):format(workers), function()
      start("server_rewrite_by_lua_block { if ngx.var.uri == '/server_rewrite' then"
        .. " require('app').note('server_rewrite', require('app').call()) end }", [[
          location /server_rewrite { return 204; }
          location /rewrite {
            rewrite_by_lua_block { require("app").note("rewrite", require("app").call()) }
            content_by_lua_block { ngx.exit(204) }
          }
          location /access {
            access_by_lua_block { require("app").note("access", require("app").call()) }
            content_by_lua_block { ngx.exit(204) }
          }
          location /content { content_by_lua_block { require("app").note("content", require("app").call()) } }
          location /timer { content_by_lua_block {
            assert(ngx.timer.at(0, function() require("app").note("timer", require("app").call()) end)) } }
          location /spawn { return 200; log_by_lua_block {
            require("apivideo").spawn(function(key) require("app").note(key, require("app").call()) end, "spawn") } }
        ]], { workers = workers })
      for _, phase in ipairs { "server_rewrite", "rewrite", "access", "content", "timer", "spawn" } do
        assert.truthy(nginx:request("/" .. phase))
        assert.equal("ok", note(phase))
      end
    end)
  end

  it("return the remedy in phases that cannot wait", function()
    start([[
      init_worker_by_lua_block { require("app").note("init_worker", require("app").call()) }
      exit_worker_by_lua_block { require("app").note("exit_worker", require("app").call()) }
      upstream up { server 0.0.0.1; balancer_by_lua_block {
        require("app").note("balancer", require("app").call())
        require("ngx.balancer").set_current_peer("127.0.0.1", 1)
      } }
    ]], [[
      location /set { set_by_lua_block $x { require("app").note("set", require("app").call()) } return 204; }
      location /header_filter {
        header_filter_by_lua_block { require("app").note("header_filter", require("app").call()) }
        return 200 x;
      }
      location /body_filter {
        body_filter_by_lua_block { require("app").note("body_filter", require("app").call()) }
        return 200 x;
      }
      location /log { log_by_lua_block { require("app").note("log", require("app").call()) } return 204; }
      location /balancer { proxy_pass http://up; }
    ]])
    nginx:reload()
    for _, phase in ipairs { "set", "header_filter", "body_filter", "log", "balancer", "init_worker", "exit_worker" } do
      assert.truthy(nginx:request("/" .. phase))
      assert.equal(("wrong_phase nginx cannot wait in its phase %s; do it from a timer:"
        .. " ngx.timer.at(0, function() ... end)"):format(phase), note(phase))
    end
    assert.equal(0, api.closed)
    assert.equal("ok", nginx:get "/call/now")
  end)

  it("return the remedy for other functions that wait, too", function()
    start(nil, [[location /log { return 204; log_by_lua_block {
      local app = require "app"
      for name, wait in pairs {
        sleep = function() app.apivideo.sleep(0) end,
        parallel = function() app.apivideo.parallel(1, { 1 }, app.call) end,
      } do
        app.note(name, select(2, pcall(wait)))
      end
    } }]])
    assert.truthy(nginx:request "/log")
    for _, name in ipairs { "sleep", "parallel" } do
      assert.truthy(note(name):find("^log_by_lua.*:%d: " .. name .. ": nginx cannot wait in its phase log; do it"))
    end
  end)

  it("wait in ssl_certificate_by_lua", function()
    local authority = certificates.new()
    authority:write("pids", "")
    finally(function() authority:remove() end)
    authority:issue("good", "IP:127.0.0.1")
    start(("ssl_certificate %s; ssl_certificate_key %s;"):format(authority:path "good.crt", authority:path "good.key"),
      'ssl_certificate_by_lua_block { require("app").note("ssl", require("app").call()) }', { listen = "ssl" })
    local response = assert(http.request {
      method = "GET", url = nginx.url .. "/notes/ssl", ca_file = authority:path "ca.crt",
    })
    assert.equal("ok", response.body)
  end)

  it("block in init_by_lua, and leave no descriptor open for the workers", function()
    api.released:open()
    start([[init_by_lua_block {
      local app = require "app"
      local bearer = app.apivideo.client { api_key = "k", base_url = app.client.base_url, auth = "bearer" }
      app.at_init = app.call() .. " " .. app.call("/now", nil, bearer)
      app.apivideo.sleep(0.001)
      app.apivideo.run(function() app.at_init = app.at_init .. " " .. app.call() end)
      app.at_init = app.at_init .. " " .. #app.apivideo.parallel(2, { 1, 2, 3 }, function() return app.call() end)
    }]], 'location /init { content_by_lua_block { ngx.print(require("app").at_init) } }')
    assert.equal("ok ok ok 3", nginx:get "/init")
    wait_for(function() return api.closed == api.connections() end, "the end of all connections")
    assert.equal("ok", nginx:get "/call/now")
    assert.equal(api.closed + 1, api.connections())
  end)

  it("run concurrently in one worker", function()
    start()
    for _, body in ipairs(get_all(repeated("/call/gate/50", 50))) do assert.equal("ok", body) end
    assert.equal(50, api.most)
    assert.equal(1, select(2, nginx:log():gsub("start worker process ", "")))
  end)

  it("run concurrently in one request", function()
    start(nil, [[location /parallel { content_by_lua_block {
      local app, items = require "app", {}
      for i = 1, 100 do items[i] = "/gate/20" end
      local results, errs = app.apivideo.parallel(20, items, function(path) return app.call(path) end)
      ngx.print(#results, " ", tostring(errs), " ", table.concat(results):gsub("ok", ""))
    } }]])
    assert.equal("100 nil 100", nginx:get "/parallel")
    assert.equal(20, api.most)
  end)

  it("free the memory of each item of a request", function()
    start(nil, [[location /items { content_by_lua_block {
      local app, before, after = require "app", nil, nil
      local function memory()
        collectgarbage()
        collectgarbage()
        return collectgarbage "count"
      end
      local function items(n)
        app.apivideo.parallel(20, ("x"):rep(n):gmatch("x"), function() ngx.sleep(0) end)
        return memory()
      end
      before, after = items(100), items(3000)
      ngx.print(after - before)
    } }]])
    assert.truthy(tonumber(nginx:get "/items") < 500) -- kB
  end)

  it("do not block sockets, sleeps and other requests", function()
    start(nil, [[location /beside { content_by_lua_block {
      local app, done = require "app", {}
      local call = ngx.thread.spawn(function() done.call = app.call("/hold") end)
      local sleep = ngx.thread.spawn(function() for _ = 1, 10 do ngx.sleep(0.001) end end)
      local socket = ngx.socket.tcp()
      assert(socket:connect("127.0.0.1", ngx.var.server_port))
      assert(socket:send("GET /call/now HTTP/1.0\r\n\r\n"))
      assert(socket:receive("*a"):find("ok$"))
      ngx.thread.wait(sleep)
      app.note("beside", tostring(done.call))
      ngx.thread.wait(call)
      ngx.print(done.call)
    } }]])
    local body
    apivideo.spawn(function() body = nginx:get "/beside" end)
    assert.equal("nil", note "beside")
    assert.equal("ok", nginx:get "/call/now")
    api.released:open()
    wait_for(function() return body end)
    assert.equal("ok", body)
  end)

  it("are cancelled by another light thread", function()
    start("init_by_lua_block { early = require('app').apivideo.cancellation() }", [[location /cancel {
      content_by_lua_block {
      local app = require "app"
      for _, cancellation in ipairs { early, app.apivideo.cancellation() } do
        ngx.thread.spawn(function()
          ngx.sleep(0.01)
          cancellation:cancel()
        end)
        ngx.say(app.call("/hold", { cancel = cancellation }))
        ngx.say(app.call("/hold", { cancel = cancellation }))
      end
    } }]])
    assert.equal(("cancelled the request was cancelled\n"):rep(4), nginx:get "/cancel")
    assert.equal("ok", nginx:get "/call/now")
  end)

  it("wake many tasks that wait for the same token", function()
    start("init_by_lua_block { require 'app' }", [[location /many { content_by_lua_block {
      local app = require "app"
      local latch, passed, late, threads = app.runtime.latch(), 0, 0, {}
      for i = 1, 2000 do
        threads[i] = ngx.thread.spawn(function()
          if latch:wait(i % 2 == 0 and 0.001 or nil) == "value" then passed = passed + 1 else late = late + 1 end
        end)
      end
      repeat ngx.sleep(0.01) until late == 1000
      latch:open("value")
      for i = 1, 2000 do ngx.thread.wait(threads[i]) end
      ngx.print(passed, " ", late, " ", tostring(latch:wait(0)))
    } }]])
    assert.equal("1000 1000 value", nginx:get "/many")
  end)

  it("work in timers that run until the worker ends", function()
    start(nil, [[location /timer { content_by_lua_block {
      assert(ngx.timer.at(1000, function(premature)
        require("app").note("end", tostring(premature), require("app").call("/hold"))
      end))
    } }]])
    nginx:get "/timer"
    apivideo.spawn(function() wait_for(function() return api.held == 1 end) api.released:open() end)
    nginx:reload()
    assert.equal("true ok", note "end")
  end)

  it("end before their worker ends", function()
    start()
    local body
    apivideo.spawn(function() body = nginx:get "/call/hold" end)
    wait_for(function() return api.held == 1 end)
    apivideo.spawn(function()
      wait_for(function() return #nginx:workers() == 2 end)
      api.released:open()
    end)
    nginx:reload()
    wait_for(function() return body end)
    assert.equal("ok", body)
  end)

  it("leak nothing with lua_code_cache off", function()
    start(nil, [[
      lua_check_client_abort on;
      location /tasks { content_by_lua_block {
        local app = require "app"
        app.apivideo.spawn(function() app.note("task", app.call()) end)
        ngx.print(#app.apivideo.parallel(3, { 1, 2, 3 }, function() return app.call() end))
      } }
    ]], { code_cache = "off" })
    local function open_files()
      local count = 0
      for _ in lfs.dir(("/proc/%s/fd"):format(nginx:workers()[1])) do count = count + 1 end
      return count
    end
    local function round()
      for _, body in ipairs(get_all(repeated("/call/gate/5", 5))) do assert.equal("ok", body) end
      assert.equal("3", nginx:get "/tasks")
      assert.equal("ok", note "task")
    end
    round()
    leave("/call/hold", function() return api.held == 1 end)
    api.released:open()
    local before = open_files()
    for _ = 1, 10 do round() end
    -- Each of 80 virtual machines had a pool, with three descriptors or more. (Some of the last ones may not have ended
    -- yet.)
    wait_for(function() return open_files() <= before + 20 end, "descriptors that are closed")
    assert.is_nil(nginx:log():find("exited on signal", 1, true))
  end)

  it("of two workers share one rate limit", function()
    local local_api = assert(emulator.start {
      api_key = "test-key", rate_limits = { reads = 20, writes = 5 }, rate_window = 1,
    })
    finally(function() local_api:stop() end)
    start("lua_shared_dict limits 1m;", [[location /limited { content_by_lua_block {
      local app = require "app"
      app.limited = app.limited or app.apivideo.client { api_key = "test-key", base_url = app.client.base_url,
        rate_limit = { store = ngx.shared.limits },
        on_response = function(response) ngx.shared.notes:incr(response.status, 1, 0) end }
      ngx.shared.notes:incr("worker" .. ngx.worker.id(), 1, 0)
      local page, err = app.limited.webhooks:list()
      ngx.print(page and "ok" or tostring(err))
    } }]], { workers = 2, listen = "reuseport", api = local_api.url })
    assert.equal("ok", nginx:get "/limited") -- its response has the limit
    for _, body in ipairs(get_all(repeated("/limited", 49))) do assert.equal("ok", body) end
    assert.equal("nothing", nginx:get "/notes/429")
    assert.equal("50", nginx:get "/notes/200")
    assert.equal(50, tonumber(note "worker0") + tonumber(note "worker1"))
  end)
end)
