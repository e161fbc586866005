--- Phases and modules that Debian's nginx does not have: precontent_by_lua of newer Lua modules, and the module
--- "stream". If they are missing, another phase gets their name.

local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"
local nginx_lua = require "spec.support.nginx_lua"
local wait_for = require "spec.support.wait"

local SECRET = "sig_sec_0000000000000000000000"

local APP = [[
local apivideo = require "apivideo"
local app = {}
local client = apivideo.client { api_key = "test-key", base_url = "@api@", retries = 0 }
app.handlers = apivideo.handlers():otherwise(function() assert(client.webhooks:list()) end)
app.receiver = apivideo.receiver { handlers = app.handlers, secrets = "]] .. SECRET .. [[" }

-- Calls a function with another name of nginx's phase.
function app.in_phase(name, fn)
  local get_phase = ngx.get_phase
  ngx.get_phase = function() return name end
  fn()
  ngx.get_phase = get_phase
end

return app
]]

nginx_lua.describe("receiver in nginx #process", function()
  local nginx, api

  before_each(function() api = assert(emulator.start { api_key = "test-key" }) end)

  after_each(function()
    if nginx then nginx:stop() end
    api:stop()
    nginx = nil
  end)

  local function start(server)
    nginx = nginx_lua.start { server = server, files = { ["app.lua"] = (APP:gsub("@api@", api.url)) } }
  end

  local function deliver()
    local body = '{"type":"video.source.uploaded","emittedAt":"2026-01-01T00:00:00Z","videoId":"vi1"}'
    return assert(nginx:request("/webhooks", { method = "POST", body = body,
      headers = { "X-Api-Video-Signature: " .. apivideo.sign(body, SECRET) } })).status
  end

  it("loads its modules in init_by_lua, so that workers share them and no request waits", function()
    nginx = nginx_lua.start {
      http = 'init_by_lua_block { require "apivideo" }',
      server = [[location / {
        content_by_lua_block {
          for _, name in ipairs { "client", "events.handlers", "inbox", "receiver", "reconcile", "runtime.metrics" } do
            if not package.loaded["apivideo." .. name] then ngx.say(name) end
          end
        }
      }]],
    }
    assert.equal("", nginx:get "/")
  end)

  it("handles deliveries, and handlers can wait, in a phase with the name precontent", function()
    start [[location /webhooks {
      access_by_lua_block {
        local app = require "app"
        app.in_phase("precontent", function() app.receiver:nginx() end)
      }
      content_by_lua_block { ngx.exit(500) }
    }]]
    assert.equal(204, deliver(), nginx:log())
    assert.equal(1, #api.requests)
  end)

  if nginx_lua.has "precontent_by_lua_block" then
    it("handles deliveries in precontent_by_lua, and handlers can wait", function()
      start [[location /webhooks {
        precontent_by_lua_block { require("app").receiver:nginx() }
        content_by_lua_block { ngx.exit(500) }
      }]]
      assert.equal(204, deliver())
      assert.equal(1, #api.requests)
    end)
  else
    pending "takes deliveries in precontent_by_lua, and handlers wait: nginx's Lua module has no precontent_by_lua"
  end

  it("raises in the stream module, which has no HTTP requests", function()
    start [[location /webhooks { content_by_lua_block {
      local app = require "app"
      ngx.config.subsystem = "stream"
      app.receiver:nginx()
    } }]]
    assert.equal(500, deliver())
    wait_for(function()
      return nginx:log():find("content_by_lua%(nginx.conf:%d+%):4: receiver:nginx: nginx's module stream has no HTTP"
        .. " requests; call it in content_by_lua_block of a location in http\nstack")
    end, "the log")
  end)
end)
