--- A Redis Cluster whose nodes crash and are paused, and whose slot moves to another node. All processes are configured
--- with a node that does not have the inbox's slot, and follow it to the others.

local redis_cluster = require "spec.support.redis_cluster"
local runtime = require "apivideo.runtime"
local storm = require "spec.crash.storm"
local trouble = require "spec.crash.trouble"
local wait_for = require "spec.support.wait"

local KEY = "{apivideo}:meta"
local RESPONSES = 30 -- that are 204 between two outages, or few events are acknowledged on a loaded machine
local RECOVERY_LIMIT_S = 60

-- Waits until all nodes, and the processes that use them, are in service again.
local function await_recovery(self, cluster)
  cluster:await()
  local statuses = self.sender.statuses
  local before = statuses[204] or 0
  wait_for(function() return (statuses[204] or 0) >= before + RESPONSES end, "204 responses", RECOVERY_LIMIT_S)
end

-- While the slot moves, calls fail; then clients follow it to the new owner.
local function move(self, cluster, from, to)
  local before = self.sender.statuses[503] or 0
  redis_cluster.migrate(KEY, from, to)
  cluster:assign(KEY, to)
  return (self.sender.statuses[503] or 0) - before
end

--- A storm in which the owner of the slot and the configured node crash and are paused, before and after a move.
---@param directory string
---@param seconds number
---@param options? { arguments?: string, limit?: number } of the nodes; of the storm
---@return spec.crash.Storm
local function in_trouble(directory, seconds, options)
  options = options or {}
  local cluster = redis_cluster.start(options.arguments)
  local owner, configured, next_owner = cluster:nodes_of(KEY)
  local self = storm.new({ directory = directory, store = "redis", port = configured.port }, { limit = options.limit })
  self:hunt()
  self:send()
  local function recover() await_recovery(self, cluster) end
  local outages = trouble({ owner, configured }, runtime.monotonic() + seconds / 2, recover)
  local during_move = move(self, cluster, owner, next_owner)
  outages = outages + trouble({ next_owner, configured }, runtime.monotonic() + seconds / 2, recover)
  self:finish()
  self:note(("nodes crashed %d times, and were paused %d times; %d responses were 503, %d of these during the move")
    :format(outages, outages, self.sender.statuses[503] or 0, during_move))
  cluster:stop()
  return self
end

return {
  in_trouble = in_trouble,

  add = function(add, seconds)
    add("redis cluster: its nodes crash and are paused, and its slot moves", function(directory)
      return in_trouble(directory, 2 * seconds)
    end)
  end,
}
