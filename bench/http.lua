--- What requests cost, beside a bare loop in C on libcurl (bench/http_loop.c): one after the other on a
--- kept-alive connection, many at once, and new TLS connections. In one run, alternating, medians of
--- many short rounds; exits 1 when a bar is missed.

local apivideo = require "apivideo"
local certificates = require "spec.support.certificates"
local figures = require "bench.figures"
local http = require "apivideo.http"
local nginx = require "spec.support.nginx"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local median, shown, verdict = figures.median, figures.shown, figures.verdict

local server_program, loop_program = arg[1], arg[2]

local PATH = "/webhooks/webhook_XXXXXXXXXXXXXXX"
local ROUNDS, REQUESTS = 21, 2000            -- one after the other
local BURSTS, CALLS, IN_FLIGHT = 7, 1000, 50 -- at once, of LATENCY each
local LATENCY = 50                           -- milliseconds
local CONNECTIONS = 40                       -- over TLS

-- Starts a peer that answers after some milliseconds; its URL, and what ends it when it is closed.
local function start_server(milliseconds)
  local path = os.tmpname()
  local running = assert(io.popen(("%s %d > %s"):format(server_program, milliseconds, path), "w"))
  local port = wait_for(function()
    local file = assert(io.open(path))
    local text = file:read "*a"
    file:close()
    return text:match "(%d+)\n"
  end, "the server")
  os.remove(path)
  return "http://127.0.0.1:" .. port, running
end

-- Requests in a second, by one way of making them.
local function rate(request)
  collectgarbage()
  local began = runtime.monotonic()
  for _ = 1, REQUESTS do request() end
  return REQUESTS / (runtime.monotonic() - began)
end

local function rate_of_loop(url)
  local program = assert(io.popen(("%s %s %d"):format(loop_program, url, REQUESTS)))
  local number = tonumber(program:read "*a")
  program:close()
  return assert(number, "the loop in C failed")
end

local function one_by_one()
  local url, server = start_server(0)
  local client = apivideo.client { api_key = "key", base_url = url }
  local ways = {
    { name = "loop in C", rate = function() return rate_of_loop(url .. PATH) end },
    { name = "transport", rate = function()
      return rate(function() assert(http.request { method = "GET", url = url .. PATH }) end)
    end },
    { name = "client", rate = function()
      return rate(function() assert(client:request("GET", PATH)) end)
    end },
  }
  for _, way in ipairs(ways) do way.rates, way.shares = {}, {} end
  for round = 0, ROUNDS do -- round 0 warms up
    for _, way in ipairs(ways) do
      way.rates[round] = way.rate()
      -- Of the loop's rate in the same round: a machine's pace wanders, but little between neighbours.
      way.shares[round] = way.rates[round] / ways[1].rates[round] * 100
    end
  end
  server:close()
  for _, way in ipairs(ways) do
    local bar = way.name == "client" and verdict(median(way.shares) >= 90) or ""
    print(("  %-10s %s   %s%s"):format(way.name, shown(way.rates, "%6.0f/s"), shown(way.shares, "%5.1f %%"), bar))
  end
end

local function at_once()
  local url, server = start_server(LATENCY)
  local client = apivideo.client { api_key = "key", base_url = url }
  local items, times = {}, {}
  for i = 1, CALLS do items[i] = i end
  local function burst()
    local _, errors = apivideo.parallel(IN_FLIGHT, items, function() return client:request("GET", PATH) end)
    assert(not errors)
  end
  local ideal = CALLS / IN_FLIGHT * LATENCY / 1000
  for i = 0, BURSTS do
    local began = runtime.monotonic()
    runtime.run(burst)
    times[i] = (runtime.monotonic() - began) / ideal
  end
  server:close()
  print(("  burst      %d calls of %d ms, %d in flight: %s of the ideal time%s"):format(CALLS, LATENCY,
    IN_FLIGHT, shown(times, "%.3f"), verdict(median(times) <= 1.15)))
end

-- A trust store of full size: the system's, and an authority made here.
local function new_connections()
  local authority = certificates.new()
  authority:issue("good", "IP:127.0.0.1")
  os.execute(("cat /etc/ssl/certs/ca-certificates.crt >> %s"):format(authority:path "ca.crt"))
  local port = nginx.start(authority, { { "ssl", 'keepalive_timeout 0; location / { return 200 "x"; }' } })[1]
  local times = {}
  for i = 0, CONNECTIONS do -- the first loads the store
    local began = os.clock()
    local response = assert(http.request { method = "GET", url = ("https://127.0.0.1:%d/"):format(port),
      ca_file = authority:path "ca.crt" })
    times[i] = (os.clock() - began) * 1000
    assert(response.connections == 1)
  end
  authority:remove()
  print(("  TLS        the first connection %.1f ms of processor time, each further one %s%s"):format(
    times[0], shown(times, "%.2f ms"), verdict(median(times) < 2)))
end

print(rawget(_G, "jit") and "LuaJIT" or _VERSION)
one_by_one()
at_once()
new_connections()
os.exit(figures.failed and 1 or 0)
