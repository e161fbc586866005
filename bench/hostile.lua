--- Measures genuine deliveries during attacks with wrk: four senders, each delivery on a new connection; and the
--- memory and descriptors of the receiver. The attacks have fixed rates, so that they are not limited by the
--- receiver.

local process = require "spec.support.process"
local receiver_process = require "spec.support.receiver_process"

local server, attackers, script = arg[1], arg[2], arg[3]

local SECONDS = tonumber(os.getenv "ROUND_SECONDS") or 5

-- Name, attack of spec.support.crowd, number of clients, actions per second, and the server's max_connections.
local rounds = {
  { "alone" },
  { "10,000 idle connections, room for 12,000", "idle connections", 10000, 1000, 12000 },
  { "10,000 idle connections, room for 1,000; 2,000 new ones/s", "idle connections", 10000, 2000 },
  { "slow loris: 1,000 header sections, 5,000 bytes/s", "header sections byte by byte", 1000, 5000 },
  { "slow bodies: 1,000, 5,000 bytes/s", "bodies byte by byte", 1000, 5000 },
  { "flood: 2,000 connections/s, closed at once", "connections closed at once", 100, 2000 },
  { "flood: 1,000 forged requests/s, a connection each", "requests closed at once", 100, 1000 },
  { "endless chunked bodies: 200, 20 MB/s", "endless chunked bodies", 200, 5000 },
  { "chunks of one byte: 100,000/s", "chunks of one byte", 200, 200 },
  { "endless chunk-size lines: 200 of 20 KB/s", "endless chunk-size lines", 100, 400 },
  { "pipelined: 5,000 forged requests/s, responses not read", "pipelined requests, responses not read", 50, 25 },
  { "headers of 64 KB: 200/s", "huge headers", 100, 200 },
  { "1,000 bodies of 1 MB, half sent: 500 parts/s", "bodies of a megabyte, half sent", 1000, 500 },
}

local milliseconds = { us = 0.001, ms = 1, s = 1000 }

local function percentile(text, name)
  local value, unit = text:match(name .. "%% *([%d.]+)(%a+)")
  return tonumber(value) * milliseconds[unit]
end

-- Writes a script for wrk that sends an event.
local function write_script()
  local body, lines = receiver_process.event()
  local file = assert(io.open(script, "w"))
  file:write(("wrk.method, wrk.body = 'POST', %q\n"):format(body))
  for _, line in ipairs(lines) do
    file:write(("wrk.headers[%q] = %q\n"):format(line:match "^(.-): (.*)$"))
  end
  file:close()
end

-- Deliveries per second, their latencies, and the number without a 204 response.
local function measure(receiver)
  local pipe = io.popen(("%s wrk -t1 -c4 -d%ds --latency -s %s http://127.0.0.1:%d/webhooks")
    :format(attackers, SECONDS, script, receiver.port))
  local text = pipe:read "*a"
  pipe:close()
  local failed = tonumber(text:match "Non%-2xx or 3xx responses: (%d+)") or 0
  for count in (text:match "Socket errors:[^\n]*" or ""):gmatch "%d+" do failed = failed + tonumber(count) end
  return tonumber(text:match "Requests/sec: *([%d.]+)"), percentile(text, "50"), percentile(text, "99"), failed
end

local function run(name, attack, size, rate, places)
  local receiver = receiver_process.start { max_connections = places, under = server }
  local crowd = attack and process.start({ "bench/hostile_crowd.lua", tostring(receiver.port), attack, tostring(size),
    tostring(rate) }, attackers)
  if crowd then crowd:wait_for "there" end
  local before = receiver:processor()
  local deliveries, p50, p99, failed = measure(receiver)
  local _, memory = receiver:memory()
  print(("| %-56s | %6.0f | %7.2f | %7.2f | %6d | %6.0f | %6d | %4.0f |"):format(name, deliveries, p50, p99, failed,
    memory, receiver:descriptors(), (receiver:processor() - before) / SECONDS * 100))
  io.stdout:flush()
  if crowd then
    crowd:kill "KILL"
    crowd:wait()
  end
  receiver:stop()
end

write_script()
print(("| %-56s | %6s | %7s | %7s | %6s | %6s | %6s | %4s |"):format("", "good/s", "p50 ms", "p99 ms", "failed", "MB",
  "files", "CPU%"))
print("|" .. ("-"):rep(58) .. "|-------:|--------:|--------:|-------:|-------:|-------:|-----:|")
for _, round in ipairs(rounds) do run((table.unpack or unpack)(round, 1, 5)) end
