--- Receivers and workers are killed under concurrent duplicate deliveries.

local apivideo = require "apivideo"
local redis_server = require "spec.crash.redis_server"
local runtime = require "apivideo.runtime"
local storm = require "spec.crash.storm"
local wait_for = require "spec.support.wait"

local LIMIT = 60 -- seconds until processes were killed at all boundaries

-- A boundary at which no process was killed yet, or nil.
local function is_left(self)
  for _, program in ipairs { "receiver", "worker" } do
    for _, name in ipairs(self:deck(program).names) do
      if not self.boundaries[name] then return name end
    end
  end
end

local function hunt(self, seconds)
  local started = runtime.monotonic()
  self:hunt()
  self:send()
  runtime.sleep(seconds)
  while is_left(self) and runtime.monotonic() < started + LIMIT do runtime.sleep(0.1) end
  if is_left(self) then self:problem("harness", "no process was killed at " .. is_left(self)) end
  self:finish()
  return self
end

-- A receiver is killed at the given visit of a boundary, while it creates the file, and another one starts.
local function open_once(directory, name, visit)
  os.execute(("mkdir -p %s/disk"):format(directory))
  local self = storm.new { directory = directory, store = "sqlite" }
  local point = { name = name, at = visit, signal = "KILL" }
  local first = self:add("receiver", { plan = function()
    local only_point = point
    point = nil
    return only_point, math.huge
  end })
  wait_for(function() return first.url end, "a receiver")
  apivideo.parallel(3, { 1, 2, 3 }, function(number)
    if number == 2 then self:serve() end
    self.sender:send(3)
  end)
  self:finish()
  if not self.boundaries[name] then self:problem("harness", ("%s was not visited %d times"):format(name, visit)) end
  return self
end

local OPENING = { ["put:written"] = 12, ["put:committed"] = 2 } -- statements that create the file

local function opening(directory)
  local all
  for name, visits in pairs(OPENING) do
    for visit = 1, visits do
      local one = open_once(("%s/%s-%d"):format(directory, name, visit), name, visit)
      if all then all:include(one) else all = one end
    end
  end
  return all
end

return function(add, seconds)
  add("sqlite: receivers and workers are killed", function(directory)
    return hunt(storm.new { directory = directory, store = "sqlite" }, 2 * seconds)
  end)

  add("sqlite: killed while the file is made", opening)

  add("redis: receivers and workers are killed", function(directory)
    local server = redis_server.start(directory)
    local self = hunt(storm.new { directory = directory, store = "redis", port = server.port }, 2 * seconds)
    server:crash()
    return self
  end)
end
