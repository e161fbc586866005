--- Hostile peers of a receiver in nginx, with the limits of examples/nginx/nginx.conf (and shorter timeouts): honest
--- senders get their responses at the same time.

local apivideo = require "apivideo"
local crowd = require "spec.support.crowd"
local nginx_lua = require "spec.support.nginx_lua"
local raw = require "spec.support.raw"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local SECRET = "sig_sec_0000000000000000000000"
local CROWD, TURN = 80, 10

local APP = [[
local apivideo = require "apivideo"
return { receiver = apivideo.receiver { secrets = "]] .. SECRET .. [[",
  handlers = apivideo.handlers():otherwise(function() end) } }
]]

-- The directives of the example that limit senders.
local function limits()
  local file = assert(io.open "examples/nginx/nginx.conf")
  local section = file:read "*a":match "\n  # Limits, because the port is open[^\n]*\n(.-)\n\n"
  file:close()
  return section:gsub("#[^\n]*", ""):gsub("%d+s;", "1s;")
end

nginx_lua.describe("receiver in nginx under attack #process", function()
  local nginx
  local attackers = {}

  setup(function()
    nginx = nginx_lua.start { http = limits(), files = { ["app.lua"] = APP },
      server = 'location = /webhooks { content_by_lua_block { require("app").receiver:nginx() } }' }
  end)

  teardown(function() nginx:stop() end)

  after_each(function()
    for mine in pairs(attackers) do mine:leave() end
    attackers = {}
  end)

  local function attack(what)
    local mine = crowd.new(nginx.port, CROWD, what)
    attackers[mine] = true
    runtime.spawn(function()
      while attackers[mine] do
        mine:turn(TURN)
        runtime.sleep(0.005)
      end
    end)
    wait_for(function() return mine.came >= CROWD end)
    return mine
  end

  local function deliver()
    local body = '{"type":"video.source.uploaded","emittedAt":"2026-01-01T00:00:00Z","videoId":"vi1"}'
    local response = assert(nginx:request("/webhooks", { method = "POST", body = body,
      headers = { "Connection: close", "X-Api-Video-Signature: " .. apivideo.sign(body, SECRET) } }))
    return response.status
  end

  for _, name in ipairs { "idle connections", "half a header section", "header sections byte by byte",
    "bodies byte by byte", "endless chunked bodies", "endless chunk-size lines", "bodies of a megabyte, half sent",
    "huge headers", "requests closed at once" } do
    it("responds to legitimate deliveries during " .. name, function()
      attack(crowd.attacks[name])
      for _ = 1, 5 do
        assert.equal(204, deliver())
        runtime.sleep(0.01)
      end
    end)
  end

  it("closes connections with slow header sections, and with missing bodies", function()
    local all = {
      attack(crowd.attacks["header sections byte by byte"]), attack(crowd.attacks["half a header section"]),
      attack { first = "POST /webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf" },
    }
    for _, mine in ipairs(all) do wait_for(function() return mine.ended > 0 end, "the end of slow clients") end
  end)

  it("rejects requests that are too large", function()
    for bytes, status in pairs {
      ["X: " .. ("x"):rep(65536) .. "\r\n\r\n"] = 400, [("X: y\r\n"):rep(20000) .. "\r\n"] = 400,
      ["Content-Length: 1048577\r\n\r\n"] = 413,
    } do
      assert.equal(status, (raw.exchange(nginx.port, "POST /webhooks HTTP/1.1\r\nHost: x\r\n" .. bytes)))
    end
  end)
end)
