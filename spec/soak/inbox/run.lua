-- Workers of an inbox for a long time: handlers hang, fail, and end their process, the store is unavailable at times,
-- and the clock jumps. No event may be lost, memory may not grow, and the numbers of the store must fit what was sent.
-- Arguments: the store, the seconds, the seed. The exit status is 1 if something was wrong.

local apivideo = require "apivideo"
local child = require "spec.crash.child"
local cjson = require "cjson"
local effects = require "spec.crash.effects"
local fates = require "spec.soak.inbox.fates"
local lfs = require "lfs"
local machine = require "spec.crash.machine"
local model = require "spec.soak.inbox.model"
local outages = require "spec.soak.inbox.outages"
local redis_server = require "spec.crash.redis_server"
local runtime = require "apivideo.runtime"
local sender = require "spec.crash.sender"
local stores = require "spec.crash.stores"
local temporary = require "spec.support.temporary"
local terms = require "spec.soak.inbox.terms"
local wait_for = require "spec.support.wait"

local STORE, SECONDS, SEED = arg[1], tonumber(arg[2]), tonumber(arg[3])
local WORKERS = 4
local CONNECTIONS, PAUSE_S = 4, 0.3
local OUTAGE_EVERY_S, OUTAGE_MAX_S = 20, 8 -- the latter is more than SQLite's busy timeout
local JUMP_EVERY_S = 3
local DRAIN_S = 60

math.randomseed(SEED)

local directory = temporary.directory()
assert(lfs.mkdir(directory .. "/disk"))
effects.create(directory .. "/effects.db")

local host = machine.new(directory)
local server = STORE == "redis" and redis_server.start(directory) or nil
local settings = { directory = directory, store = STORE, port = server and server.port, suite = "soak/inbox" }
local problems, crashes, workers = {}, 0, 0
local is_quiet, is_over = false, false -- no more outages and jumps; no more workers

local function problem(text, ...)
  problems[#problems + 1] = text:format(...)
end

local function start(program, lives)
  local more = { lives = lives }
  for name, value in pairs(settings) do more[name] = value end
  return child.start(program, more, host.environment)
end

-- Restarts a worker whenever it has ended.
local function keep(lives)
  local worker = start("worker", lives)
  workers = workers + 1
  apivideo.spawn(function()
    while not is_over do
      if worker:has_ended() then
        local text = worker:wait() -- nil if it was killed: by its handler
        if text then problem("a worker ended: %s", text) end
        crashes = crashes + 1
        worker = start("worker", lives)
      end
      runtime.sleep(0.05)
    end
    worker:kill "KILL"
    worker:wait()
    workers = workers - 1
  end)
  return worker
end

local function every(seconds, fn)
  apivideo.spawn(function()
    while not is_quiet do
      runtime.sleep(seconds * (0.5 + math.random()))
      if not is_quiet then
        local ok, err = pcall(fn)
        if not ok then problem("%s", tostring(err)) end
      end
    end
  end)
end

local function new_event(number)
  local name = fates.name(number)
  local raw = cjson.encode { type = "video.encoding.quality.completed", emittedAt = "2026-01-01T00:00:00Z",
    videoId = name, encoding = "hls", quality = "720p" }
  return name, function() return raw end
end

-- Waits until each event is done or dead. Returns the stats, or nil.
local function drain(inbox)
  local ends = runtime.monotonic() + DRAIN_S
  repeat
    runtime.sleep(0.1)
    local stats = inbox:stats()
    if stats and stats.waiting + stats.claimed == 0 then return stats end
  until runtime.monotonic() > ends
  problem("events are left after %d s: %s", DRAIN_S, cjson.encode(inbox:stats() or {}))
end

-- Each acknowledged event has its fate, and nothing else has an effect.
local function compare(inbox, sent)
  local counts, dead, acknowledged = effects.open(directory .. "/effects.db"):count(), {}, 0
  for line in inbox:export { state = "dead" } do dead[cjson.decode(cjson.decode(line).raw).videoId] = true end
  for name, is_acknowledged in pairs(sent) do
    if is_acknowledged then
      acknowledged = acknowledged + 1
      local is_dead = fates.is_dead(name)
      if is_dead ~= (dead[name] == true) then problem("%s: dead letter: %s", name, tostring(dead[name])) end
      if not is_dead and not counts[name] then problem("%s got a 2xx response, and is lost", name) end
    end
  end
  for name, count in pairs(counts) do
    if sent[name] == nil or fates.is_dead(name) or count > 1 then problem("%s has %d effects", name, count) end
  end
  return acknowledged
end

local function main()
  local receiver = start "receiver"
  local url = wait_for(function() return receiver:url() end, "a receiver")
  local inbox = apivideo.inbox { store = stores.plain(settings) }
  local first = keep(true)
  for _ = 2, WORKERS do keep(false) end

  local sending = sender.new(function() return url end, new_event)
  local watching = model.new { inbox = inbox, sender = sending, directory = directory, problem = problem,
    processes = { receiver = receiver, worker = first } }
  sending:start(CONNECTIONS, PAUSE_S)
  local fail, outages_count, jumps = outages.of(settings, server), 0, 0
  every(OUTAGE_EVERY_S, function()
    outages_count = outages_count + 1
    fail(math.random() * OUTAGE_MAX_S)
  end)
  every(JUMP_EVERY_S, function()
    jumps = jumps + 1
    host:jump()
  end)
  local ends = runtime.monotonic() + SECONDS
  while runtime.monotonic() < ends do
    runtime.sleep(0.5)
    watching:sample()
  end

  sending:stop()
  is_quiet = true
  local stats = drain(inbox)
  local acknowledged = compare(inbox, sending.sent)
  runtime.sleep(2 * terms.METRICS_S) -- until each worker has written its metrics
  if stats then watching:finish(stats, crashes) end
  is_over = true
  while workers > 0 do runtime.sleep(0.01) end
  receiver:kill "KILL"
  receiver:wait()
  inbox:close()
  local line = "%s: %d events, %d acknowledged; %d crashes; %d outages, %d responses 503; %d jumps of the clock; %s"
  print(line:format(STORE, sending.number, acknowledged, crashes, outages_count, sending.statuses[503] or 0, jumps,
    watching:summary()))
end

local ok, err = pcall(apivideo.run, main)
if not ok then problem("%s", tostring(err)) end
if server then server:crash() end
for i, text in ipairs(problems) do
  if i <= 20 then print("     " .. text) end
end
if #problems == 0 then os.execute("rm -rf " .. directory) else print("     its files: " .. directory) end
os.exit(#problems == 0 and 0 or 1)
