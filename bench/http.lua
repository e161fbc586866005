--- Measures API calls: sequential calls on a keep-alive connection, without and with TLS, compared with a loop in C
--- on libcurl (bench/http_loop.c), Lua-cURL and api.video's Node client; concurrent calls, compared with the ideal
--- time; and new TLS connections. Exits with 1 if a bar is missed.
---
---   http.lua pin http_server http_loop
---
--- `pin` is a command that runs the servers on a processor of their own, such as "taskset -c 1", or "".

local apivideo = require "apivideo"
local certificates = require "spec.support.certificates"
local cjson = require "cjson"
local figures = require "bench.figures"
local http = require "apivideo.transport.http"
local nginx = require "spec.support.nginx"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local pin, server_program, loop_program = arg[1], arg[2], arg[3]

local LUA = rawget(_G, "jit") and "LuaJIT" or _VERSION
local ID = "webhook_XXXXXXXXXXXXXXX"
local PATH = "/webhooks/" .. ID
local NODE_MODULES = "build/peers/node_modules"
local ROUNDS, CALLS_OF_ROUND = 11, 500       -- sequential
local NODE_ROUNDS = 5
local BURSTS, CALLS, IN_FLIGHT = 5, 1000, 50 -- concurrent, of LATENCY each
local LATENCY = 50                           -- milliseconds
local CONNECTIONS = 40                       -- over TLS

-- Starts a server that responds after some milliseconds. Returns its URL, and a pipe; closing it ends the server.
local function start_server(milliseconds)
  local path = os.tmpname()
  local running = assert(io.popen(("%s %s %d > %s"):format(pin, server_program, milliseconds, path), "w"))
  local port = wait_for(function()
    local file = assert(io.open(path))
    local text = file:read "*a"
    file:close()
    return text:match "(%d+)\n"
  end, "the server")
  os.remove(path)
  return "http://127.0.0.1:" .. port, running
end

-- The number of calls per second.
local function rate(call)
  collectgarbage()
  local started = runtime.monotonic()
  for _ = 1, CALLS_OF_ROUND do call() end
  return CALLS_OF_ROUND / (runtime.monotonic() - started)
end

-- Runs a program that prints a rate.
local function rate_of_program(command)
  local program = assert(io.popen(command))
  local number = tonumber(program:read "*a")
  program:close()
  return assert(number, command .. " failed")
end

-- Runs the loop in C, which sends the same requests as the client.
local function rate_of_loop(client, url, ca_file)
  local account = client._account()
  return rate_of_program(("%s %s%s %d %s %s '%s'"):format(loop_program, url, PATH, CALLS_OF_ROUND, ca_file,
    account.credentials.username, table.concat(account.header_lines, "' '")))
end

