-- Spans of deliveries, attempts and calls in nginx.

local apivideo = require "apivideo"
local cjson = require "cjson"
local inboxes = require "spec.support.inboxes"
local nginx_lua = require "spec.support.nginx_lua"
local running = require "spec.support.running"
local wait_for = require "spec.support.wait"

local APP = [[
local exit = ngx.exit -- before the library replaces it
local apivideo = require "apivideo"
local client = apivideo.client { api_key = "key", base_url = "%s", rate_limit = false }
local app = { spans = {}, client = client }
local function traceparent(number) return ("00-%%s-%%016x-01"):format(("a"):rep(32), number) end
apivideo.tracing {
  on_start = function(span)
    span.number, span.ends = #app.spans + 1, 0
    app.spans[span.number], span.traceparent = span, traceparent(span.number)
    if app.exits then ngx.exit(200) end
  end,
  on_end = function(span)
    span.ends = span.ends + 1
    if app.exits then ngx.exit(200) end
  end,
}
local ways = {
  exit = function() exit(200) end,
  forbidden_exit = function() ngx.exit(200) end,
  exit_in_hook = function() end,
  spawn = function() apivideo.spawn(function() client.videos:list() end) end,
  wait = function() require("apivideo.runtime").latch():wait() end,
}
local handlers = apivideo.handlers():on("*", function(event)
  local way = ways[event.summaryId]
  if way then return way() end
  ngx.sleep(0.01)
  return apivideo.parallel(2, { "a", "b" }, function(item)
    return assert(client:request("GET", "/videos/" .. event.summaryId .. "/" .. item))
  end)
end)
app.receiver = apivideo.receiver { handlers = handlers, unsigned = true }
app.inbox = apivideo.inbox { store = require("apivideo.inbox.memory")() }
app.inbox_receiver = apivideo.receiver { inbox = app.inbox, unsigned = true }
function app.work()
  apivideo.spawn(function()
    app.inbox:work(handlers, { lease = 1, handler_timeout = 1, max_attempts = 1 })
  end)
end
function app.shown()
  local list = {}
  for i, span in ipairs(app.spans) do
    list[i] = { kind = span.kind, parent = span.parent and span.parent.number, ends = span.ends, status = span.status,
      type = span.attributes["error.type"], video = span.attributes["apivideo.video.id"],
      key = span.attributes["messaging.message.id"] }
  end
  return require("cjson").encode(list)
end
return app
]]

local WORK = 'init_worker_by_lua_block { require("app").work() }'

local SERVER = [[
location = /webhooks { content_by_lua_block { require("app").receiver:nginx() } }
location = /inbox { content_by_lua_block { require("app").inbox_receiver:nginx() } }
location = /call { content_by_lua_block { ngx.print(require("app").client.videos:list() and "ok") } }
location = /exits { content_by_lua_block { require("app").exits = ngx.var.arg_on == "1" ngx.print "ok" } }
location = /occupy { content_by_lua_block { ngx.print(ngx.timer.at(100, function() end) and "ok") } }
location = /collect { content_by_lua_block { for _ = 1, 4 do collectgarbage() end ngx.print "ok" } }
location = /spans { content_by_lua_block { ngx.print(require("app").shown()) } }
]]

nginx_lua.describe("a span in nginx #process", function()
  local nginx

  local function start(http)
    local api = running.responding("200 OK", nil, '{"data":[]}')
    nginx = nginx_lua.start { http = http, server = SERVER, files = { ["app.lua"] = APP:format(api.url) } }
  end

  after_each(function()
    nginx:stop()
    running.stop()
  end)

  local function post(path, id)
    local response = nginx:request(path, {
      method = "POST", body = inboxes.raw_of("video.summary.generated", { summaryId = id }),
    })
    return response and response.status
  end

  local function spans() return cjson.decode(nginx:get "/spans") end

  local function of(kind)
    local found = {}
    for _, span in ipairs(spans()) do
      if span.kind == kind then found[#found + 1] = span end
    end
    return found
  end

  -- Checks that each call belongs to the span of its event.
  local function check_calls(count)
    local list, calls = spans(), 0
    for _, span in ipairs(list) do
      assert.equal(1, span.ends)
      if span.kind == "client" then
        calls = calls + 1
        assert.truthy(list[span.parent].key:find(span.video, 1, true), span.video)
      end
    end
    assert.equal(count, calls)
  end

  it("is not that of a task which runs in a request because nginx has no timer", function()
    start "lua_max_pending_timers 1;"
    assert.equal("ok", nginx:get "/occupy")
    assert.equal(204, post("/webhooks", "spawn"))
    wait_for(function() return of("client")[1] and of("client")[1].ends == 1 end, "the call")
    assert.is_nil(of("client")[1].parent)
  end)

  it("of a delivery is the parent of its calls, also of concurrent ones", function()
    start(WORK)
    local _, errs = apivideo.parallel(5, { "s1", "s2", "s3", "s4", "s5", "s6" }, function(id)
      assert.equal(204, post("/webhooks", id))
    end)
    assert.is_nil(errs)
    check_calls(12)
  end)

  it("of an attempt is the parent of its calls", function()
    start(WORK)
    assert.equal(204, post("/inbox", "s1"))
    assert.equal(204, post("/inbox", "s2"))
    wait_for(function()
      local attempts = of "consumer"
      return #attempts == 2 and attempts[1].ends + attempts[2].ends == 2
    end, "two attempts")
    check_calls(4)
  end)

  it("of a handler that calls ngx.exit ends once", function()
    start(WORK)
    assert.equal(500, post("/webhooks", "forbidden_exit"))
    local list = spans()
    assert.equal(1, #list)
    assert.equal(1, list[1].ends)
    assert.equal("error", list[1].status)
  end)

  it("of a handler that ends its request ends once, and gets no calls of later requests", function()
    start(WORK)
    post("/webhooks", "exit")
    assert.equal("ok", nginx:get "/collect")
    assert.equal("ok", nginx:get "/call")
    assert.equal(1, of("server")[1].ends)
    for _ = 1, 2 do
      post("/webhooks", "exit")
      for _ = 1, 3 do assert.equal("ok", nginx:get "/call") end
    end
    assert.equal("ok", nginx:get "/collect")
    assert.equal("ok", nginx:get "/call")
    local ended = of "server"
    assert.equal(3, #ended)
    for _, span in ipairs(ended) do
      assert.equal(1, span.ends)
      assert.equal("abandoned", span.type)
    end
    for _, span in ipairs(of "client") do
      assert.is_nil(span.parent)
      assert.equal(1, span.ends)
    end
  end)

  it("of an attempt that ends its task, or times out, ends once", function()
    start(WORK)
    assert.equal(204, post("/inbox", "exit"))
    assert.equal(204, post("/inbox", "wait"))
    wait_for(function()
      local attempts = of "consumer"
      return #attempts == 2 and attempts[1].status == "error" and attempts[2].status == "error"
    end, "two failed attempts")
    assert.equal("ok", nginx:get "/collect")
    assert.equal("ok", nginx:get "/call")
    for _, span in ipairs(spans()) do assert.equal(1, span.ends) end
  end)

  it("is not changed by hooks that call ngx.exit", function()
    start(WORK)
    assert.equal("ok", nginx:get "/exits?on=1")
    assert.equal(204, post("/webhooks", "exit_in_hook"))
    assert.equal("ok", nginx:get "/exits?on=0")
    local list = spans()
    assert.equal(1, #list)
    assert.equal(1, list[1].ends)
    wait_for(function()
      return nginx:log():find("ngx.exit was called in a hook of apivideo.tracing", 1, true)
    end, "the log")
  end)
end)
