--- A child process of the crash tests.

local cjson = require "cjson"
local file = require "spec.support.file"
local process = require "spec.support.process"

local child = {}
local Child = {}
Child.__index = Child

local number = 0

--- Starts `program` ("receiver", "worker") of the suite in `settings`, by default this one.
---@param environment? string what to put before the command
function child.start(program, settings, environment)
  number = number + 1
  local all = { name = ("%s-%d"):format(program, number), seed = math.random(2 ^ 30) }
  for name, value in pairs(settings) do all[name] = value end
  return setmetatable({
    process = process.start({ ("spec/%s/%s.lua"):format(settings.suite or "crash", program), cjson.encode(all) },
      environment),
    point = settings.point,
  }, Child)
end

function Child:has_ended()
  return file.read(self.process.base .. ".status"):find "\n" ~= nil
end

--- Its URL, once it accepts requests.
function Child:url()
  return self.process:output():match "url (%S+)\n"
end

--- Whether it reached the boundary of its plan.
function Child:was_there()
  return self.point ~= nil and self.process:output():find("at " .. self.point.name, 1, true) ~= nil
end

-- Runs a command on it: %d is its process id.
local function execute(self, command)
  os.execute(command:format(tonumber(file.read(self.process.base .. ".pid"))))
end

--- Sends it a signal, unless it has ended.
function Child:kill(signal)
  execute(self, "kill -" .. signal .. " %d 2> /dev/null")
end

--- Changes a resource limit while it runs, by prlimit's name.
function Child:limit(name, value)
  execute(self, ("prlimit --pid %%d --%s=%s"):format(name, value))
end

--- Waits for its end. nil if it was killed; otherwise its output.
---@return string?
function Child:wait()
  local output = self.process:output()
  local status = self.process:wait()
  if status ~= 137 then return ("%s ended with %d: %s"):format(self.process.line, status, output) end
end

return child
