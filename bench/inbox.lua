--- Measures an inbox in SQLite: the processor time of durable deliveries in a standalone server and in nginx, without
--- and with a worker in the same process, compared with that of a delivery to a handler and of the same transactions in
--- C; and the cost of put and claim with a backlog.
---
---   inbox.lua pin directory transaction      the program of bench/transaction.c

local apivideo = require "apivideo"
local core = require "apivideo.core"
local events = require "bench.inbox_events"
local figures = require "bench.figures"
local file = require "spec.support.file"
local load = require "bench.load"
local processor = require "bench.processor"
local resident = require "bench.resident"
local runtime = require "apivideo.runtime"
local servers = require "bench.inbox_servers"
local sqlite = require "apivideo.inbox.sqlite"
local wait_for = require "spec.support.wait"
local wrk = require "bench.wrk"

local pin, directory, transaction_program = arg[1], arg[2], arg[3]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 5
local WARM_UP, SECONDS = 1, 2
local EVENTS = 60000                         -- more than an inbox accepts in that time
local BACKLOG = tonumber(os.getenv "BACKLOG") or 1000000
local BATCH, BATCHES = 32, 300
local DRAIN_MAX_S = 60

local scripts = {
  warm_up = events.write_script(directory .. "/warm_up.lua", 0, EVENTS),
  post = events.write_script(directory .. "/post.lua", EVENTS, EVENTS),
}

local function remove_inbox() os.execute(("rm -f %s/inbox.db*"):format(directory)) end

local function new_store()
  remove_inbox()
  return sqlite { path = directory .. "/inbox.db" }
end

-- Waits until all events of the inbox are handled.
local function drain()
  local store = sqlite { path = directory .. "/inbox.db" }
  wait_for(function()
    local stats = assert(store:stats())
    return stats.waiting + stats.claimed == 0 or runtime.sleep(0.05)
  end, "the worker", DRAIN_MAX_S)
  store:close()
end

-- Runs a server, and measures it after a warm-up, in which the write-ahead log reaches its size.
local function run(case, round)
  remove_inbox()
  local server = servers[case.server](pin, case.kind, directory, case.thread)
  local finish = case.kind == "handled" and drain or function() end
  wrk.run(server.url, WARM_UP, scripts.warm_up)
  finish()
  local before = processor(server.pid)
  local rate, count = wrk.run(server.url, SECONDS, scripts.post)
  finish()
  case.costs[round], case.rates[round] = (processor(server.pid) - before) / count * 1e6, rate
  server.stop()
  assert(case.kind == "handlers" or count <= EVENTS, "the script ran out of events; increase EVENTS")
end

-- The floor of the transactions in C: the microseconds of processor time of an event, by their part.
local function floors()
  local name = directory .. "/floor.db"
  os.execute(("rm -f %s*"):format(name))
  file.write(name, file.read(directory .. "/transaction.db"))
  local pipe = assert(io.popen(("%s %s %s %s/transaction.trace"):format(pin, transaction_program, name, directory)))
  local put, handle = pipe:read("*a"):match "put ([%d.]+)\nhandle ([%d.]+)"
  pipe:close()
  return tonumber(put), tonumber(handle)
end

-- The cases of both servers, in the order in which a round runs them: server -> kind -> with and without a thread.
local function new_cases()
  local cases = {}
  for _, server in ipairs { "standalone", "nginx" } do
    cases[server] = {}
    for _, kind in ipairs { "handlers", "durable", "handled" } do
      cases[server][kind] = {}
      for _, thread in ipairs(kind == "handlers" and { true } or { true, false }) do
        local case = { server = server, kind = kind, thread = thread, costs = {}, rates = {} }
        cases[#cases + 1], cases[server][kind][thread] = case, case
      end
    end
  end
  return cases
end

-- The rows of a server, from its cases and the floors of put and handle.
local function report(server, cases, put, handle)
  local without, durable, handled = cases.handlers[true], cases.durable, cases.handled
  local floor, both = {}, {}
  for round, cost in ipairs(without.costs) do
    floor[round] = cost + put[round]
    both[round] = floor[round] + handle[round]
  end
  local what = ("%s, durable%s, 32 connections"):format(server == "nginx" and server or "standalone, LuaJIT", "%s")
  local unthreaded = "%s; with thread = false, all takes %.1f µs"
  local parts = ("a delivery without an inbox takes %.1f µs, a put in C %.1f µs"):format(
    figures.median(without.costs), figures.median(put))
  figures.row("durable", { what = what:format "", unit = "µs", ours = durable[true].costs, theirs = floor,
    share = figures.ratios(floor, durable[true].costs, 100), note = load.rate(durable[true]),
    against = unthreaded:format(parts, figures.median(durable[false].costs)) })
  parts = ("%s, claim and completion in C %.1f µs"):format(parts, figures.median(handle))
  figures.row("handled", { what = what:format " and handled", unit = "µs", ours = handled[true].costs, theirs = both,
    share = figures.ratios(both, handled[true].costs, 100), note = load.rate(handled[true]),
    against = unthreaded:format(parts, figures.median(handled[false].costs)) })
end

local function rates()
  local cases, put, handle = new_cases(), {}, {}
  for round = 1, ROUNDS do
    for _, case in ipairs(cases) do run(case, round) end
    put[round], handle[round] = floors()
  end
  for _, server in ipairs { "standalone", "nginx" } do report(server, cases[server], put, handle) end
end

local numbers = 0

local function items(count)
  local list = {}
  for i = 1, count do
    numbers = numbers + 1
    list[i] = { key = ("24:video.caption.generated%016d"):format(numbers), raw = events.body(numbers), verified = true,
      webhookId = events.WEBHOOK_ID, received_at = 1700000000 }
  end
  return list
end

-- Microseconds of an event's share in a put of BATCH; then of a claim and its completion. (Between puts,
-- claims would leave more to be synced to them.)
local function costs(store)
  local puts, claims = {}, {}
  for i = 1, BATCHES do
    local batch = items(BATCH)
    local started = core.monotonic()
    assert(store:put(batch, 20))
    puts[i] = (core.monotonic() - started) / BATCH * 1e6
  end
  for i = 1, BATCHES do
    local started = core.monotonic()
    for _ = 1, BATCH do
      local entry = assert(store:claim(1, 60))[1]
      assert(store:complete(entry.id, entry.token))
    end
    claims[i] = (core.monotonic() - started) / BATCH * 1e6
  end
  return figures.median(puts), figures.median(claims)
end

local function backlog(store)
  local put, claim = costs(store)
  local before = resident()
  for _ = 1, BACKLOG / 1000 do assert(store:put(items(1000), 20)) end
  local put_late, claim_late = costs(store)
  collectgarbage()
  local grown = (resident() - before) / 1024
  store:close()
  local function row(what, late, empty)
    figures.row("backlog", { what = ("sqlite: %s, %d in the backlog"):format(what, BACKLOG), unit = "µs", ours = late,
      theirs = empty, share = late / empty })
  end
  row(("put, %d at once, each"):format(BATCH), put_late, put)
  row("claim and completion", claim_late, claim)
  figures.row("inbox_growth", { what = ("memory: growth in %d puts, sqlite"):format(BACKLOG), unit = "kB",
    ours = grown })
end

apivideo.log { write = function() end }
rates()
backlog(new_store())
os.exit(figures.failed and 1 or 0)
