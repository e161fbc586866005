--- Outages: Redis stops and returns, a disk is full for some time. No acknowledged event is lost.

local redis_server = require "spec.crash.redis_server"
local runtime = require "apivideo.runtime"
local storm = require "spec.crash.storm"
local trouble = require "spec.crash.trouble"
local wait_for = require "spec.support.wait"

local SPOOL = 10   -- seconds: the lease of an entry that a killed process was forwarding
local SIZE = 512 -- blocks of 512 bytes: the maximum file size on a full disk
-- A shell can set limits, env cannot. Lua gets an error, and no signal.
local FULL_DISK = ([[sh -c 'trap "" XFSZ; ulimit -S -f %d; exec "$@"' sh]]):format(SIZE)

local function redis_in_trouble(directory, seconds, spool)
  local server = redis_server.start(directory)
  local self = storm.new({ directory = directory, store = "redis", port = server.port, spool = spool },
    { limit = spool and SPOOL + 2 * storm.LIMIT + seconds or nil })
  self:hunt()
  self:send()
  local outages = trouble({ server }, runtime.monotonic() + seconds)
  self:finish()
  self:note(("Redis crashed %d times, and was paused %d times; %d responses were 503"):format(outages, outages,
    self.sender.statuses[503] or 0))
  server:crash()
  return self
end

local function wait_for_responses(self, status, count)
  local before = self.sender.statuses[status] or 0
  wait_for(function() return (self.sender.statuses[status] or 0) >= before + count end, count .. " times " .. status)
end

-- The files of a receiver cannot grow for some time.
local function disk_full(directory)
  local self = storm.new { directory = directory, store = "sqlite" }
  local receiver = self:serve(FULL_DISK)
  self:send()
  wait_for_responses(self, 503, 50)
  local acknowledged = self.sender.statuses[204] or 0
  if acknowledged == 0 then self:problem("harness", "the disk was full from the start") end
  receiver.process:limit("fsize", "unlimited")
  wait_for_responses(self, 204, 50)
  if self.sender.statuses.timeout then self:problem("stuck", "a receiver on a full disk did not respond at once") end
  self:note(("%d responses were 204, then %d 503, then 204 again"):format(acknowledged, self.sender.statuses[503]))
  self:finish()
  return self
end

return function(add, seconds)
  add("sqlite: the disk is full", disk_full)

  add("redis: it crashes and is paused", function(directory)
    return redis_in_trouble(directory, seconds, false)
  end)

  add("redis: it crashes and is paused, beside a spool", function(directory)
    return redis_in_trouble(directory, seconds, true)
  end)
end
