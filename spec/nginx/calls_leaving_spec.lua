-- Calls of the API from inside a real nginx whose clients leave, or which has no timers left.

local apivideo = require "apivideo"
local nginx_calls = require "spec.support.nginx_calls"
local wait_for = require "spec.support.wait"

local BEARER, note, get_all = nginx_calls.BEARER, nginx_calls.note, nginx_calls.get_all
local repeated, leave = nginx_calls.repeated, nginx_calls.leave

nginx_calls.describe(function()
  local api, nginx

  before_each(function() api = nginx_calls.api() end)

  local function start(...) nginx = nginx_calls.start(...) end

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
end)
