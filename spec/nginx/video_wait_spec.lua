-- Waiting for a video inside a real nginx.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local nginx_lua = require "spec.support.nginx_lua"
local running = require "spec.support.running"
local wait_for = require "spec.support.wait"

local APP = [[
local apivideo = require "apivideo"
local policy = require("apivideo.resources.shared_poll").policy
policy.base, policy.cap = @pause@, @pause@
local client = apivideo.client { api_key = "key", base_url = "@api@", retries = 0, rate_limit = false }
local app = {
  receiver = apivideo.receiver { handlers = apivideo.handlers():otherwise(function() end), unsigned = true },
}
function app.wait()
  ngx.shared.counts:incr("waiting", 1, 0)
  local status, err = client.videos:wait("vi1", "playable", { timeout = 60 })
  return status and "ready" or err.kind
end
return app
]]

local SERVER = [[
location /wait { content_by_lua_block { ngx.print(require("app").wait()) } }
location /log { return 204; log_by_lua_block { ngx.shared.counts:set("log", require("app").wait()) } }
location /counts/ { content_by_lua_block { ngx.print(tostring(ngx.shared.counts:get(ngx.var.uri:sub(9)))) } }
location /webhooks { content_by_lua_block { require("app").receiver:nginx() } }
]]

nginx_lua.describe("videos:wait in nginx #process", function()
  local api, nginx

  -- Starts a local api.video with a video that is not playable yet, and nginx.
  local function start(pause)
    api = running.emulator()
    api:put_video { videoId = "vi1", status = { encoding = { playable = false, qualities = {} } } }
    nginx = nginx_lua.start { http = "lua_shared_dict counts 1m;", server = SERVER,
      files = { ["app.lua"] = APP:gsub("@api@", api.url):gsub("@pause@", pause) } }
  end

  after_each(function()
    nginx:stop()
    running.stop()
  end)

  -- Starts requests that wait. Returns a list that gets their results.
  local function start_waits(count)
    local results = {}
    for i = 1, count do apivideo.spawn(function() results[i] = nginx:get "/wait" end) end
    wait_for(function() return nginx:get "/counts/waiting" == tostring(count) and #api.requests > 0 end, "the waits")
    return results
  end

  local function assert_ready(results, count)
    wait_for(function() return #results == count end, "the results")
    for _, result in ipairs(results) do assert.equal("ready", result) end
  end

  it("shares the polls of all requests", function()
    start "0.05"
    local results = start_waits(10)
    api:put_video { videoId = "vi1" }
    assert_ready(results, 10)
    assert.is_true(#api.requests < 10, #api.requests)
  end)

  it("is woken by an event that another request receives", function()
    start "3600"
    local results = start_waits(5)
    assert(client_of(api.url).webhooks:create { url = nginx.url .. "/webhooks",
      events = { "video.encoding.quality.completed" } })
    local before = #api.requests
    api:put_video { videoId = "vi1" }
    api:emit { type = "video.encoding.quality.completed", videoId = "vi1", encoding = "hls", quality = "240p" }
    assert_ready(results, 5)
    assert.equal(before + 1, #api.requests)
  end)

  it("returns wrong_phase where nginx cannot wait", function()
    start "3600"
    assert(nginx:get "/log")
    assert.equal("wrong_phase", wait_for(function()
      local kind = nginx:get "/counts/log"
      return kind ~= "nil" and kind
    end, "the log phase"))
    assert.equal(0, #api.requests)
  end)
end)
