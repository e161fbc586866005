--- Measures an nginx worker with wrk: deliveries, compared with a location that only reads the body, nginx's own 204
--- and
--- @octokit/webhooks; calls during requests to another location; memory; reloads. Alternating rounds. Exits with 1 if a
--- bar is missed.

local apivideo = require "apivideo"
local cjson = require "cjson"
local deliveries = require "spec.support.deliveries"
local figures = require "bench.figures"
local http = require "apivideo.transport.http"
local nginx_lua = require "spec.support.nginx_lua"
local runtime = require "apivideo.runtime"
local start_program = require "bench.program"
local wait_for = require "spec.support.wait"
local wrk = require "bench.wrk"

local median = figures.median

local pinned, server_program, octokit_program = arg[1], arg[2], arg[3]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 7
local CALL_ROUNDS = 7
local SECONDS = 1                             -- of a round
local CONNECTIONS = 32
local CALLS, LATENCY = 50, 300                -- in flight; milliseconds
local FEW, MANY = 5000, tonumber(os.getenv "DELIVERIES") or 200000
local RELOADS, SENDERS = 10, 10
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

-- Writes a script for wrk that posts the body.
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
app.receiver = apivideo.receiver { handlers = handlers, secrets = "@secret@" }

local core = require "apivideo.core"
local parse = core.event.compile(apivideo.events.types)

-- The minimum for a signed delivery.
function app.bare()
  ngx.req.read_body()
  local body = ngx.req.get_body_data()
  core.signature.verify(body, "@signature@", "@secret@")
  parse(body)
  ngx.exit(204)
end

local monotonic, times, stopped = require("apivideo.runtime").monotonic, nil, true

local function call_on()
  while not stopped do
    local started = monotonic()
    assert(app.client:request("GET", "/"))
    times[#times + 1] = (monotonic() - started) * 1000
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
location = /bare { content_by_lua_block { require("app").bare() } }
location = /webhooks { content_by_lua_block { require("app").receiver:nginx() } }
location = /start { content_by_lua_block { require("app").start(@calls@) } }
location = /stop { content_by_lua_block { require("app").stop() } }
location = /count { content_by_lua_block { ngx.print(collectgarbage "count") } }
]]

local function start_nginx(api)
  local values = { api = api, secret = SECRET, signature = apivideo.sign(BODY, SECRET), calls = CALLS }
  local function filled(text) return (text:gsub("@(%w+)@", values)) end
  local nginx = nginx_lua.start {
    server = filled(SERVER), files = { ["app.lua"] = filled(APP) },
  }
  local worker = wait_for(function() return nginx:workers()[1] end, "a worker")
  if pinned ~= "" then output_of("taskset -p -c 0 " .. worker) end
  return nginx
end

local function memory_of(nginx)
  local file = assert(io.open(("/proc/%s/status"):format(nginx:workers()[1])))
  local text = file:read "*a"
  file:close()
  return tonumber(text:match "VmRSS:%s*(%d+) kB")
end

-- The receivers of the delivery. Octokit expects GitHub's headers.
local function cases_of(nginx, post)
  local cases = {
    receiving = { url = nginx.url .. "/webhooks", script = post },
    reading = { url = nginx.url .. "/read", script = post },
    static = { url = nginx.url .. "/static", script = post },
    bare = { url = nginx.url .. "/bare", script = post },
  }
  if octokit_program == "" then return cases end
  local url, program = start_program(("%s node %s %s"):format(pinned, octokit_program, SECRET))
  local script = post_script(nginx.prefix .. "/octokit.lua", {
    ["Content-Type"] = "application/json", ["X-GitHub-Event"] = "push", ["X-GitHub-Delivery"] = "1",
    ["X-Hub-Signature-256"] = "sha256=" .. apivideo.sign(BODY, SECRET),
  })
  cases.octokit = { url = url .. "/webhooks", script = script }
  return cases, program
end

