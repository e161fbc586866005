--- What a worker of nginx does with deliveries and calls, measured by wrk: beside a location that only
--- reads the body, nginx's own 204, and @octokit/webhooks; calls beside another location; memory; reloads.
--- In one run, alternating, medians of many short rounds; exits 1 when a bar is missed.

local apivideo = require "apivideo"
local cjson = require "cjson"
local deliveries = require "spec.support.deliveries"
local figures = require "bench.figures"
local http = require "apivideo.http"
local nginx_lua = require "spec.support.nginx_lua"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"
local wrk = require "bench.wrk"

local median, shown, verdict = figures.median, figures.shown, figures.verdict

local pinned, server_program, octokit_program = arg[1], arg[2], arg[3]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 9
local SECONDS = 2                             -- of a round
local CONNECTIONS = 32
local CALLS, LATENCY = 50, 300                -- in flight; milliseconds
local FEW, MANY = 10000, tonumber(os.getenv "DELIVERIES") or 1000000
local RELOADS, SENDERS = 20, 10
local SECRET = "sig_sec_0000000000000000000000"

local BODY = cjson.encode(apivideo.events:sample "video.encoding.quality.completed")

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function output_of(command)
  local pipe = io.popen(command)
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- A script of wrk's that posts the body.
local function post_script(path, headers)
  local lines = { ("wrk.method = 'POST' wrk.body = %q"):format(BODY) }
  for name, value in pairs(headers) do lines[#lines + 1] = ("wrk.headers[%q] = %q"):format(name, value) end
  write(path, table.concat(lines, "\n"))
  return path
end

local APP = [[
local apivideo = require "apivideo"
local app = { client = apivideo.client { api_key = "k", base_url = "@api@", rate_limit = false } }
local handlers, count = apivideo.handlers(), 0
handlers:on("video.encoding.quality.completed", function() count = count + 1 end)
app.receiver = apivideo.receiver { handlers = handlers, secrets = "@secret@", metrics = @metrics@ }

local monotonic, times, stopped = require("apivideo.runtime").monotonic, nil, true

local function call_on()
  while not stopped do
    local began = monotonic()
    assert(app.client:request("GET", "/"))
    times[#times + 1] = (monotonic() - began) * 1000
  end
end

function app.start(calls)
  times, stopped = {}, false
  for _ = 1, calls do apivideo.spawn(call_on) end
end

function app.stop()
  stopped = true
  ngx.print(require("cjson").encode(times))
end

return app
]]

local SERVER = [[
location = /static { return 204; }
location = /read { content_by_lua_block { ngx.req.read_body() local _ = ngx.req.get_body_data() ngx.exit(204) } }
location = /webhooks { content_by_lua_block { require("app").receiver:nginx() } }
location = /start { content_by_lua_block { require("app").start(@calls@) } }
location = /stop { content_by_lua_block { require("app").stop() } }
location = /count { content_by_lua_block { ngx.print(collectgarbage "count") } }
]]

local function start_nginx(api)
  local values = { api = api, secret = SECRET, calls = CALLS, metrics = os.getenv "METRICS" or "nil" }
  local function filled(text) return (text:gsub("@(%w+)@", values)) end
  local nginx = nginx_lua.start {
    http = "lua_shared_dict counts 1m;", server = filled(SERVER), files = { ["app.lua"] = filled(APP) },
  }
  local worker = wait_for(function() return nginx:workers()[1] end, "a worker")
  if pinned ~= "" then output_of("taskset -p -c 0 " .. worker) end
  return nginx
end

-- Starts a program that prints its port and ends when its input does.
local function start_program(command)
  local path = os.tmpname()
  local pipe = assert(io.popen(command .. " > " .. path, "w"))
  local port = wait_for(function()
    local file = assert(io.open(path))
    local text = file:read "*a"
    file:close()
    return text:match "(%d+)\n"
  end, command)
  os.remove(path)
  return "http://127.0.0.1:" .. port, pipe
end

local function memory_of(nginx)
  local file = assert(io.open(("/proc/%s/status"):format(nginx:workers()[1])))
  local text = file:read "*a"
  file:close()
  return tonumber(text:match "VmRSS:%s*(%d+) kB")
end

-- Deliveries beside the others.
local function rates(nginx, post)
  local cases = {
    { name = "nginx's own 204", url = nginx.url .. "/static" },
    { name = "reading the body", url = nginx.url .. "/read", script = post },
    { name = "receiving", url = nginx.url .. "/webhooks", script = post },
  }
  local octokit
  if octokit_program ~= "" then
    local url
    url, octokit = start_program(("%s node %s %s"):format(pinned, octokit_program, SECRET))
    local script = post_script(nginx.prefix .. "/octokit.lua", {
      ["Content-Type"] = "application/json", ["X-GitHub-Event"] = "push", ["X-GitHub-Delivery"] = "1",
      ["X-Hub-Signature-256"] = "sha256=" .. apivideo.sign(BODY, SECRET),
    })
    cases[4] = { name = "@octokit/webhooks", url = url .. "/webhooks", script = script }
  end
  for round = 0, ROUNDS do -- the first warms up
    for _, case in ipairs(cases) do
      case.rates = round > 0 and case.rates or {}
      table.insert(case.rates, (wrk(case.url, SECONDS, case.script)))
    end
  end
  if octokit then octokit:close() end
  print(("%d bytes a delivery, requests in a second, %d rounds of %d s:"):format(#BODY, ROUNDS, SECONDS))
  for _, case in ipairs(cases) do print(("  %-20s %s"):format(case.name, shown(case.rates, "%8.0f"))) end
  local share = median(cases[3].rates) / median(cases[2].rates) * 100
  print(("  receiving is %.1f %% of reading (bar 85 %%)%s"):format(share, verdict(share >= 85)))
  if octokit then
    local times = median(cases[3].rates) / median(cases[4].rates)
    print(("  receiving is %.1f × octokit (bar 8 ×)%s"):format(times, verdict(times >= 8)))
  end
end

-- Calls, and another location beside them.
local function calls(nginx)
  local idle, beside, excess = {}, {}, {}
  local static = nginx.url .. "/static"
  for round = 0, ROUNDS do
    local _, _, alone = wrk(static, SECONDS, nil, 8)
    nginx:get "/start"
    local _, _, with_calls = wrk(static, SECONDS, nil, 8)
    local times = cjson.decode(nginx:get "/stop")
    runtime.sleep(2 * LATENCY / 1000) -- the last end
    if round > 0 then
      table.insert(idle, alone)
      table.insert(beside, with_calls)
      for _, time in ipairs(times) do table.insert(excess, time - LATENCY) end
    end
  end
  local ratio = median(beside) / median(idle)
  print(("99th percentile of a static location, %d calls of %d ms in flight:"):format(CALLS, LATENCY))
  print("  idle                 " .. shown(idle, "%5.3f ms"))
  print("  beside the calls     " .. shown(beside, "%5.3f ms"))
  print(("  %.2f × (bar 3 ×)%s"):format(ratio, verdict(ratio <= 3)))
  local middle, most = median(excess), excess[#excess]
  print(("  %d calls took %.1f ms more than %d, the longest %.1f (bar 15)%s"):format(
    #excess, middle, LATENCY, most, verdict(most <= 15)))
end

-- One delivery by the library's own client, which counts exactly. (It keeps no connection: wrk would
-- inherit it, and then cannot open all of its few.)
local function deliver_one(nginx)
  local response = http.request { method = "POST", url = nginx.url .. "/webhooks", body = BODY,
    headers = { "Content-Type: application/json", "Connection: close",
      "X-Api-Video-Signature: " .. apivideo.sign(BODY, SECRET) } }
  assert(response.status == 204)
end

local function memory(nginx, post)
  apivideo.parallel(CONNECTIONS, (("x"):rep(FEW)):gmatch("x"), function() deliver_one(nginx) end)
  local before, many = memory_of(nginx), 0
  while many < MANY do many = many + select(2, wrk(nginx.url .. "/webhooks", 5, post)) end
  local after = memory_of(nginx)
  print(("memory of the worker: %d kB after %d deliveries, %d kB after %d more: %+d kB (bar 1024)%s"):format(
    before, FEW, after, many, after - before, verdict(after - before <= 1024)))
end

local function reloads()
  local path = os.tmpname()
  local nginx = nginx_lua.start {
    files = { ["receiver.lua"] = deliveries.app(path) }, workers = 2, listen = "reuseport",
    server = "location / { content_by_lua_block { require('receiver'):nginx() } }",
  }
  local senders = deliveries.start(nginx.url, SENDERS)
  for _ = 1, RELOADS do
    local before = #senders.answered
    wait_for(function() return #senders.answered > before + 100 end, "deliveries")
    nginx:reload()
  end
  senders:stop()
  nginx:stop(true)
  local lost = #senders:lost(path)
  os.remove(path)
  print(("%d reloads: %d answered with 2xx, %d attempts again, %d never brought in, %d not handled (bar 0)%s"):format(
    RELOADS, #senders.answered, senders.again, #senders.failed, lost, verdict(lost + #senders.failed == 0)))
end

local function main()
  local api, program = start_program(server_program .. " " .. LATENCY)
  local nginx = start_nginx(api)
  local post = post_script(nginx.prefix .. "/post.lua", {
    ["Content-Type"] = "application/json", ["X-Api-Video-WebhookID"] = "webhook_0000000000000000000000",
    ["X-Api-Video-Signature"] = apivideo.sign(BODY, SECRET),
  })
  local only = os.getenv "ONLY"
  if not only or only == "memory" then memory(nginx, post) end
  if not only or only == "rates" then rates(nginx, post) end
  if not only or only == "calls" then calls(nginx) end
  nginx:stop()
  program:close()
  if not only or only == "reloads" then reloads() end
end

main()
os.exit(figures.failed and 1 or 0)
