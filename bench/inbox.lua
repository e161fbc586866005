--- What keeping events in an inbox costs: signed deliveries to a receiver with and without one, measured
--- by wrk; and what put and claim cost beside a backlog. In one run, alternating, medians; exits 1 when
--- a bar is missed.

local apivideo = require "apivideo"
local cjson = require "cjson"
local core = require "apivideo.core"
local figures = require "bench.figures"
local redis = require "spec.support.redis"
local wait_for = require "spec.support.wait"
local wrk = require "bench.wrk"

local pinned, lua, directory = arg[1], arg[2], arg[3]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 7
local WARM_UP, SECONDS = 1, 3
local EVENTS = 40000                         -- more than a second takes
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

-- A script of wrk's that sends other events each time, for some seconds.
local function write_script(path, first, seconds)
  local lines = {}
  for i = 1, EVENTS * seconds do
    local body = body_of(first + i)
    lines[i] = apivideo.sign(body, SECRET) .. body
  end
  write(path .. ".events", table.concat(lines, "\n"))
  -- (One by one: LuaJIT is slow to make many long strings that differ in few bytes.)
  write(path, ([[
    local lines = io.lines(%q)
    local headers = { ["Content-Type"] = "application/json",
      ["X-Api-Video-WebhookID"] = "webhook_0000000000000000000000" }
    function request()
      local line = lines()
      headers["X-Api-Video-Signature"] = line:sub(1, 64)
      return wrk.format("POST", "/webhooks", headers, line:sub(65))
    end
  ]]):format(path .. ".events"))
  return path
end

-- Runs a receiver and measures it, once it is warm and its file has been written over.
local function measure(kind, place, warm_up, script)
  local out = directory .. "/port"
  write(out, "")
  local pipe = assert(io.popen(("exec %s tools/with-lua %s bench/inbox_server.lua %s %s > %s"):format(
    pinned, lua, kind, place, out), "w"))
  local port = wait_for(function() return read(out):match "(%d+)\n" end, "a receiver")
  local url = "http://127.0.0.1:" .. port
  wrk(url, WARM_UP, warm_up)
  local rate, count = wrk(url, SECONDS, script)
  pipe:close()
  assert(count <= EVENTS * SECONDS, "events came twice")
  return rate
end

local function clear()
  os.execute(("rm -f %s/inbox.db*"):format(directory))
end

local function rates(server)
  local warm_up = write_script(directory .. "/warm_up.lua", 0, WARM_UP)
  local script = write_script(directory .. "/post.lua", EVENTS * WARM_UP, SECONDS)
  local kinds, found = { "handlers", "sqlite", "single", "redis" }, {}
  for round = 0, ROUNDS do -- the first warms up
    for _, kind in ipairs(kinds) do
      clear()
      if server then server:command("FLUSHALL") end
      local place = kind == "redis" and server and server.port or directory
      if kind ~= "redis" or server then
        local rate = measure(kind, place, warm_up, script)
        found[kind] = round > 0 and found[kind] or {}
        table.insert(found[kind], rate)
      end
    end
  end
  print(("deliveries in a second, Lua %s, standalone server, 32 connections, %d rounds of %d s:"):format(
    lua, ROUNDS, SECONDS))
  local names = { handlers = "handlers, no inbox", sqlite = "sqlite, shared commits", single = "sqlite, a commit each",
    redis = "redis" }
  for _, kind in ipairs(kinds) do
    if found[kind] then print(("  %-24s %s"):format(names[kind], figures.shown(found[kind], "%7.0f"))) end
  end
  local none, sqlite = figures.median(found.handlers), figures.median(found.sqlite)
  local share, times = sqlite / none * 100, sqlite / figures.median(found.single)
  print(("  sqlite is %.0f %% of none (bar 50 %%)%s"):format(share, figures.verdict(share >= 50)))
  print(("  sqlite is %.1f × a commit each (bar 10 ×)%s"):format(times, figures.verdict(times >= 10)))
  if found.redis then
    share = figures.median(found.redis) / none * 100
    print(("  redis is %.0f %% of none (bar 40 %%)%s"):format(share, figures.verdict(share >= 40)))
  end
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

-- Microseconds of a put of BATCH, and of a claim and its completion.
local function costs(store)
  local puts, claims = {}, {}
  for i = 1, BATCHES do
    local batch = items(BATCH)
    local began = core.monotonic()
    assert(store:put(batch, 20))
    puts[i] = (core.monotonic() - began) / BATCH * 1e6
    began = core.monotonic()
    for _ = 1, BATCH do
      local entry = assert(store:claim(1, 60))[1]
      assert(store:complete(entry.id, entry.token))
    end
    claims[i] = (core.monotonic() - began) / BATCH * 1e6
  end
  return figures.median(puts), figures.median(claims)
end

local function resident()
  return tonumber(read("/proc/self/status"):match "VmRSS:%s*(%d+) kB")
end

local function backlog(name, new_store)
  local store = new_store()
  local put, claim = costs(store)
  local before = resident()
  for _ = 1, BACKLOG / 1000 do assert(store:put(items(1000), 20)) end
  local put_late, claim_late = costs(store)
  collectgarbage()
  local grown = resident() - before
  store:close()
  print(("%s, a put in batches of %d, and a claim with its completion:"):format(name, BATCH))
  print(("  empty                    %6.1f µs  %6.1f µs"):format(put, claim))
  print(("  %9d in the backlog %6.1f µs  %6.1f µs"):format(BACKLOG, put_late, claim_late))
  local worst = math.max(put_late / put, claim_late / claim)
  print(("  at most %.2f × (bar 2 ×)%s"):format(worst, figures.verdict(worst <= 2)))
  print(("  memory of the process: %+d kB (bar 4096)%s"):format(grown, figures.verdict(grown <= 4096)))
end

local function main()
  local server = not redis.missing() and redis.start() or nil
  if not server then print "(Without Redis, which is not installed.)" end
  local only = os.getenv "ONLY"
  if not only or only == "rates" then rates(server) end
  if not only or only == "backlog" then
    clear()
    backlog("sqlite", function() return require "apivideo.inbox.sqlite" { path = directory .. "/inbox.db" } end)
    if server then
      server:command("FLUSHALL")
      backlog("redis", function() return require "apivideo.inbox.redis" { port = server.port } end)
    end
  end
  if server then server:stop() end
end

main()
os.exit(figures.failed and 1 or 0)
