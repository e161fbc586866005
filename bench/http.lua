--- Measures API calls in scripts: the processor time of sequential calls on a keep-alive connection, without and with
--- TLS, compared with a loop in C on libcurl (bench/http_loop.c) and with api.video's Node client; concurrent calls,
--- compared with the ideal time; and new TLS connections.
---
---   http.lua pin http_server http_loop
---
--- `pin` is a command that runs the servers on a processor of their own, such as "taskset -c 1", or "".

local apivideo = require "apivideo"
local certificates = require "spec.support.certificates"
local figures = require "bench.figures"
local http = require "apivideo.transport.http"
local loop_of = require "bench.http_loop"
local new_program = require "bench.program"
local nginx = require "spec.support.nginx"
local runtime = require "apivideo.runtime"

local pin, server_program, loop_program = arg[1], arg[2], arg[3]

local LUA = rawget(_G, "jit") and "LuaJIT" or _VERSION
local ID = "webhook_XXXXXXXXXXXXXXX"
local PATH = "/webhooks/" .. ID
local NODE_MODULES = "build/peers/node_modules"
local ROUNDS = tonumber(os.getenv "ROUNDS") or 11
local NODE_ROUNDS = math.min(ROUNDS, 3)
local CALLS_OF_ROUND = 500                   -- sequential
local BURSTS, CALLS, IN_FLIGHT = 5, 1000, 50 -- concurrent, of LATENCY each
local LATENCY = 50                           -- milliseconds
local CONNECTIONS = 40                       -- over TLS

-- What stands against the bars, as counted with callgrind and Lua 5.4.
local CALL_INSTRUCTIONS = "with Lua 5.4, a call takes 253,000 instructions, and the loop 86,000; of the difference, "
  .. "the transport takes 79,000, JSON 14,000, the rate limit 22,000, and the method with the checks of its "
  .. "arguments, its deadline, retries and hooks 52,000"
local TRANSPORT_INSTRUCTIONS = "with Lua 5.4, it takes 159,000 instructions, and the loop 80,000; of the difference, a "
  .. "new libcurl handle, so that no state of another transfer affects it, takes 14,000, reading and checking the "
  .. "request 14,000, the response's header lines 6,000, its table 17,000, and the event loop 16,000"

-- Microseconds of processor time of a call.
local function cost_of(call)
  collectgarbage()
  local started = os.clock()
  for _ = 1, CALLS_OF_ROUND do call() end
  return (os.clock() - started) / CALLS_OF_ROUND * 1e6
end

local function has_node_client()
  local file = io.open(NODE_MODULES .. "/@api.video/nodejs-client/package.json")
  if file then file:close() end
  return file ~= nil
end

local function cost_of_node(url, ca_file)
  local pipe = assert(io.popen(("NODE_PATH=%s NODE_EXTRA_CA_CERTS=%s node bench/http_node.cjs %s %d"):format(
    NODE_MODULES, ca_file, url, CALLS_OF_ROUND)))
  local microseconds = pipe:read "*n"
  pipe:close()
  return assert(microseconds, "the Node client failed")
end

-- Compares sequential calls with api.video's Node client.
local function compare_with_node(what, url, ca_file, get)
  if not has_node_client() then
    return figures.absent("call_node", what, "needs Node.js; make bench installs it from the npm registry")
  end
  local ours, theirs = {}, {}
  for round = 1, NODE_ROUNDS do ours[round], theirs[round] = cost_of(get), cost_of_node(url, ca_file) end
  figures.row("call_node", { what = what, unit = "µs", ours = ours, theirs = theirs,
    share = figures.ratios(theirs, ours) })
end

