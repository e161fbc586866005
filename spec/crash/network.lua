--- Machines of one network: each is a network namespace with its own address, and its link can be cut. Needs root.

local shell = require "spec.support.shell"

local network = {}
local Network = {}
Network.__index = Network

local SUBNET = "10.213.%d"

local function run(command, ...)
  command = command:format(...)
  if not shell.succeeds(command) then error("it failed: " .. command) end
end

-- `ip netns exec` also mounts /sys, which can fail where a namespace can be created.
local PROBE = "name=avprobe$$; ip netns add $name && { ip netns exec $name true; status=$?; ip netns del $name;"
  .. " exit $status; }"

-- What the failing part of the probe printed, or nil.
local function failure_of_ip()
  local pipe = assert(io.popen(("sh -c '%s' 2>&1 || echo failed"):format(PROBE)))
  local output = pipe:read "*a"
  pipe:close()
  return output:match "^(.-)%s*failed\n$"
end

--- Why this system cannot have one, or nil.
function network.missing()
  if not shell.succeeds "ip -V" then return "iproute2 is not installed" end
  if not shell.succeeds "unshare --net true" then return "network namespaces need root" end
  local failure = failure_of_ip()
  if not failure then return nil end
  local hint = failure:find("make-rslave", 1, true)
    and "; the root directory must be a mount point (mount --bind ROOT ROOT before chroot ROOT)" or ""
  return ("ip netns exec fails: %s%s"):format(failure, hint)
end

-- A number that no other run of this machine uses now.
local function free_number()
  for number = 1, 250 do
    if shell.succeeds(("ip link add avbr%d type bridge"):format(number)) then return number end
  end
  error "no network is free"
end

--- Makes one. This process has its address `host`.
---@param count integer of machines
function network.new(count)
  local number = free_number()
  local subnet = SUBNET:format(number)
  local self = setmetatable({ number = number, host = subnet .. ".1", count = count }, Network)
  run("ip addr add %s/24 dev avbr%d && ip link set avbr%d up", self.host, number, number)
  for i = 1, count do
    local name = self:name(i)
    run("ip netns add %s && ip link add %s type veth peer name eth0 netns %s", name, name, name)
    run("ip link set %s master avbr%d up", name, number)
    run("ip -n %s addr add %s/24 dev eth0 && ip -n %s link set eth0 up && ip -n %s link set lo up", name,
      self:address(i), name, name)
  end
  return self
end

--- The name of a machine: of its namespace, and of this end of its link.
function Network:name(i)
  return ("av%dm%d"):format(self.number, i)
end

function Network:address(i)
  return (SUBNET .. ".%d"):format(self.number, i + 1)
end

--- What to put before a command that runs on a machine.
function Network:on(i)
  return "ip netns exec " .. self:name(i)
end

--- Cuts a machine from the others: packets are lost without an error.
function Network:cut(i)
  run("ip link set %s down", self:name(i))
end

function Network:heal(i)
  run("ip link set %s up", self:name(i))
end

--- Limits the rate of what is sent to and by a machine, so that each kilobyte takes some time. (Each kernel has tbf, but
--- not netem.)
function Network:slow(i, kilobits)
  local rate = ("tbf rate %dkbit burst 2kb latency 5s"):format(kilobits)
  run("tc qdisc add dev %s root %s && tc -n %s qdisc add dev eth0 root %s", self:name(i), rate, self:name(i), rate)
end

function Network:remove()
  for i = 1, self.count do shell.succeeds("ip netns del " .. self:name(i)) end
  shell.succeeds("ip link del avbr" .. self.number)
end

return network
