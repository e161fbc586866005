--- Measures an nginx worker: signed deliveries, compared with their floor and with @octokit/webhooks, with an nginx for
--- each location; the worker's growth; and deliveries during reloads.
---
---   nginx.lua pin octokit directory floor
---
--- `pin` is "", or a command that runs a program on processor 0; `octokit` is a script, or ""; `floor` is the module of
--- bench/floor.c.

local apivideo = require "apivideo"
local deliveries = require "spec.support.deliveries"
local figures = require "bench.figures"
local http = require "apivideo.transport.http"
local load = require "bench.load"
local new_program = require "bench.program"
local nginx_lua = require "spec.support.nginx_lua"
local nginx_worker = require "bench.nginx_worker"
local resident = require "bench.resident"
local wait_for = require "spec.support.wait"
local wrk = require "bench.wrk"

local pin, octokit_script, directory, floor_module = arg[1], arg[2], arg[3], arg[4]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 7
local SECONDS = 1                             -- of a round
local CONNECTIONS = 32
local FEW, MANY = 5000, tonumber(os.getenv "DELIVERIES") or 200000
local RELOADS, SENDERS = 10, 10

local APP = [[
local apivideo = require "apivideo"
local core = require "apivideo.core"
local handlers, count = apivideo.handlers(), 0
handlers:on("@type@", function() count = count + 1 end)
local app = { receiver = apivideo.receiver { handlers = handlers, secrets = "@secret@" } }
local new_floor = assert(package.loadlib("@floor@", "luaopen_floor"))()
local floor = new_floor(core.signature.verify, core.event.compile(apivideo.events.types), "@secret@")

function app.floor()
  ngx.req.read_body()
  local var = ngx.var
  assert(var.http_x_api_video_webhookid)
  floor(ngx.req.get_body_data(), var.http_x_api_video_signature)
  ngx.exit(204)
end

return app
]]

local LOCATION = "location = /webhooks { content_by_lua_block { %s } }"
local DELIVERY, FLOOR = "require('app').receiver:nginx()", "require('app').floor()"

-- The same with all headers, as the receiver reads them.
local ALL_HEADERS = "ngx.req.get_headers(0) " .. FLOOR

local function app()
  local values = { type = load.TYPE, secret = load.SECRET, floor = floor_module }
  return (APP:gsub("@(%w+)@", values))
end

-- Starts an nginx whose only location runs some Lua. Returns a case of bench/load.lua.
local function start(code, script)
  local nginx = nginx_lua.start { server = LOCATION:format(code), files = { ["app.lua"] = app() } }
  return { nginx = nginx, url = nginx.url .. "/webhooks", pid = nginx_worker(nginx, pin), script = script }
end

local function rates(script)
  local ours, floor, all_headers = start(DELIVERY, script), start(FLOOR, script), start(ALL_HEADERS, script)
  local cases, octokit = { ours, floor, all_headers }, nil
  if octokit_script ~= "" then
    local program = new_program(("%s node %s %s"):format(pin, octokit_script, load.SECRET))
    octokit = { url = program.url .. "/webhooks", pid = program.pid, stop = program.stop,
      warm_up = load.NODE_WARM_UP, script = load.write_script(directory .. "/github.lua", "GitHub") }
    cases[#cases + 1] = octokit
  end
  load.measure(cases, ROUNDS, SECONDS)
  for _, case in ipairs { ours, floor, all_headers } do case.nginx:stop() end
  if octokit then octokit.stop() end
  local what = "nginx, signed delivery"
  figures.row("nginx_delivery", { what = what, unit = "µs", ours = ours.costs, theirs = floor.costs,
    share = figures.ratios(floor.costs, ours.costs, 100), note = load.rate(ours),
    against = ("with all headers (ngx.req.get_headers), the same takes %.1f µs"):format(
      figures.median(all_headers.costs)) })
  if not octokit then
    return figures.absent("nginx_octokit", what, "needs Node.js; make bench installs it from the npm registry")
  end
  figures.row("nginx_octokit", { what = what, unit = "µs", ours = ours.costs, theirs = octokit.costs,
    share = figures.ratios(octokit.costs, ours.costs),
    against = ("the floor reaches %.1f ×"):format(figures.median(figures.ratios(octokit.costs, floor.costs))) })
end

-- Sends one delivery with the library's own client, which counts exactly. It closes the connection, because a
-- keep-alive connection would use one of the worker's few connections during wrk.
local function deliver_one(url)
  local response = http.request { method = "POST", url = url, body = load.BODY,
    headers = { "Content-Type: application/json", "Connection: close",
      "X-Api-Video-Signature: " .. load.SIGNATURE } }
  assert(response.status == 204)
end

local function memory(script)
  local case = start(DELIVERY, script)
  apivideo.parallel(CONNECTIONS, (("x"):rep(FEW)):gmatch("x"), function() deliver_one(case.url) end)
  local before, many = resident(case.pid), 0
  while many < MANY do many = many + select(2, wrk.run(case.url, 5, script)) end
  local grown = (resident(case.pid) - before) / 1024
  case.nginx:stop()
  figures.row("nginx_growth", { what = ("nginx, worker's growth in %d deliveries"):format(MANY), unit = "kB",
    ours = grown })
end

local function reloads()
  local path = os.tmpname()
  local nginx = nginx_lua.start {
    files = { ["receiver.lua"] = deliveries.app(path) }, workers = 2, listen = "reuseport",
    server = "location / { content_by_lua_block { require('receiver'):nginx() } }",
  }
  local senders = deliveries.start(nginx.url, SENDERS)
  for _ = 1, RELOADS do
    local before = #senders.delivered
    wait_for(function() return #senders.delivered > before + 100 end, "deliveries")
    nginx:reload()
  end
  senders:stop()
  nginx:stop(true)
  local lost = #senders:lost(path)
  os.remove(path)
  figures.row("nginx_lost", { what = ("nginx, deliveries lost in %d reloads"):format(RELOADS), unit = "",
    ours = lost + #senders.failed })
end

local script = load.write_script(directory .. "/delivery.lua", "api.video")
rates(script)
memory(script)
reloads()
os.exit(figures.failed and 1 or 0)
