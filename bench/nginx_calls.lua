--- Measures how long after a response a call in nginx continues, and the processor time of a call: nginx_calls.lua pinned
--- server. Exits with 1 if a bar is missed.

local certificates = require "spec.support.certificates"
local cjson = require "cjson"
local figures = require "bench.figures"
local http = require "apivideo.transport.http"
local lfs = require "lfs"
local monotonic = require("apivideo.runtime").monotonic
local nginx_lua = require "spec.support.nginx_lua"
local start_program = require "bench.program"
local tls = require "spec.support.nginx"
local wait_for = require "spec.support.wait"

local median = figures.median

local pinned, server_program = arg[1], arg[2]

local ROUNDS = 7
local SHORT, LONG = 50, 300 -- latencies in milliseconds
local CALLS = 50            -- in flight
local CONNECTIONS = 20      -- new ones, in a round

local APP = [[
local cjson = require "cjson"
local http = require "apivideo.transport.http"
local monotonic = require("apivideo.runtime").monotonic

local app = {}

local function get(url, ca_file)
  local started = monotonic()
  assert(http.request { method = "GET", url = url, ca_file = ca_file })
  return (monotonic() - started) * 1000
end

-- Prints the milliseconds of calls, one after the other.
function app.one_by_one(calls, url, ca_file)
  local times = {}
  for i = 1, calls do times[i] = get(url, ca_file) end
  ngx.print(cjson.encode(times))
end

-- Prints those of calls at once, each from the first one's start.
function app.at_once(calls, url)
  local times, threads, started = {}, {}, monotonic()
  for i = 1, calls do
    threads[i] = ngx.thread.spawn(function()
      get(url)
      times[i] = (monotonic() - started) * 1000
    end)
  end
  for i = 1, calls do ngx.thread.wait(threads[i]) end
  ngx.print(cjson.encode(times))
end

return app
]]

local SERVER = [[
location = /one_by_one { content_by_lua_block {
  require("app").one_by_one(tonumber(ngx.var.arg_calls), ngx.var.arg_url, ngx.var.arg_ca_file) } }
location = /at_once { content_by_lua_block { require("app").at_once(tonumber(ngx.var.arg_calls), ngx.var.arg_url) } }
]]

local function times_of(nginx, path, ...) return cjson.decode(nginx:get(path:format(...))) end

-- The processor time of all threads of the worker, in milliseconds.
local function processor_time(worker)
  local total = 0
  for thread in lfs.dir(("/proc/%s/task"):format(worker)) do
    local file = tonumber(thread) and io.open(("/proc/%s/task/%s/schedstat"):format(worker, thread))
    if file then
      total = total + tonumber(file:read("*l"):match "%d+") / 1e6
      file:close()
    end
  end
  return total
end

local function short_calls(nginx, url)
  local excess = {}
  for _ = 1, ROUNDS do
    for _, time in ipairs(times_of(nginx, "/one_by_one?calls=10&url=%s", url)) do
      table.insert(excess, time - SHORT)
    end
  end
  figures.row { what = ("nginx: a call of %d ms, later than its response"):format(SHORT), unit = "ms", ours = excess,
    bar = 1, at_most = true }
end

local function long_calls(nginx, url, worker)
  local latest, spent = {}, {}
  times_of(nginx, "/at_once?calls=%d&url=%s", CALLS, url) -- opens the connections
  for round = 1, ROUNDS do
    local times = times_of(nginx, "/at_once?calls=%d&url=%s", CALLS, url)
    table.sort(times)
    latest[round] = times[#times] - LONG
    local before = processor_time(worker)
    times_of(nginx, "/one_by_one?calls=5&url=%s", url)
    spent[round] = (processor_time(worker) - before) / 5
  end
  figures.row { what = ("nginx: the latest of %d calls of %d ms at once"):format(CALLS, LONG), unit = "ms",
    ours = latest, bar = 3, at_most = true,
    note = median(latest) > 3 and "the calls are sent and their responses read one after the other" or nil }
  figures.row { what = ("nginx: a call of %d ms"):format(LONG), unit = "ms of processor time", ours = spent,
    bar = 1.5, at_most = true }
end

-- The milliseconds of a new connection in a script.
local function script_time(url, ca_file)
  local started = monotonic()
  assert(http.request { method = "GET", url = url, ca_file = ca_file })
  return (monotonic() - started) * 1000
end

-- New connections, to another nginx, which closes each after its response.
local function new_connections(nginx)
  local authority = certificates.new()
  authority:issue("good", "IP:127.0.0.1")
  local port = tls.start(authority, { { "ssl", 'keepalive_timeout 0; location / { return 200 "x"; }' } })[1]
  local url, ca_file = ("https://127.0.0.1:%d/"):format(port), authority:path "ca.crt"
  local ours, theirs, more = {}, {}, {}
  for round = 0, ROUNDS do -- round 0 loads the certificates
    local script = {}
    local times = times_of(nginx, "/one_by_one?calls=%d&url=%s&ca_file=%s", CONNECTIONS, url, ca_file)
    for i = 1, CONNECTIONS do script[i] = script_time(url, ca_file) end
    if round > 0 then
      ours[round], theirs[round] = median(times), median(script)
      more[round] = ours[round] - theirs[round]
    end
  end
  authority:remove()
  figures.row { what = "nginx: a new TLS connection", beside = "in a script", unit = "ms", ours = ours, theirs = theirs,
    share = more, of = "ms more", bar = 0.5, at_most = true }
end

local short, short_server = start_program(server_program .. " " .. SHORT)
local long, long_server = start_program(server_program .. " " .. LONG)
local nginx = nginx_lua.start { files = { ["app.lua"] = APP }, server = SERVER }
local worker = wait_for(function() return nginx:workers()[1] end, "a worker")
if pinned ~= "" then os.execute("taskset -a -p -c 0 " .. worker .. " > /dev/null") end
short_calls(nginx, short)
long_calls(nginx, long, worker)
new_connections(nginx)
nginx:stop()
short_server:close()
long_server:close()
os.exit(figures.failed and 1 or 0)