-- A call with Lua-cURL; nil if it is not installed for this Lua.
local function lua_curl_call(client, url, ca_file)
  local found, curl = pcall(require, "curl")
  if not found then return nil end
  local parts, account = {}, client._account()
  local easy = curl.easy_init()
  easy:setopt(curl.OPT_URL, url .. PATH)
  easy:setopt(curl.OPT_CAINFO, ca_file)
  easy:setopt(curl.OPT_USERPWD, account.credentials.username .. ":")
  easy:setopt(curl.OPT_HTTPHEADER, account.header_lines)
  easy:setopt(curl.OPT_WRITEFUNCTION, function(part)
    parts[#parts + 1] = part
    return #part
  end)
  return function()
    parts = {}
    assert(easy:perform())
    return assert(cjson.decode(table.concat(parts)).webhookId)
  end
end

local function has_node_client()
  local file = io.open(NODE_MODULES .. "/@api.video/nodejs-client/package.json")
  if file then file:close() end
  return file ~= nil
end

-- The time of a call in microseconds.
local function each(rates) return 1e6 / figures.median(rates) end

-- An explanation of the rate: the parts of a call.
local function note_of(rates)
  return ("a call takes %.0f µs, the loop's %.0f; the transport alone %.0f; cjson.decode of the response alone %.1f")
    :format(each(rates.client), each(rates.loop), each(rates.transport), each(rates.decode))
end

-- Compares sequential calls with the loop in C and Lua-cURL, in alternating rounds.
local function compare(what, url, ca_file)
  local client = apivideo.client { api_key = "key", base_url = url, ca_file = ca_file }
  local function transfer()
    return assert(http.request { method = "GET", url = url .. PATH, ca_file = ca_file, username = "key",
      headers = client._account().header_lines })
  end
  local body, lua_curl = transfer().body, lua_curl_call(client, url, ca_file)
  local ways = {
    { name = "client", rate = function() return rate(function() assert(client.webhooks:get(ID)) end) end },
    { name = "loop", rate = function() return rate_of_loop(client, url, ca_file) end },
    { name = "transport", rate = function() return rate(transfer) end },
    { name = "decode", rate = function() return rate(function() cjson.decode(body) end) end },
    lua_curl and { name = "lua_curl", rate = function() return rate(lua_curl) end },
  }
  local rates, shares = {}, {}
  for _, way in ipairs(ways) do rates[way.name], shares[way.name] = {}, {} end
  for round = 0, ROUNDS do -- round 0 warms up
    for _, way in ipairs(ways) do
      rates[way.name][round] = way.rate()
      -- Ratios within a round: a machine's speed varies, but little between consecutive measurements.
      shares[way.name][round] = rates.client[round] / rates[way.name][round]
    end
  end
  for round = 1, ROUNDS do shares.loop[round] = shares.loop[round] * 100 end
  local note = note_of(rates)
  figures.row { what = what, beside = "bare loop in C", unit = "/s", ours = rates.client, theirs = rates.loop,
    share = shares.loop, of = "%", bar = 92, note = note }
  if lua_curl then
    figures.row { what = what, beside = "Lua-cURL", unit = "/s", ours = rates.client, theirs = rates.lua_curl,
      share = shares.lua_curl, of = "×", bar = 1, note = note }
  else
    figures.absent(what, "Lua-cURL", "Debian's lua-curl is for Lua 5.1 and 5.2")
  end
  return client, note
end

-- Compares sequential calls with api.video's Node client.
local function compare_with_node(what, url, ca_file, client, note)
  if not has_node_client() then
    return figures.absent(what, "Node client", "needs Node.js; make bench installs it from the npm registry")
  end
  local ours, theirs, shares = {}, {}, {}
  for round = 1, NODE_ROUNDS do
    ours[round] = rate(function() assert(client.webhooks:get(ID)) end)
    theirs[round] = rate_of_program(("NODE_PATH=%s NODE_EXTRA_CA_CERTS=%s node bench/http_node.cjs %s %d"):format(
      NODE_MODULES, ca_file, url, CALLS_OF_ROUND))
    shares[round] = ours[round] / theirs[round]
  end
  figures.row { what = what, beside = "Node client", unit = "/s", ours = ours, theirs = theirs, share = shares,
    of = "×", bar = 3, note = note }
end

-- Starts nginx with TLS, which sends the same response as the server.
local function start_tls(authority, body)
  local port = nginx.start(authority, { { "ssl", ([[keepalive_requests 1000000; default_type application/json;
    add_header X-RateLimit-Limit 1000000; add_header X-RateLimit-Remaining 999999;
    add_header X-RateLimit-Retry-After 42; location / { return 200 '%s'; }]]):format(body) } }, pin)[1]
  return ("https://127.0.0.1:%d"):format(port)
end

local function one_by_one(transport, url, ca_file)
  local what = ("calls one by one, %s, %s"):format(transport, LUA)
  compare_with_node(what, url, ca_file, compare(what, url, ca_file))
end

-- The server ends before nginx starts, because nginx would inherit the pipe that keeps the server running.
local function plain_and_tls(authority)
  local ca_file, url, server = authority:path "ca.crt", start_server(0)
  local body = assert(http.request { method = "GET", url = url .. PATH }).body
  one_by_one("plain", url, ca_file)
  server:close()
  one_by_one("TLS", start_tls(authority, body), ca_file)
end

local function at_once()
  local url, server = start_server(LATENCY)
  local client = apivideo.client { api_key = "key", base_url = url }
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
  server:close()
  figures.row { what = ("%d calls of %d ms, %d in flight, %s"):format(CALLS, LATENCY, IN_FLIGHT, LUA),
    beside = "ideal", unit = "s", ours = seconds, theirs = ideal, share = times, of = "×", bar = 1.08, at_most = true,
    note = figures.median(times) > 1.08 and ("the calls take %.0f ms of processor time, libcurl's share included")
      :format(figures.median(busy) * 1000) or nil }
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
  figures.row { what = "new TLS connection, " .. LUA, unit = "ms of processor time", ours = times, bar = 2,
    at_most = true }
end

local authority = certificates.new()
authority:issue("good", "IP:127.0.0.1")
plain_and_tls(authority)
at_once()
new_connections(authority)
authority:remove()
os.exit(figures.failed and 1 or 0)