-- Compares sequential calls, and the transport alone, with the loop in C, in alternating rounds.
local function compare(transport, url, ca_file)
  local what = ("sequential calls, %s, %s"):format(transport, LUA)
  local client = apivideo.client { api_key = "key", base_url = url, ca_file = ca_file }
  local account = client._account()
  local function get() assert(client.webhooks:get(ID)) end
  local request = { method = "GET", url = url .. PATH, ca_file = ca_file, username = account.credentials.username,
    headers = account.header_lines }
  local function transfer() assert(http.request(request)) end
  local calls, transfers, loops = {}, {}, {}
  for round = 0, ROUNDS do -- round 0 warms up
    calls[round], transfers[round] = cost_of(get), cost_of(transfer)
    loops[round] = loop_of(loop_program, request, CALLS_OF_ROUND)
  end
  for _, list in ipairs { calls, transfers, loops } do list[0] = nil end
  figures.row(LUA == "LuaJIT" and "call_jit" or "call_lua", { what = what, unit = "µs", ours = calls, theirs = loops,
    share = figures.differences(calls, loops),
    against = ("the transport alone takes %.1f µs more; %s"):format(
      figures.median(figures.differences(transfers, loops)), CALL_INSTRUCTIONS) })
  figures.row("transport", { what = ("transport alone, %s, %s"):format(transport, LUA), unit = "µs", ours = transfers,
    theirs = loops, share = figures.ratios(loops, transfers, 100),
    against = TRANSPORT_INSTRUCTIONS })
  compare_with_node(what, url, ca_file, get)
end

-- Starts nginx with TLS, which sends the same response as the server.
local function start_tls(authority, body)
  local port = nginx.start(authority, { { "ssl", ([[keepalive_requests 1000000; default_type application/json;
    add_header X-RateLimit-Limit 1000000; add_header X-RateLimit-Remaining 999999;
    add_header X-RateLimit-Retry-After 42; location / { return 200 '%s'; }]]):format(body) } }, pin)[1]
  return ("https://127.0.0.1:%d"):format(port)
end

-- The server ends before nginx starts, because nginx would inherit the pipe that keeps the server running.
local function plain_and_tls(authority)
  local ca_file, server = authority:path "ca.crt", new_program(("%s %s 0"):format(pin, server_program))
  local body = assert(http.request { method = "GET", url = server.url .. PATH }).body
  compare("plain", server.url, ca_file)
  server.stop()
  compare("TLS", start_tls(authority, body), ca_file)
end

local function at_once()
  local server = new_program(("%s %s %d"):format(pin, server_program, LATENCY))
  local client = apivideo.client { api_key = "key", base_url = server.url }
  local items, seconds, times, busy = {}, {}, {}, {}
  for i = 1, CALLS do items[i] = i end
  local function burst()
    local _, errors = apivideo.parallel(IN_FLIGHT, items, function() return client:request("GET", PATH) end)
    assert(not errors)
  end
  local ideal = CALLS / IN_FLIGHT * LATENCY / 1000
  for i = 0, BURSTS do
    local started, clock = runtime.monotonic(), os.clock()
    runtime.run(burst)
    seconds[i], busy[i] = runtime.monotonic() - started, os.clock() - clock
    times[i] = seconds[i] / ideal
  end
  server.stop()
  figures.row("burst", { what = ("%d calls of %d ms, %d in flight, %s"):format(CALLS, LATENCY, IN_FLIGHT, LUA),
    unit = "s", ours = seconds, theirs = ideal, share = times,
    against = ("the calls take %.0f ms of processor time, libcurl's share included")
      :format(figures.median(busy) * 1000) })
end

-- With a full trust store: the system's, and the authority of this benchmark.
local function new_connections(authority)
  os.execute(("cat /etc/ssl/certs/ca-certificates.crt >> %s"):format(authority:path "ca.crt"))
  local port = nginx.start(authority, { { "ssl", 'keepalive_timeout 0; location / { return 200 "x"; }' } }, pin)[1]
  local times = {}
  for i = 0, CONNECTIONS do -- the first one loads the trust store
    local started = os.clock()
    local response = assert(http.request { method = "GET", url = ("https://127.0.0.1:%d/"):format(port),
      ca_file = authority:path "ca.crt" })
    times[i] = (os.clock() - started) * 1000
    assert(response.connections == 1)
  end
  figures.row("tls", { what = "new TLS connection, processor time, " .. LUA, unit = "ms", ours = times })
end

local authority = certificates.new()
authority:issue("good", "IP:127.0.0.1")
plain_and_tls(authority)
at_once()
new_connections(authority)
authority:remove()
os.exit(figures.failed and 1 or 0)
