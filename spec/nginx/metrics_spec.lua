-- Metrics in nginx: shared by the workers, served with one call, and in an object of nginx-lua-prometheus.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local nginx_lua = require "spec.support.nginx_lua"
local samples_of = require "spec.support.samples_of"
local wait_for = require "spec.support.wait"

local APP = [[
local apivideo = require "apivideo"
local app = {}
local function start()
  local metrics = apivideo.metrics { @options@ }
  app.inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = "@prefix@/inbox.db" }, metrics = metrics }
  app.receiver = apivideo.receiver { inbox = app.inbox, secrets = "]] .. inboxes.SECRET .. [[" }
  apivideo.spawn(function() app.inbox:work(apivideo.handlers():otherwise(function() end), { lease = 1 }) end)
end
app.start = start
return app
]]

local LOCATIONS = [[
location = /webhooks { content_by_lua_block { require("app").receiver:nginx() } }
location = /metrics { content_by_lua_block { require("app").inbox:monitor() } }
location = /health { content_by_lua_block { require("app").receiver:monitor() } }
]]

-- Where nginx-lua-prometheus is installed for LuaJIT: no distribution has a package of it.
local function prometheus_path()
  local path = "build/nginx-lua-prometheus/?.lua;" .. package.path .. ";/usr/local/share/lua/5.1/?.lua"
  for pattern in path:gmatch "[^;]+" do
    local file = io.open((pattern:gsub("%?", "prometheus_resty_counter")))
    if file then
      file:close()
      return pattern
    end
  end
end

nginx_lua.describe("metrics in nginx", function()
  local nginx, directory

  after_each(function()
    if nginx then nginx:stop() end
    nginx = nil
    os.execute("rm -rf " .. directory)
  end)

  local function start(options, workers, http)
    local pipe = io.popen "mktemp -d && chmod 777 \"$(ls -dt /tmp/tmp.* | head -n 1)\""
    directory = pipe:read "*l"
    pipe:close()
    nginx = nginx_lua.start {
      workers = workers, server = LOCATIONS, listen = workers > 1 and "reuseport" or nil,
      http = "lua_shared_dict counts 1m; init_worker_by_lua_block { require('app').start() } " .. (http or ""),
      files = { ["app.lua"] = (APP:gsub("@options@", (options:gsub("%%", "%%%%"))):gsub("@prefix@", directory)) },
    }
  end

  local function deliver(id)
    local raw = inboxes.caption(id)
    local response = assert(nginx:request("/webhooks", { method = "POST", body = raw, headers = {
      "X-Api-Video-WebhookID: webhook_1", "X-Api-Video-Signature: " .. apivideo.sign(raw, inboxes.SECRET) } }))
    assert.equal(204, response.status, nginx:log())
  end

  -- Waits until each of ten scrapes, of any worker, has the samples.
  local function expect(expected)
    wait_for(function()
      for _ = 1, 10 do
        local samples = samples_of(nginx:get "/metrics")
        for name, value in pairs(expected) do
          if samples["apivideo_" .. name] ~= value then return false end
        end
      end
      return true
    end, "the metrics")
  end

  it("are those of all workers, and are served with their health", function()
    start("store = ngx.shared.counts", 2)
    for i = 1, 20 do deliver(tostring(i)) end
    deliver "20"
    expect { ['inbox_attempts_total{type="video.caption.generated",outcome="completed"}'] = 20, inbox_store_up = 1,
      ['inbox_puts_total{result="duplicate"}'] = 1, deliveries_received_total = 21, inbox_handler_seconds_count = 20,
      ['inbox_in_flight{worker="0"}'] = 0, ['inbox_in_flight{worker="1"}'] = 0 }
    local response = assert(nginx:request "/health")
    assert.equal(200, response.status)
    assert.equal("application/json", response.headers["content-type"] or response.headers["Content-Type"])
    assert.truthy(response.body:find('"ok":true', 1, true), response.body)
  end)

  it("are in an object of nginx-lua-prometheus, with the application's own", function()
    local path = prometheus_path()
    if not path then pending "nginx-lua-prometheus is not installed: luarocks install nginx-lua-prometheus" end
    if path:sub(1, 1) ~= "/" then
      local pipe = io.popen "pwd"
      path = pipe:read "*l" .. "/" .. path
      pipe:close()
    end
    start(([[prometheus = (function()
      package.path = package.path .. ";%s"
      local prometheus = require("prometheus").init("counts", { sync_interval = 0.1 })
      prometheus:counter("own_total", "Own."):inc(7)
      return prometheus
    end)()]]):format(path), 2)
    for i = 1, 10 do deliver(tostring(i)) end
    expect { ['inbox_attempts_total{type="video.caption.generated",outcome="completed"}'] = 10, inbox_store_up = 1,
      ['deliveries_stored_total{type="video.caption.generated"}'] = 10, ['inbox_events{state="waiting"}'] = 0,
      inbox_handler_seconds_count = 10 }
    assert.equal(14, samples_of(nginx:get "/metrics").own_total)
    assert.is_nil(nginx:log():find("[error]", 1, true), nginx:log())
  end)
end)
