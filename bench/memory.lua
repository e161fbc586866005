--- Measures the resident memory of the library: medians of several processes.

local apivideo = require "apivideo"
local crowd = require "spec.support.crowd"
local figures = require "bench.figures"
local file = require "spec.support.file"
local new_program = require "bench.program"
local process = require "spec.support.process"
local receiver_process = require "spec.support.receiver_process"
local resident = require "bench.resident"
local socket = require "socket"
local wrk = require "bench.wrk"

local http_server, script = arg[1], arg[2]

local LUA = rawget(_G, "jit") and "LuaJIT" or _VERSION
local ROUNDS = 3
local CONNECTIONS = 2000
local PROCESS_MAX_S = 60
local WARM_UP, SECONDS = 2, 6 -- seconds of deliveries

local function show(bar, what, unit, ours, note)
  figures.row(bar, { what = ("memory: %s, %s"):format(what, LUA), unit = unit, ours = ours,
    note = note, against = note })
end

local function rounds(measure)
  local list = {}
  for i = 1, ROUNDS do list[i] = measure() end
  return list
end

-- The memory of one of many objects in a process of their own, in kilobytes.
local function of_many(kind, milliseconds)
  return function()
    local peer = new_program(("%s %d"):format(http_server, milliseconds))
    local output, status = process.start({ "bench/memory_of.lua", kind, peer.url }):finish(PROCESS_MAX_S)
    peer.stop()
    assert(status == 0, output)
    return output / 1024
  end
end

-- The bytes of a signed delivery on a keep-alive connection.
local function delivery()
  local body = receiver_process.event()
  return ("POST / HTTP/1.1\r\nHost: x\r\nX-Api-Video-Signature: %s\r\nContent-Length: %d\r\n\r\n%s"):format(
    apivideo.sign(body, receiver_process.SECRET), #body, body)
end

-- The memory of an idle connection to the standalone server, in kilobytes.
local function of_connection(first)
  return function()
    local receiver = receiver_process.start { max_connections = CONNECTIONS + 10, timeout = 600 }
    assert(receiver:deliver() == 204)
    local before = resident(receiver.pid)
    local clients = crowd.new(receiver.port, CONNECTIONS, { first = first })
    for _ = 1, 3 * CONNECTIONS / 20 do -- each connects, sends and reads; slowly enough for the listen backlog
      clients:turn(20)
      socket.sleep(0.002)
    end
    socket.sleep(0.2)
    assert(receiver:descriptors() > CONNECTIONS and clients.ended == 0, "the server closed connections")
    local grown = resident(receiver.pid) - before
    clients:leave()
    receiver:stop()
    return grown / CONNECTIONS / 1024
  end
end

-- Writes a script for wrk that sends a thousand different events in turn.
local function write_script()
  local lines = {}
  for i = 1, 1000 do
    local body = ('{"type":"video.source.recorded","emittedAt":"2026-01-01T00:00:00Z","liveStreamId":"li%04d",'
      .. '"videoId":"vi%04d"}'):format(i, i)
    lines[i] = ("{ %q, %q },"):format(apivideo.sign(body, receiver_process.SECRET), body)
  end
  file.write(script, ([[
    local events, at = { %s }, 0
    function request()
      at = at %% #events + 1
      return wrk.format("POST", "/", { ["X-Api-Video-Signature"] = events[at][1] }, events[at][2])
    end
  ]]):format(table.concat(lines, "\n")))
end

-- The growth of a warmed-up server in a million deliveries, in megabytes.
local function of_million()
  local receiver = receiver_process.start()
  local url = "http://127.0.0.1:" .. receiver.port
  wrk.run(url, WARM_UP, script)
  local before = resident(receiver.pid)
  local _, count = wrk.run(url, SECONDS, script)
  local grown = resident(receiver.pid) - before
  receiver:stop()
  return grown / count * 1e6 / 2 ^ 20
end

write_script()
show("memory_client", "an idle client", "kB", rounds(of_many("client", 0)), "after one call: its tables")
show("memory_call", "a call in flight", "kB", rounds(of_many("transfer", 1000)),
  "libcurl's handle and connection, and 4 kB of a task")
show("memory_new_connection", "a new connection to the server", "kB", rounds(of_connection ""),
  "libmicrohttpd's connection, and the first page of its pool")
show("memory_connection", "a keep-alive connection to the server", "kB", rounds(of_connection(delivery())),
  "the same with all 16 kB of the pool, which libmicrohttpd clears after each request")
show("memory_event", "an event in a memory inbox", "kB", rounds(of_many("event", 0)),
  "its 188 bytes, key, occurrence and tables")
show("memory_growth", "growth by a million events", "MB", of_million(), "at most a byte per event")
os.exit(figures.failed and 1 or 0)
