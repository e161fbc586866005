-- Calls of the API from inside a real nginx.

local apivideo = require "apivideo"
local certificates = require "spec.support.certificates"
local docs = require "spec.support.docs"
local emulator = require "apivideo.emulator"
local http = require "apivideo.transport.http"
local lfs = require "lfs"
local nginx_lua = require "spec.support.nginx_lua"
local peer = require "spec.support.peer"
local raw_client = require "spec.support.raw"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

-- The application of all these tests: `app.call(path)` makes a call and returns its result in one word;
-- `app.note(key, ...)` stores it for /notes/<key>.
local APP = [[
local apivideo = require "apivideo"
local notes = ngx.shared.notes
local app = { apivideo = apivideo, runtime = require "apivideo.runtime" }
app.client = apivideo.client { api_key = "test-key", base_url = "@api@", retries = 0, rate_limit = false }

function app.call(path, given, client)
  local result, err = (client or app.client):request("GET", path or "/now", given)
  return result and "ok" or err.kind .. " " .. err.message
end

function app.note(key, ...) notes:set(key, table.concat({ ... }, " ")) end

return app
]]

local SERVER = [[
location /call/ { content_by_lua_block { ngx.print(require("app").call("/" .. ngx.var.uri:sub(7))) } }
location /notes/ { content_by_lua_block { ngx.print(ngx.shared.notes:get(ngx.var.uri:sub(8)) or "nothing") } }
]]

-- A client that requests a token first, for all requests of a worker.
local BEARER = [[ init_by_lua_block {
  local app = require "app"
  bearer = app.apivideo.client { api_key = "k", base_url = app.client.base_url, auth = "bearer", retries = 0 }
} ]]

-- The API: a peer that responds to /now at once, to /gate/<n> when n requests wait at the gate, and to /hold on demand.
local function start_api()
  local self = { most = 0, held = 0, closed = 0, released = runtime.latch(), gate = runtime.latch() }
  local waiting = 0
  local function wait_at_gate(many)
    waiting = waiting + 1
    self.most = math.max(self.most, waiting)
    if waiting == many then self.gate:open() end
    self.gate:wait()
    waiting = waiting - 1
    if waiting == 0 then self.gate = runtime.latch() end
  end
  local listening = peer.start(function(connection)
    while true do
      local request = connection:read_request()
      if not request then break end
      local many = request.line:match("/gate/(%d+)")
      if many then
        wait_at_gate(tonumber(many))
      elseif request.line:find("/hold", 1, true) or request.line:find("/auth", 1, true) then
        self.held = self.held + 1
        self.released:wait()
      end
      if not connection:respond("200 OK", "Content-Type: application/json\r\n",
        '{"access_token":"a-token","refresh_token":"r","expires_in":3600,"token_type":"Bearer"}') then break end
    end
    self.closed = self.closed + 1
  end)
  self.url, self.stop = listening.url, listening.stop
  function self.connections() return listening.connections end
  return self
end

local missing = nginx_lua.missing()
local describe_nginx = missing and function(name) pending(name .. ": " .. missing) end or describe

