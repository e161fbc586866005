-- Handlers in nginx that send the response, end or redirect the request, or raise values that nginx's log cannot show.

local apivideo = require "apivideo"
local nginx_lua = require "spec.support.nginx_lua"
local wait_for = require "spec.support.wait"

local APP = [[
local apivideo = require "apivideo"
local ways = {
  say_then_fail = function() ngx.say "x" error("away", 0) end,
  headers_then_fail = function() ngx.send_headers() return nil, "away" end,
  say = function() ngx.say "x" end,
  exit = function() ngx.exit(200) end,
  exit_no_content = function() ngx.exit(204) end,
  redirect = function() ngx.redirect("/elsewhere") end,
  exec = function() ngx.exec("/elsewhere") end,
  exit_in_pcall = function() pcall(ngx.exit, 200) return false end,
  exit_after_sleep = function() ngx.sleep(0.001) ngx.exit(200) end,
  yield = function() coroutine.yield() end,
  raise_table = function() error { code = 7 } end,
  wait = function() require("apivideo.runtime").latch():wait() end,
  exit_in_thread = function() ngx.thread.wait(ngx.thread.spawn(function() ngx.exit(200) end)) end,
}
local seen, app = ngx.shared.seen, {}
local function handlers()
  return apivideo.handlers():on("video.summary.generated", function(event, delivery)
    seen:incr("runs_" .. event.summaryId, 1, 0)
    if delivery.attempt and delivery.attempt > 1 then return end
    return ways[event.summaryId]()
  end):on("video.*", function() seen:incr("others", 1, 0) end)
end
app.receiver = apivideo.receiver { handlers = handlers(), unsigned = true }
local function exit() ngx.exit(200) end
local function failing() return apivideo.handlers():on("*", function() return nil, "away" end) end
local function lane_inbox()
  return apivideo.inbox { store = require("apivideo.inbox.memory")(), lane = exit }
end
app.others = {
  on_error = apivideo.receiver { handlers = failing():on_error(exit), unsigned = true },
  on_outcome = apivideo.receiver { handlers = failing(), unsigned = true, on_outcome = exit },
  secrets = apivideo.receiver { handlers = failing(), secrets = exit },
  lane = apivideo.receiver { inbox = lane_inbox(), unsigned = true },
}
app.inbox = apivideo.inbox { store = require("apivideo.inbox.memory")() }
app.inbox_receiver = apivideo.receiver { inbox = app.inbox, unsigned = true }
function app.work()
  apivideo.spawn(function()
    app.inbox:work(handlers(), { lease = 1, handler_timeout = 1, backoff = 0.01, max_attempts = 2 })
    seen:set("ended", true)
  end)
end
return app
]]

local SERVER = [[
location = /webhooks { content_by_lua_block { require("app").receiver:nginx() } }
location ~ ^/others/(.*)$ { content_by_lua_block { require("app").others[ngx.var[1] ]:nginx() } }
location = /inbox { content_by_lua_block { require("app").inbox_receiver:nginx() } }
location = /elsewhere { return 200 "elsewhere"; }
location = /seen { content_by_lua_block { ngx.print(ngx.shared.seen:get(ngx.var.arg_key) or 0) } }
location = /stats { content_by_lua_block {
  local stats = require("app").inbox:stats()
  ngx.print("done ", stats.done, ", waiting ", stats.waiting, ", claimed ", stats.claimed)
} }
location = /metrics { content_by_lua_block { ngx.print(require("app").receiver:metrics()) } }
location = /exit { content_by_lua_block { ngx.exit(403) } }
location = /run { content_by_lua_block { require("apivideo").run(function() error { code = 9 } end) } }
location = /caught { content_by_lua_block {
  local _, err = pcall(require("apivideo").run, function() error { code = 9 } end)
  ngx.print(err.code)
} }
location = /spawn { content_by_lua_block { require("apivideo").spawn(function() error { code = 10 } end) } }
]]

