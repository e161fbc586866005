--- A Redis Cluster of three nodes on loopback, for tests.

local free_port = require "spec.support.free_port"
local redis_server = require "spec.support.redis"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local NODES, SLOTS = 3, 16384
local POLL_INTERVAL_S = 0.05 -- each poll starts a process for each node
local MIGRATION_TIMEOUT_MS = 5000

local ARGUMENTS = "--cluster-enabled yes --cluster-config-file nodes.conf --cluster-port %d --cluster-node-timeout 2000"
  .. " --cluster-require-full-coverage no %s"

local Cluster = {}
Cluster.__index = Cluster

--- The node that has a key's slot, and the two that have not.
---@return spec.Redis owner
---@return spec.Redis other
---@return spec.Redis another
function Cluster:nodes_of(key)
  local owner, others = nil, {}
  for _, node in ipairs(self.nodes) do
    if node:command("GET", key):find "^MOVED" then others[#others + 1] = node else owner = node end
  end
  return owner, others[1], others[2]
end

-- Whether a node knows the owners of all slots, and serves its own. After a restart it does so only after two seconds.
local function is_ready(node)
  local info = node:command("CLUSTER", "INFO")
  return info:find("cluster_state:ok", 1, true) and info:find("cluster_slots_assigned:" .. SLOTS, 1, true)
end

--- Waits until each node serves its slots.
function Cluster:await()
  wait_for(function()
    for _, node in ipairs(self.nodes) do
      if not is_ready(node) then return runtime.sleep(POLL_INTERVAL_S) end
    end
    return true
  end, "a Redis Cluster", 60)
end

local function command(node, ...)
  local reply = node:command(...)
  assert(reply == "OK", reply)
end

--- Tells all nodes that a key's slot is on a node now.
function Cluster:assign(key, to)
  local slot, id = to:command("CLUSTER", "KEYSLOT", key), to:command("CLUSTER", "MYID")
  command(to, "CLUSTER", "SETSLOT", slot, "NODE", id)
  for _, node in ipairs(self.nodes) do command(node, "CLUSTER", "SETSLOT", slot, "NODE", id) end
end

function Cluster:stop()
  for _, node in ipairs(self.nodes) do node:stop() end
end

local redis_cluster = {}

--- Moves the keys of a key's slot to another node. Until Cluster:assign, no node executes commands with these keys.
---@param key string
---@param from spec.Redis
---@param to spec.Redis
function redis_cluster.migrate(key, from, to)
  local slot = from:command("CLUSTER", "KEYSLOT", key)
  command(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", from:command("CLUSTER", "MYID"))
  command(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", to:command("CLUSTER", "MYID"))
  local keys
  repeat -- commands whose keys all exist are executed until the first of these has moved
    keys = from:command("CLUSTER", "GETKEYSINSLOT", slot, 100)
    for name in keys:gmatch "%S+" do
      command(from, "MIGRATE", "127.0.0.1", to.port, name, 0, MIGRATION_TIMEOUT_MS)
      runtime.sleep(POLL_INTERVAL_S) -- other tasks run while some keys are on each node
    end
  until keys == ""
end

--- Starts a cluster. It runs until it is stopped, or until this process ends.
---@param arguments? string of each node
function redis_cluster.start(arguments)
  local self = setmetatable({ nodes = {} }, Cluster)
  -- By these commands, since the caller's tasks would wait for redis-cli --cluster create for seconds.
  for i = 1, NODES do
    local bus_port = free_port()
    local node = redis_server.start(ARGUMENTS:format(bus_port, arguments or ""))
    self.nodes[i] = node
    command(node, "CLUSTER", "ADDSLOTSRANGE", math.floor((i - 1) * SLOTS / NODES), math.floor(i * SLOTS / NODES) - 1)
    command(node, "CLUSTER", "SET-CONFIG-EPOCH", i)
    if i > 1 then command(self.nodes[1], "CLUSTER", "MEET", "127.0.0.1", node.port, bus_port) end
  end
  self:await()
  return self
end

return redis_cluster
