-- The page in a location of a real nginx.

local json = require "apivideo.util.json"
local nginx_lua = require "spec.support.nginx_lua"
local testing = require "apivideo.testing"
local wait_for = require "spec.support.wait"

local SECRET = "sig_sec_0000000000000000000000"

local APP = [[
local apivideo = require "apivideo"
local handlers = apivideo.handlers():otherwise(function() end)
local app = { receiver = apivideo.receiver { handlers = handlers, secrets = "%s" } }
app.page = apivideo.page { receiver = app.receiver, write = true }
local inbox = apivideo.inbox { store = apivideo.inbox.memory() }
app.inbox_page = apivideo.page { inbox = inbox }
function app.put()
  local raw = '{"type":"video.source.recorded","emittedAt":"2026-01-01T00:00:00Z","videoId":"100%%41 +",' ..
    '"liveStreamId":"li"}'
  inbox:put { event = apivideo.parse(raw), raw = raw, verified = true }
end
return app
]]

local SERVER = [[
location = /webhooks { content_by_lua_block { require("app").receiver:nginx() } }
location /ops/api/ { client_max_body_size 10m; content_by_lua_block { require("app").page:nginx() } }
location /inbox/ { content_by_lua_block { require("app").put() require("app").inbox_page:nginx() } }
location = /early {
  content_by_lua_block { ngx.exit(204) }
  log_by_lua_block {
    local page = require("app").page
    ngx.log(ngx.ERR, select(2, pcall(page.nginx, page)))
  }
}
]]

nginx_lua.describe("the page in nginx #process", function()
  local nginx

  setup(function() nginx = nginx_lua.start { files = { ["app.lua"] = APP:format(SECRET) }, server = SERVER } end)
  teardown(function() nginx:stop() end)

  local function request(method, path, headers, body)
    return assert(nginx:request("/ops/api/" .. path, { method = method, headers = headers or {}, body = body }))
  end

  it("responds to a browser, and to its script", function()
    local delivery = testing.delivery("video.source.recorded", { videoId = "vi7" }, SECRET)
    local lines = {}
    for name, value in pairs(delivery.headers) do lines[#lines + 1] = name .. ": " .. value end
    nginx:request("/webhooks", { method = "POST", body = delivery.body, headers = lines })
    local response = request("GET", "")
    assert.equal(200, response.status)
    assert.matches("<!doctype html>", response.body)
    assert.matches("default%-src 'none'", response.headers["content-security-policy"])
    response = request("GET", "api/deliveries?after=0&limit=5")
    local data = json.decode(response.body).data
    assert.equal("vi7", data[1].subject)
    assert.equal(delivery.body, request("GET", "api/deliveries/1/body").body)
    local sent = request("POST", "api/deliveries/1/resend?to=receiver", { "X-Apivideo-Page: 1" },
      (delivery.body:gsub("vi7", "vi8")))
    assert.equal(204, json.decode(sent.body).status)
    assert.equal("vi8", json.decode(request("GET", "api/deliveries?after=1").body).data[1].subject)
  end)

  it("decodes the id of a video once", function()
    for path, count in pairs { ["100%2541%20+"] = 1, ["100%2541%20%2B"] = 1, ["100A%20+"] = 0 } do
      local response = assert(nginx:request("/inbox/api/inbox/videos/" .. path, { method = "GET", headers = {} }))
      assert.equal(count, #json.decode(response.body).data, path)
    end
  end)

  it("has the rules of access", function()
    assert.equal(403, request("GET", "api/deliveries", { "Host: attacker.example" }).status)
    assert.equal(403, request("GET", "api/deliveries", { "X-Forwarded-For: 192.168.0.7" }).status)
    assert.equal(403, request("POST", "api/deliveries/1/replay?to=receiver", {}, "").status)
    assert.equal(413, request("POST", "api/deliveries/1/resend?to=receiver", { "X-Apivideo-Page: 1" },
      ("x"):rep(3 * 1024 * 1024)).status)
    assert.equal(405, assert(nginx:request("/webhooks", { method = "GET", headers = {} })).status)
  end)

  it("responds to HEAD without a body", function()
    local response = request("HEAD", "")
    assert.same({ 200, "" }, { response.status, response.body })
  end)

  it("raises in a phase without a body", function()
    nginx:get "/early"
    wait_for(function() return nginx:log():find "page:nginx: nginx has no request body in its phase log" end)
  end)
end)
