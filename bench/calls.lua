--- Measures API calls in nginx: how much later than the response a call returns, compared with libcurl in C, and what
--- it costs; new TLS connections, compared with a script; and a static location beside calls in flight.
---
---   calls.lua pin http_server http_loop
---
--- `pin` is a command that runs a program on processor 0, or "".

local certificates = require "spec.support.certificates"
local cjson = require "cjson"
local figures = require "bench.figures"
local http = require "apivideo.transport.http"
local loop_of = require "bench.http_loop"
local monotonic = require("apivideo.runtime").monotonic
local new_program = require "bench.program"
local nginx_lua = require "spec.support.nginx_lua"
local nginx_worker = require "bench.nginx_worker"
local processor = require "bench.processor"
local tls_nginx = require "spec.support.nginx"
local wrk = require "bench.wrk"

local pin, server_program, loop_program = arg[1], arg[2], arg[3]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 7
local SECONDS = 1                               -- of a round beside calls
local SHORT, LONG = 50, 300                     -- latencies of calls in milliseconds
local CALLS, FEW, IN_FLIGHT, CONNECTIONS = 20, 5, 50, 20

-- Each location responds with a list of times in milliseconds.
local APP = [[
local apivideo = require "apivideo"
local http = require "apivideo.transport.http"
local monotonic = require("apivideo.runtime").monotonic

local app = {}
local short = apivideo.client { api_key = "k", base_url = "@short@", rate_limit = false }
local long = apivideo.client { api_key = "k", base_url = "@long@", rate_limit = false }
local times, stopped = {}, true

local function add_time(fn, argument)
  local started = monotonic()
  assert(fn(argument))
  times[#times + 1] = (monotonic() - started) * 1000
end

local function call(client) return client:request("GET", "/") end

local function connect()
  return http.request { method = "GET", url = "@tls@", ca_file = "@ca@" }
end

function app.sequential()
  for _ = 1, @calls@ do add_time(call, short) end
end

function app.long()
  for _ = 1, @few@ do add_time(call, long) end
end

function app.concurrent()
  local list = {}
  for i = 1, @in_flight@ do list[i] = i end
  apivideo.parallel(@in_flight@, list, function() add_time(call, long) end)
end

function app.connections()
  for _ = 1, @connections@ do add_time(connect) end
end

function app.start()
  stopped = false
  for _ = 1, @in_flight@ do
    apivideo.spawn(function()
      while not stopped do add_time(call, long) end
    end)
  end
end

function app.stop() stopped = true end

return function(name)
  times = {}
  app[name]()
  ngx.print(require("cjson").encode(times))
end
]]

local SERVER = [[
location = /static { return 204; }
location / { content_by_lua_block { require("app")(ngx.var.uri:sub(2)) } }
]]

-- Starts a server with TLS that closes each connection, and a full trust store with its authority.
local function start_tls(authority)
  os.execute(("cat /etc/ssl/certs/ca-certificates.crt >> %s"):format(authority:path "ca.crt"))
  local port = tls_nginx.start(authority, { { "ssl", 'keepalive_timeout 0; location / { return 200 "x"; }' } })[1]
  return ("https://127.0.0.1:%d/"):format(port)
end

local function start(values)
  local app = APP:gsub("@([%w_]+)@", values)
  local nginx = nginx_lua.start { server = SERVER, files = { ["app.lua"] = app } }
  return nginx, nginx_worker(nginx, pin)
end

-- A list of times in milliseconds.
local function times_of(nginx, name) return cjson.decode(nginx:get("/" .. name)) end

-- The median of a location's times in this round.
local function median_of(nginx, name) return figures.median(times_of(nginx, name)) end

local function sequential(nginx, url)
  local request = { url = url .. "/", ca_file = "/dev/null", username = "k", headers = { "Accept: application/json" } }
  local ours, theirs = {}, {}
  for round = 0, ROUNDS do -- round 0 connects
    ours[round] = median_of(nginx, "sequential")
    theirs[round] = select(2, loop_of(loop_program, request, CALLS)) / 1000
  end
  ours[0], theirs[0] = nil, nil
  figures.row("call", { what = ("nginx, a call of %d ms"):format(SHORT), unit = "ms", ours = ours, theirs = theirs,
    share = figures.differences(ours, theirs) })
end

-- Returns the processor time of the calls, in milliseconds.
local function concurrent(nginx, worker)
  local latest, more, all, busy = {}, {}, {}, {}
  for round = 0, ROUNDS do -- round 0 connects
    local before = processor(worker)
    local times = times_of(nginx, "concurrent")
    busy[round] = (processor(worker) - before) * 1000
    latest[round] = figures.quantile(times, 1)
    more[round] = latest[round] - LONG
    for _, time in ipairs(times) do all[#all + 1] = time - LONG end
  end
  latest[0], more[0], busy[0] = nil, nil, nil
  local median_busy = figures.median(busy)
  figures.row("call_latest", { what = ("nginx, the latest of %d calls of %d ms"):format(IN_FLIGHT, LONG), unit = "ms",
    ours = latest, theirs = LONG, share = more,
    note = ("half of the calls took at most %.1f ms more"):format(figures.median(all)),
    against = ("the calls take %.1f ms of the worker's processor time, libcurl's share included, one after the other")
      :format(median_busy) })
  return median_busy
end

-- The processor time that a call costs while it waits, and in all.
local function waiting(nginx, worker)
  local costs = {}
  for round = 1, ROUNDS do
    local before = processor(worker)
    nginx:get "/long"
    costs[round] = (processor(worker) - before) / FEW * 1000
  end
  figures.row("call_cost", { what = ("nginx, processor time of a call of %d ms"):format(LONG), unit = "ms",
    ours = costs })
end

-- The median time of a new connection in this script, in milliseconds.
local function connect_here(url, ca_file)
  local times = {}
  for i = 1, CONNECTIONS do
    local started = monotonic()
    assert(http.request { method = "GET", url = url, ca_file = ca_file })
    times[i] = (monotonic() - started) * 1000
  end
  return figures.median(times)
end

local function connections(nginx, url, ca_file)
  local ours, theirs = {}, {}
  for round = 0, ROUNDS do -- round 0 loads the trust store
    ours[round], theirs[round] = median_of(nginx, "connections"), connect_here(url, ca_file)
  end
  ours[0], theirs[0] = nil, nil
  figures.row("nginx_tls", { what = "nginx, a call on a new TLS connection", unit = "ms", ours = ours, theirs = theirs,
    share = figures.differences(ours, theirs) })
end

local function beside_calls(nginx, busy)
  local idle, beside = {}, {}
  local function p99() return (select(3, wrk.run(nginx.url .. "/static", SECONDS, nil, 1))) end
  for round = 1, ROUNDS do
    idle[round] = p99()
    nginx:get "/start"
    beside[round] = p99()
    nginx:get "/stop"
    nginx:get "/concurrent" -- ends after the calls that were in flight
  end
  figures.row("static_calls", { what = ("nginx, static beside %d calls in flight, p99"):format(IN_FLIGHT), unit = "ms",
    ours = beside, theirs = idle, share = figures.ratios(beside, idle),
    against = ("the calls end together, and start together again: %.1f ms of the worker's processor time, in which it "
      .. "serves nothing else"):format(busy) })
end

local authority = certificates.new()
authority:issue("good", "IP:127.0.0.1")
local tls, ca_file = start_tls(authority), authority:path "ca.crt"
local short = new_program(("%s %d"):format(server_program, SHORT))
local long = new_program(("%s %d"):format(server_program, LONG))
local nginx, worker = start { short = short.url, long = long.url, tls = tls, ca = ca_file, calls = CALLS, few = FEW,
  in_flight = IN_FLIGHT, connections = CONNECTIONS }
sequential(nginx, short.url)
local busy = concurrent(nginx, worker)
waiting(nginx, worker)
connections(nginx, tls, ca_file)
beside_calls(nginx, busy)
nginx:stop()
short.stop()
long.stop()
authority:remove()
os.exit(figures.failed and 1 or 0)
