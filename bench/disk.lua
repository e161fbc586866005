--- Measures a static location of an nginx worker, one request at a time, beside durable deliveries to the same worker,
--- on this disk and on slower ones.
---
---   disk.lua pin directory

local events = require "bench.inbox_events"
local figures = require "bench.figures"
local servers = require "bench.inbox_servers"
local slow_sync = require "spec.support.slow_sync"
local wrk = require "bench.wrk"

local pin, directory = arg[1], arg[2]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 3
local SECONDS, MARGIN = 3, 1        -- of a round; how much longer the deliveries last
local DELAYS_MS = { 0, 2, 10 }      -- of each sync
local EVENTS = 100000

local script = events.write_script(directory .. "/post.lua", 0, EVENTS)

-- A round: the 99th percentiles in milliseconds of the static location when idle and beside deliveries, and of these.
local function run(kind, environment)
  os.execute(("rm -f %s/inbox.db*"):format(directory))
  local server = servers.nginx(pin, kind, directory, true, environment)
  local _, _, idle = wrk.run(server.static, 1, nil, 1)
  local finish = wrk.start(server.url, SECONDS + MARGIN, script)
  local _, _, beside = wrk.run(server.static, SECONDS, nil, 1)
  local _, count, all = finish()
  server.stop()
  assert(kind == "handlers" or count <= EVENTS, "the script ran out of events; increase EVENTS")
  return idle, beside, all
end

local function measure(delay_ms)
  local idle, beside, durable, disk = {}, {}, {}, slow_sync.new(delay_ms)
  local without = {}
  for round = 1, ROUNDS do
    idle[round], beside[round], durable[round] = run("durable", disk.environment)
    without[round] = select(2, run "handlers")
  end
  disk:remove()
  figures.row("static_durable", { unit = "ms", ours = beside, theirs = idle,
    what = ("nginx, static beside durable deliveries, sync + %d ms, p99"):format(delay_ms),
    note = ("the 99th percentile of the deliveries is %.1f ms"):format(figures.median(durable)),
    against = ("beside the same deliveries without an inbox it is %.1f ms: all requests that are ready share the "
      .. "processor, and so does the thread of the store"):format(figures.median(without)) })
end

for _, delay_ms in ipairs(DELAYS_MS) do measure(delay_ms) end
os.exit(figures.failed and 1 or 0)
