--- Measures the cost of an inbox with wrk: signed deliveries to a receiver with and without one, in a standalone
--- server and in nginx, also with a worker in the same process; and the cost of put and claim with a backlog. Medians
--- of alternating rounds. Exits with 1 if a bar is missed.

local apivideo = require "apivideo"
local cjson = require "cjson"
local core = require "apivideo.core"
local figures = require "bench.figures"
local nginx_lua = require "spec.support.nginx_lua"
local redis = require "spec.support.redis"
local sqlite = require "apivideo.inbox.sqlite"
local wait_for = require "spec.support.wait"
local wrk = require "bench.wrk"

local pinned, lua, directory = arg[1], arg[2], arg[3]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 3
local WARM_UP, SECONDS = 1, 2
local EVENTS = 60000                         -- more than an inbox accepts in that time
local BACKLOG = tonumber(os.getenv "BACKLOG") or 1000000
local BATCH, BATCHES = 32, 300
local SECRET = "sig_sec_0000000000000000000000"

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function body_of(number)
  local event = apivideo.events:sample "video.caption.generated"
  event.captionId = ("caption_%016d"):format(number)
  return cjson.encode(event)
end

-- Writes a script for wrk that sends EVENTS different events, repeatedly.
local function write_script(path, first)
  local file = assert(io.open(path .. ".events", "wb"))
  for i = 1, EVENTS do -- one at a time: LuaJIT is slow with many long strings that differ in few bytes
    local body = body_of(first + i)
    file:write(apivideo.sign(body, SECRET), body, "\n")
  end
  file:close()
  write(path, ([[
    local path = %q
    local lines = io.lines(path)
    local headers = { ["Content-Type"] = "application/json",
      ["X-Api-Video-WebhookID"] = "webhook_0000000000000000000000" }
    function request()
      local line = lines()
      if not line then
        lines = io.lines(path)
        line = lines()
      end
      headers["X-Api-Video-Signature"] = line:sub(1, 64)
      return wrk.format("POST", "/webhooks", headers, line:sub(65))
    end
  ]]):format(path .. ".events"))
  return path
end

local start = {}

-- Starts a receiver. Returns its URL, and a function that stops it.
function start.standalone(kind, place)
  local out = directory .. "/port"
  write(out, "")
  local pipe = assert(io.popen(("exec %s tools/with-lua %s bench/inbox_server.lua %s %s > %s"):format(
    pinned, lua, kind, place, out), "w"))
  local port = wait_for(function() return read(out):match "(%d+)\n" end, "a receiver")
  return "http://127.0.0.1:" .. port, function() pipe:close() end
end

function start.nginx(kind, place)
  local nginx = nginx_lua.start {
    files = { ["inbox_app.lua"] = read "bench/inbox_app.lua" },
    http = ([[
      init_by_lua_block { app = require "inbox_app" receiver = app.new(%q, %q) }
      init_worker_by_lua_block { app.start() }
    ]]):format(kind, tostring(place)),
    server = "location = /webhooks { content_by_lua_block { receiver:nginx() } }",
  }
  local worker = wait_for(function() return nginx:workers()[1] end, "a worker")
  if pinned ~= "" then os.execute(("taskset -p -c 0 %s > /dev/null"):format(worker)) end
  return nginx.url, function() nginx:stop() end
end

-- The share of the store's events that are handled, in percent.
local function handled()
  local store = sqlite { path = directory .. "/inbox.db" }
  local stats = assert(store:stats())
  store:close()
  return stats.done / (stats.done + stats.waiting + stats.claimed) * 100
end

-- Runs a receiver and measures it after a warm-up, in which the write-ahead log reaches its size: deliveries per
-- second, and the percentage that was handled at the end.
local function measure(server, kind, place, scripts)
  os.execute(("rm -f %s/inbox.db*"):format(directory))
  local url, stop = start[server](kind, place)
  wrk(url, WARM_UP, scripts.warm_up)
  local rate, count = wrk(url, SECONDS, scripts.post)
  local share = kind:find("+work", 1, true) and handled()
  stop()
  assert(kind == "handlers" or count <= EVENTS, "the script ran out of events; increase EVENTS")
  return rate, share
