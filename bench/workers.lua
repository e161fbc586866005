--- Measures 1, 2 and 4 worker processes that handle the events of one inbox in Redis: events per second, and the
--- processor time of Redis and of the workers for an event. From these, the limit of ten machines on paper.

local apivideo = require "apivideo"
local events = require "bench.inbox_events"
local figures = require "bench.figures"
local new_program = require "bench.program"
local new_store = require "apivideo.inbox.redis"
local processor = require "bench.processor"
local redis = require "spec.support.redis"
local runtime = require "apivideo.runtime"

local ROUNDS = tonumber(os.getenv "ROUNDS") or 3
local COUNTS = { 1, 2, 4 }
local EVENTS, BATCH = tonumber(os.getenv "EVENTS") or 20000, 32
local FROM, TO = 0.02, 0.95        -- the shares of the events between which the workers are measured
local SECONDS = 5                  -- at most
local MACHINES, PROCESSORS = 10, 2 -- of the calculation: each processor has a worker process

local number = 0

-- Puts the events, and returns the microseconds of processor time of Redis for one.
local function put(server, inbox)
  local numbers, before = {}, processor(server.pid)
  for i = 1, EVENTS do numbers[i] = number + i end
  number = number + EVENTS
  apivideo.run(apivideo.parallel, BATCH, numbers, function(i)
    local raw = events.body(i)
    assert(inbox:put { raw = raw, event = assert(apivideo.events:parse(raw)), verified = true,
      received_at = 1700000000, webhook_id = events.WEBHOOK_ID })
  end)
  return (processor(server.pid) - before) / EVENTS * 1e6
end

-- The time, the number of handled events, and the processor time of Redis and of the workers, when `share` is handled,
-- or at a time.
local function wait_until(share, ends, server, inbox, workers)
  local done
  repeat
    runtime.sleep(0.02)
    done = assert(inbox:stats()).done
  until done >= share * EVENTS or runtime.monotonic() >= ends
  local state = { time = runtime.monotonic(), done = done, redis = processor(server.pid), workers = 0 }
  for _, worker in ipairs(workers) do state.workers = state.workers + processor(worker.pid) end
  return state
end

local function value_of(server, name)
  return tonumber(server:command("INFO", "everything"):match(name .. ":(%d+)"))
end

-- A round with some workers.
local function run(server, count)
  server:command "FLUSHALL"
  local inbox, result = apivideo.inbox { store = new_store { port = server.port } }, {}
  local empty = value_of(server, "used_memory")
  result.put = put(server, inbox)
  result.memory = (value_of(server, "used_memory") - empty) / EVENTS
  local workers = {}
  for i = 1, count do
    workers[i] = new_program(("tools/with-lua jit bench/worker.lua %d"):format(server.port))
  end
  local first = wait_until(FROM, math.huge, server, inbox, workers)
  local last = wait_until(TO, first.time + SECONDS, server, inbox, workers)
  for _, worker in ipairs(workers) do worker.stop() end
  inbox:close()
  local done = last.done - first.done
  assert(done > 0, "the workers were too fast; increase EVENTS")
  result.rate = done / (last.time - first.time)
  result.redis = (last.redis - first.redis) / done * 1e6
  result.worker = (last.workers - first.workers) / done * 1e6
  return result
end

-- The lists of a member of results.
local function list_of(results, name)
  local list = {}
  for i, result in ipairs(results) do list[i] = result[name] end
  return list
end

local function report(count, results)
  local function row(bar, what, unit, name)
    figures.row(bar, { what = ("Redis, %d worker process%s: %s"):format(count, count > 1 and "es" or "", what),
      unit = unit, ours = list_of(results, name) })
  end
  row("workers", "events handled", "/s", "rate")
  row("workers_redis", "processor time of Redis, an event", "µs", "redis")
  row("workers_worker", "processor time of the workers, an event", "µs", "worker")
end

-- What each resource allows with MACHINES machines; the resource that ends first is the limit.
local function calculate(results)
  local function median(name) return figures.median(list_of(results, name)) end
  local redis_us, worker_us = median "put" + median "redis", median "worker"
  local by_redis, by_workers = 1e6 / redis_us, MACHINES * PROCESSORS * 1e6 / worker_us
  local first = by_redis < by_workers and "Redis ends" or "the workers end"
  figures.row("workers_limit", { what = ("Redis, limit of %d machines, calculated"):format(MACHINES),
    unit = "/s", ours = math.min(by_redis, by_workers),
    note = ("%s first: one processor of Redis allows %.0f events a second (%.1f µs to put one, %.1f to handle it), "
      .. "%d workers %.0f (%.1f µs each); %.1f kB of Redis's memory an event"):format(first, by_redis, median "put",
        median "redis", MACHINES * PROCESSORS, by_workers, worker_us, median "memory" / 1024) })
end

apivideo.log { write = function() end }
local server, results = redis.start(), {}
for _, count in ipairs(COUNTS) do results[count] = {} end
for round = 1, ROUNDS do
  for _, count in ipairs(COUNTS) do results[count][round] = run(server, count) end
end
server:stop()
for _, count in ipairs(COUNTS) do report(count, results[count]) end
calculate(results[COUNTS[#COUNTS]])
os.exit(figures.failed and 1 or 0)
