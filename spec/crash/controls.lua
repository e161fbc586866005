--- The same tests on stores with deliberate bugs: each must be detected, with the expected problem.

local cluster = require "spec.crash.cluster"
local machines = require "spec.crash.machines"
local redis_server = require "spec.crash.redis_server"
local runtime = require "apivideo.runtime"
local storm = require "spec.crash.storm"

local LIMIT = 3     -- seconds for the remaining events: a broken store may never finish
local SECONDS = 4

local expected = {
  { "acks_before_it_writes", "lost" },
  { "no_fencing", "fencing or doubled", pauses = 0.6 }, -- doubled: the pause was within the call that completes
  { "claims_without_a_lease", "lease" },
  { "claims_for_ever", "stuck" },
  { "dedupes_by_read_then_write", "doubled" },
}

local function hunt(settings, case)
  settings.broken = case[1]
  local self = storm.new(settings, { limit = LIMIT, pauses = case.pauses })
  self:hunt()
  self:send()
  runtime.sleep(SECONDS)
  self:finish()
  return self
end

return function(add)
  for _, case in ipairs(expected) do
    add(("control, sqlite: %s"):format(case[1]), function(directory)
      return hunt({ directory = directory, store = "sqlite" }, case)
    end, case[2])

    add(("control, redis: %s"):format(case[1]), function(directory)
      local server = redis_server.start(directory)
      local self = hunt({ directory = directory, store = "redis", port = server.port }, case)
      server:crash()
      return self
    end, case[2])
  end

  add("control, sqlite: never_syncs", function(directory)
    return machines.cuts_of_sqlite(directory, SECONDS, "never_syncs")
  end, "lost")

  add("control, redis: appendfsync no", function(directory)
    return machines.cuts_of_redis(directory, SECONDS, "no")
  end, "lost")

  add("control, redis cluster: appendonly no", function(directory)
    return cluster.in_trouble(directory, 0, { arguments = "--appendonly no", limit = LIMIT })
  end, "lost")
end