end

local numbers = 0

local function items(count)
  local list = {}
  for i = 1, count do
    numbers = numbers + 1
    list[i] = { key = ("24:video.caption.generated%016d"):format(numbers), raw = body_of(numbers), verified = true,
      webhookId = "webhook_0000000000000000000000", received_at = 1700000000 }
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

local function new_sqlite()
  os.execute(("rm -f %s/inbox.db*"):format(directory))
  return sqlite { path = directory .. "/inbox.db" }
end

-- An explanation for a missed bar: the cost of a put, compared with a delivery without an inbox.
local function limit(without, put)
  local each = 1e6 / figures.median(without)
  return ("a delivery without inbox takes %.0f µs, a put of %d events alone %.0f µs an event: %.0f %% at most"):format(
    each, BATCH, put, each / (each + put) * 100)
end

-- Compares the deliveries per second with those of the same receiver without an inbox.
local function rates(redis_server, scripts)
  local cases = {
    { server = "standalone", kind = "handlers" },
    { server = "standalone", kind = "sqlite", what = "standalone, durable (sqlite, fsync)", bar = 60 },
    { server = "standalone", kind = "sqlite+work", what = "standalone, durable, with a worker" },
    { server = "nginx", kind = "handlers" },
    { server = "nginx", kind = "sqlite", what = "nginx, durable (sqlite, fsync)", bar = 60 },
    { server = "nginx", kind = "sqlite+work", what = "nginx, durable, with a worker" },
  }
  local with_redis = "standalone, redis (appendfsync always)"
  if redis_server then
    table.insert(cases, 4, { server = "standalone", kind = "redis", what = with_redis })
  else
    figures.absent(with_redis .. ", 32 connections", "without inbox", "redis-server is not installed")
  end
  for _, case in ipairs(cases) do case.rates, case.shares, case.handled = {}, {}, {} end
  for round = 1, ROUNDS do
    local without
    for _, case in ipairs(cases) do
      if redis_server then redis_server:command "FLUSHALL" end
      local place = case.kind == "redis" and redis_server.port or directory
      local rate, share = measure(case.server, case.kind, place, scripts)
      without = case.what and without or { rate = rate, rates = case.rates }
      case.rates[round], case.without = rate, without.rates
      case.shares[round], case.handled[round] = rate / without.rate * 100, share or nil
    end
  end
  local store = new_sqlite()
  local put = costs(store)
  store:close()
  for _, case in ipairs(cases) do
    if case.what then
      local note = case.bar and figures.median(case.shares) < case.bar and limit(case.without, put) or
        case.handled[1] and ("%.0f %% of them were handled at the end"):format(figures.median(case.handled))
      figures.row { what = case.what .. ", 32 connections", beside = "without inbox", unit = "/s",
        ours = case.rates, theirs = case.without, share = case.shares, of = "%", bar = case.bar, note = note or nil }
    end
  end
end

local function resident()
  return tonumber(read("/proc/self/status"):match "VmRSS:%s*(%d+) kB")
end

local function backlog(store)
  local put, claim = costs(store)
  local before = resident()
  for _ = 1, BACKLOG / 1000 do assert(store:put(items(1000), 20)) end
  local put_late, claim_late = costs(store)
  collectgarbage()
  local grown = resident() - before
  store:close()
  local function row(what, late, empty)
    figures.row { what = ("sqlite: %s, %d in the backlog"):format(what, BACKLOG), beside = "empty", unit = "µs",
      ours = late, theirs = empty, share = late / empty, of = "×", bar = 2, at_most = true }
  end
  row(("put, %d at once, each"):format(BATCH), put_late, put)
  row("claim and completion", claim_late, claim)
  figures.row { what = ("memory: growth in %d puts, sqlite"):format(BACKLOG), unit = "kB", ours = grown, bar = 4096,
    at_most = true }
end

local function main()
  local server = not redis.missing() and redis.start() or nil
  rates(server, { warm_up = write_script(directory .. "/warm_up.lua", 0),
    post = write_script(directory .. "/post.lua", EVENTS) })
  backlog(new_sqlite())
  if server then server:stop() end
end

main()
os.exit(figures.failed and 1 or 0)