-- The requests per second of each case, per round.
local function rates_of(cases)
  local list = {}
  for name in pairs(cases) do list[name] = {} end
  for round = 0, ROUNDS do -- round 0 warms up
    for _, name in ipairs { "reading", "receiving", "static", "bare", "octokit" } do
      local case = cases[name]
      local rate = case and wrk(case.url, SECONDS, case.script)
      if case and round > 0 then table.insert(list[name], rate) end
    end
  end
  return list
end

-- The ratios of two lists of rates, per round, multiplied by `unit`.
local function shares(ours, theirs, unit)
  local list = {}
  for round, rate in ipairs(ours) do list[round] = rate / theirs[round] * unit end
  return list
end

-- An explanation for a missed bar: the rate of a location that only does the HMAC and the parsing.
local function limit(bare, theirs)
  local share = median(shares(bare, theirs, 100))
  return ("reading the body, one HMAC and one parse alone reach %.0f %%"):format(share)
end

-- Compares deliveries with the other cases; all receive the same body.
local function rates(nginx, post)
  local cases, program = cases_of(nginx, post)
  local list = rates_of(cases)
  if program then program:close() end
  local what, ours = "nginx: signed delivery to a handler", list.receiving
  local of_reading, of_static = shares(ours, list.reading, 100), shares(ours, list.static, 100)
  local times = list.octokit and shares(ours, list.octokit, 1)
  local near_reading, near_static = limit(list.bare, list.reading), limit(list.bare, list.static)
  local function row(beside, theirs, share, of, bar, note)
    figures.row { what = what, beside = beside, unit = "/s", ours = ours, theirs = theirs, share = share,
      of = of, bar = bar, note = median(share) < bar and note or nil }
  end
  row("body read, 204", list.reading, of_reading, "%", 90, near_reading)
  row("nginx's own 204", list.static, of_static, "%", 70, near_static)
  if times then
    local bare_times = median(shares(list.bare, list.octokit, 1))
    row("@octokit/webhooks", list.octokit, times, "×", 8,
      ("reading the body, one HMAC and one parse alone reach %.1f ×"):format(bare_times))
  else
    figures.absent(what, "@octokit/webhooks", "needs Node.js; make bench installs it from the npm registry")
  end
end

-- Measures calls, and another location during them.
local function calls(nginx)
  local idle, beside, excess, more = {}, {}, {}, {}
  local static = nginx.url .. "/static"
  for round = 0, CALL_ROUNDS do
    local _, _, alone = wrk(static, SECONDS, nil, 8)
    nginx:get "/start"
    local _, _, with_calls = wrk(static, SECONDS, nil, 8)
    local times = cjson.decode(nginx:get "/stop")
    runtime.sleep(2 * LATENCY / 1000) -- until the last calls end
    if round > 0 then
      table.insert(idle, alone)
      table.insert(beside, with_calls)
      table.insert(more, with_calls / alone)
      for _, time in ipairs(times) do table.insert(excess, time - LATENCY) end
    end
  end
  figures.row { what = ("nginx: 99th percentile beside %d calls"):format(CALLS), beside = "idle", unit = "ms",
    ours = beside, theirs = idle, share = more, of = "×", bar = 3, at_most = true }
  table.sort(excess)
  figures.row { what = ("nginx: the slowest of %d calls in flight"):format(CALLS), unit = "ms",
    ours = excess[#excess], bar = 15, at_most = true,
    note = ("of %d calls, half took %.1f ms more than the latency of %d ms, and 99 %% at most %.1f ms")
      :format(#excess, median(excess), LATENCY, excess[math.ceil(#excess * 0.99)]) }
end

-- Sends one delivery with the library's own client, which counts exactly. It closes the connection, because a
-- keep-alive connection would use one of the worker's few connections during wrk.
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
  figures.row { what = ("nginx: worker's growth in %d deliveries"):format(MANY), unit = "kB",
    ours = after - before, bar = 1024, at_most = true }
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
  figures.row { what = ("nginx: deliveries lost in %d reloads"):format(RELOADS), unit = "",
    ours = lost + #senders.failed, bar = 0, at_most = true }
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
