--- A Redis Cluster of three nodes on loopback, for tests.

local free_port = require "spec.support.free_port"
local redis_server = require "spec.support.redis"
local wait_for = require "spec.support.wait"

local NODES = 3

local Cluster = {}
Cluster.__index = Cluster

--- The node that has a key's slot, and one that has not.
---@return spec.Redis node
---@return spec.Redis other
function Cluster:nodes_of(key)
  local owner, other
  for _, node in ipairs(self.nodes) do
    local reply = node:command("GET", key)
    if reply:find("^MOVED") then other = node else owner = node end
  end
  return owner, other
end

function Cluster:stop()
  for _, node in ipairs(self.nodes) do node:stop() end
end

local redis_cluster = {}

--- Starts a cluster. It runs until it is stopped, or until this process ends.
function redis_cluster.start()
  local self = setmetatable({ nodes = {} }, Cluster)
  local addresses = {}
  for i = 1, NODES do
    self.nodes[i] = redis_server.start(("--cluster-enabled yes --cluster-config-file nodes.conf --cluster-port %s"
      .. " --cluster-node-timeout 2000 --cluster-require-full-coverage no"):format(free_port()))
    addresses[i] = "127.0.0.1:" .. self.nodes[i].port
  end
  local pipe = assert(io.popen("redis-cli --cluster create " .. table.concat(addresses, " ") .. " --cluster-yes 2>&1"))
  local output = pipe:read "*a"
  pipe:close()
  wait_for(function()
    for _, node in ipairs(self.nodes) do
      if not node:command("CLUSTER", "INFO"):find("cluster_state:ok", 1, true) then return false end
    end
    return true
  end, "a Redis Cluster: " .. output)
  return self
end

return redis_cluster