describe_nginx("calls in nginx #process", function()
  local api, nginx

  before_each(function() api = start_api() end)

  after_each(function()
    api.released:open()
    if nginx then nginx:stop() end
    api.stop()
    nginx = nil
  end)

  -- Starts nginx with additional directives of the http block, and additional locations.
  local function start(block, server, more)
    local given = {
      http = "lua_shared_dict notes 1m; " .. (block or ""), server = SERVER .. (server or ""),
      files = { ["app.lua"] = (APP:gsub("@api@", more and more.api or api.url)) },
    }
    for name, value in pairs(more or {}) do given[name] = value end
    given.api = nil
    nginx = nginx_lua.start(given)
    return nginx
  end

  local function note(key)
    return wait_for(function()
      local text = nginx:get("/notes/" .. key)
      return text ~= "nothing" and text
    end, "the note " .. key)
  end

  -- Requests paths at the same time; the bodies.
  local function get_all(paths)
    return (apivideo.parallel(#paths, paths, function(path) return nginx:get(path) end))
  end

  local function repeated(path, times)
    local paths = {}
    for i = 1, times do paths[i] = path end
    return paths
  end

  -- Starts a request, and closes its connection while it is processed.
  local function leave(path, under_way)
    local connection = raw_client.connect(nginx.port)
    connection:send("GET " .. path .. " HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_for(under_way, path)
    connection:close()
    wait_for(function() return nginx:log():find("client prematurely closed connection", 1, true) end, "the abort")
  end

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

  it("return the remedy inside a C function", function()
    start(nil, [[
      location /require { content_by_lua_block {
        package.preload.mine = function() return { result = require("app").call() } end
        ngx.print(require("mine").result)
      } }
      location /pcall { content_by_lua_block {
        ngx.print(select(2, pcall(function() return select(2, xpcall(require("app").call, print)) end)))
      } }
      location /coroutine { content_by_lua_block {
        ngx.print(coroutine.wrap(function() coroutine.yield(require("app").call()) end)())
      } }
    ]])
    assert.truthy(nginx:get("/require"):find("^wrong_phase Lua cannot wait inside of a C function, such as require"))
    assert.equal("ok", nginx:get "/pcall")
    assert.equal("ok", nginx:get "/coroutine")
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

  describe("of clients that leave", function()
    local LEAVE = [[
      lua_check_client_abort on;
      location /bearer { content_by_lua_block { ngx.print(require("app").call("/now", nil, bearer)) } }
    ]]

    it("do not block other calls", function()
      start(nil, LEAVE)
      leave("/call/hold", function() return api.held == 1 end)
      assert.equal("ok", nginx:get "/call/now")
      api.released:open()
      for _, body in ipairs(get_all(repeated("/call/gate/5", 5))) do assert.equal("ok", body) end
    end)

    it("complete requests that other calls wait for", function()
      start(BEARER, LEAVE)
      leave("/bearer", function() return api.held == 1 end)
      local body
      apivideo.spawn(function() body = nginx:get "/bearer" end)
      assert.equal("ok", nginx:get "/call/now")
      api.released:open()
      wait_for(function() return body end)
      assert.equal("ok", body)
      assert.equal(1, api.held)
    end)

    it("are replaced if they processed the transfers of others", function()
      start("lua_max_running_timers 1;", LEAVE .. [[
        location /occupy { content_by_lua_block { ngx.timer.at(0, function() ngx.sleep(100) end) } }
      ]])
      nginx:get "/occupy"
      local body
      apivideo.spawn(function()
        wait_for(function() return api.held == 1 end)
        body = nginx:get "/call/hold"
      end)
      leave("/call/hold", function() return api.held == 2 end)
      api.released:open()
      wait_for(function() return body end)
      assert.equal("ok", body)
    end)
  end)

  describe("without timers", function()
    local OCCUPY = [[
      lua_check_client_abort on;
      location /occupy { content_by_lua_block { ngx.timer.at(@delay@, function()
        while not ngx.shared.notes:get "free" do ngx.sleep(0.01) end
      end) } }
      location /free { content_by_lua_block { ngx.shared.notes:set("free", true) } }
      location /killed { content_by_lua_block {
        local app = require "app"
        local runtime = require "apivideo.runtime"
        local bearer = app.apivideo.client { api_key = "k", base_url = app.client.base_url, auth = "bearer" }
        local function call() return app.call("/now", nil, bearer) end
        local at_work, beside = ngx.thread.spawn(call), ngx.thread.spawn(call)
        while not ngx.shared.notes:get "kill" do ngx.sleep(0.01) end
        assert(ngx.thread.kill(at_work))
        app.note("killed", "yes")
        local monotonic = runtime.monotonic
        runtime.monotonic = function() return monotonic() + 31 end
        ngx.print(call(), " ", select(2, ngx.thread.wait(beside)))
      } }
      location /kill { content_by_lua_block { ngx.shared.notes:set("kill", true) } }
      location /spawn { content_by_lua_block {
        for i = 1, 3 do require("apivideo").spawn(function() require("app").note(i, require("app").call()) end) end
      } }
      location /bearer { content_by_lua_block { ngx.print(require("app").call("/now", nil, bearer)) } }
    ]]

    for name, case in pairs {
      ["pending"] = { http = "lua_max_pending_timers 1;", delay = 100 },
      ["running"] = { http = "lua_max_running_timers 1;", delay = 0 },
    } do
      it("continue: none " .. name, function()
        start(case.http .. BEARER, (OCCUPY:gsub("@delay@", case.delay)))
        nginx:get "/occupy"
        for _, body in ipairs(get_all(repeated("/call/gate/10", 10))) do assert.equal("ok", body) end
        api.released:open()
        assert.equal("ok", nginx:get "/bearer")
        nginx:get "/spawn"
        assert.equal("ok", nginx:get "/call/now")
        for i = 1, 3 do
          wait_for(function()
            assert.equal("ok", nginx:get "/call/now")
            return nginx:get("/notes/" .. i) == "ok"
          end, "task " .. i)
        end
      end)

      it("complete tasks although the client leaves: none " .. name, function()
        start(case.http .. BEARER, (OCCUPY:gsub("@delay@", case.delay)))
        nginx:get "/occupy"
        leave("/bearer", function() return api.held == 1 end)
        local body
        apivideo.spawn(function() body = nginx:get "/bearer" end)
        assert.equal("ok", nginx:get "/call/now")
        api.released:open()
        wait_for(function() return body end)
        assert.equal("ok", body)
        assert.equal(1, api.held)
      end)

      it("repeat lost token requests: none " .. name, function()
        start(case.http, (OCCUPY:gsub("@delay@", case.delay)))
        nginx:get "/occupy"
        local body
        apivideo.spawn(function() body = nginx:get "/killed" end)
        wait_for(function() return api.held == 1 end)
        nginx:get "/kill"
        note "killed"
        api.released:open()
        wait_for(function() return body end)
        assert.equal("ok ok", body)
      end)
    end

    it("run tasks later if nginx has dropped their timer", function()
      start("lua_max_running_timers 1;", (OCCUPY:gsub("@delay@", 0)))
      nginx:get "/occupy"
      nginx:get "/spawn"
      wait_for(function() return nginx:log():find("lua_max_running_timers are not enough", 1, true) end, "the drop")
      assert.equal("nothing", nginx:get "/notes/1")
      nginx:get "/free"
      for i = 1, 3 do assert.equal("ok", note(tostring(i))) end
    end)
  end)

  it("work in timers that run until the worker ends", function()
    start(nil, [[location /timer { content_by_lua_block {
      assert(ngx.timer.at(1000, function(premature)
        require("app").note("end", tostring(premature), require("app").call("/gate/2"))
      end))
    } }]])
    nginx:get "/timer"
    apivideo.spawn(function() wait_for(function() return api.most == 1 end) api.gate:open() end)
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

  it("have documentation with a configuration that runs", function()
    local local_api = assert(emulator.start { api_key = "docs-key", rate_limits = { reads = 100, writes = 40 } })
    finally(function() local_api:stop() end)
    local account = apivideo.client { api_key = "docs-key", base_url = local_api.url }
    local_api:put_video { videoId = apivideo.events:sample("video.encoding.quality.completed").videoId, title = "News" }
    local blocks = { http = {}, server = {} }
    for _, block in ipairs(docs.blocks("docs/guides/nginx.md", "nginx")) do
      local level = block.code:find("^location") and "server" or "http"
      -- With the modules of the checkout, and the log of the spec.
      if not block.code:find("lua_package_path", 1, true) and not block.code:find "^error_log" then
        table.insert(blocks[level], (block.code:gsub('os.getenv "APIVIDEO_API_KEY"', '"docs-key"')
          :gsub('environment = "sandbox"', ('base_url = "%s"'):format(local_api.url))))
      end
    end
    start(table.concat(blocks.http), table.concat(blocks.server))
    local webhook = assert(account.webhooks:create { url = nginx.url .. "/webhooks", events = apivideo.events:names() })
    local_api:emit(apivideo.events:sample "video.encoding.quality.completed")
    assert.is_true(local_api:settle(10))
    wait_for(function() return nginx:log():find("News is ready as 720p", 1, true) end, "the log")
    assert.truthy(nginx:get("/metrics"):find("\napivideo_deliveries_received_total 1\n", 1, true))
    assert.equal(webhook.webhookId .. " " .. webhook.url .. "\n", nginx:get "/subscriptions")
    assert.equal("Done.\n", nginx:get "/later")
    wait_for(function() return #local_api.requests >= 5 end, "the call from the log phase")
  end)

  it("have an example that runs", function()
    local pipe = io.popen "tools/with-lua jit examples/nginx/demo.lua 2>&1"
    local printed = pipe:read "*a"
    pipe:close()
    for _, name in ipairs(apivideo.events:names()) do
      assert.truthy(printed:find("  <- " .. name .. ": ", 1, true), printed)
    end
    assert.truthy(printed:find("video.source.recorded: video [^ ]+, Evening news\n"), printed)
    assert.truthy(printed:find("from api.video:\n  webhook_%w+ http://127.0.0.1:%d+/webhooks\n"), printed)
    assert.truthy(printed:find("\n  apivideo_deliveries_received_total 7\n", 1, true), printed)
  end)
end)