nginx_lua.describe("a handler in nginx #process", function()
  local nginx

  before_each(function()
    nginx = nginx_lua.start {
      http = 'lua_shared_dict seen 1m; init_worker_by_lua_block { require("app").work() }',
      server = SERVER, files = { ["app.lua"] = APP },
    }
  end)

  after_each(function() nginx:stop() end)

  local function body_of(way)
    local event = apivideo.events:sample "video.summary.generated"
    event.summaryId = way
    return require("cjson").encode(event)
  end

  -- The status of the response; nil without a response.
  local function post(path, way)
    local response = nginx:request(path, { method = "POST", body = body_of(way) })
    return response and response.status
  end

  local function seen(key) return tonumber(nginx:get("/seen?key=" .. key)) end

  local function wait_for_log(pattern)
    wait_for(function() return nginx:log():find(pattern) end, pattern .. " in the log")
  end

  local function count(reason)
    return tonumber(nginx:get("/metrics"):match(reason .. '_total{type="video.summary.generated"} (%d+)'))
  end

  for _, way in ipairs { "say_then_fail", "headers_then_fail" } do
    it("that has sent the response before it failed has an incomplete response: " .. way, function()
      assert.is_nil(post("/webhooks", way))
      wait_for_log "a handler sent the response %(200%) before the delivery failed with 500; the connection is closed"
      wait_for_log "a handler of video.summary.generated failed: away"
      assert.is_nil(nginx:log():find("attempt to set", 1, true))
      assert.equal(1, count "failed")
      assert.equal(0, count "handled")
      assert.equal(1, seen "others")
    end)
  end

  it("that has sent the response and succeeded is logged", function()
    assert.equal(200, post("/webhooks", "say"))
    wait_for_log "%[warn%][^\n]*a handler sent the response %(200%) instead of the receiver"
    assert.equal(1, count "handled")
  end)

  for _, name in ipairs { "exit", "redirect", "exec" } do
    it(("that calls ngx.%s has failed, and the others run"):format(name), function()
      assert.equal(500, post("/webhooks", name))
      wait_for_log(("a handler of video.summary.generated failed: [^\n]*ngx.%s was called in a handler"):format(name))
      assert.equal(1, count "failed")
      assert.equal(1, seen "others")
    end)
  end

  it("that calls ngx.exit has failed, at any depth of its stack", function()
    for _, way in ipairs { "exit_no_content", "exit_in_pcall", "exit_after_sleep" } do
      assert.equal(500, post("/webhooks", way))
    end
    assert.equal(3, count "failed")
    assert.equal(403, nginx:request("/exit").status) -- other code may call it
  end)

  for name, status in pairs { on_error = 500, on_outcome = 500, secrets = 503, lane = 204 } do
    it(("is not affected by an ngx.exit in the option or function %s"):format(name), function()
      local response = nginx:request("/others/" .. name, { method = "POST", body = body_of "exit", headers = {
        "X-Api-Video-WebhookId: webhook_1", "X-Api-Video-Signature: " .. ("0"):rep(64),
      } })
      assert.equal(status, response.status)
      wait_for_log("ngx.exit was called in ")
    end)
  end

  it("that raises a table is logged with its fields and its stack", function()
    assert.equal(500, post("/webhooks", "raise_table"))
    wait_for_log "a handler of video.summary.generated failed: { code = 7 }; stack: [^\n]*app.lua:%d+ in "
  end)

  for way, expected in pairs {
    exit = "failed, next attempt in 0 s: [^\n]*ngx.exit was called in a handler",
    say_then_fail = "failed, next attempt in 0 s: [^\n]*API disabled in the context of ngx.timer",
    wait = "failed, next attempt in 0 s: the handlers did not return within 1 s",
    exit_in_thread = "failed, next attempt in 0 s: the handlers did not return within 1 s",
  } do
    it(("at work on an inbox that leaves by %s is retried, and nginx can quit"):format(way), function()
      assert.equal(204, post("/inbox", way))
      wait_for(function() return nginx:get "/stats" == "done 1, waiting 0, claimed 0" end, "the second attempt")
      wait_for_log(expected)
      assert.equal(2, seen("runs_" .. way))
    end)
  end

  it("at work on an inbox can yield", function()
    assert.equal(204, post("/inbox", "yield"))
    wait_for(function() return nginx:get "/stats" == "done 1, waiting 0, claimed 0" end, "the handler")
    assert.equal(1, seen "runs_yield")
  end)

  it("at work on an inbox lets nginx quit after its timer has ended", function()
    assert.equal(204, post("/inbox", "exit_in_thread"))
    wait_for(function() return seen "runs_exit_in_thread" == 1 end, "the handler")
    nginx:stop(true)
  end)

  it("and all other code that raises an error table is readable in the log", function()
    nginx:request "/run"
    wait_for_log "lua entry thread aborted: runtime error: { code = 9 }"
    assert.equal("9", nginx:get "/caught")
    nginx:request "/spawn"
    wait_for_log "a task failed: { code = 10 }; stack: content_by_lua"
  end)
end)
