--- Child processes of the Lua that runs the specs.

local file = require "spec.support.file"
local wait_for = require "spec.support.wait"

local interpreter
do
  local i = 0
  while arg and arg[i - 1] do i = i - 1 end
  interpreter = arg and arg[i] or "lua"
end

local process = {}

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local Process = {}
Process.__index = Process

--- Its output so far, of both streams.
function Process:output()
  return file.read(self.base .. ".out")
end

--- Waits until its output matches a pattern. Returns the captures.
function Process:wait_for(pattern)
  return wait_for(function() return self:output():match(pattern) end, pattern .. " in " .. self.line)
end

function Process:kill(signal)
  os.execute(("kill -%s %s"):format(signal, (file.read(self.base .. ".pid"):gsub("%s", ""))))
end

--- Waits until it exits, at most `limit_s` seconds. Returns its output and exit status.
function Process:finish(limit_s)
  local status = wait_for(function() return file.read(self.base .. ".status"):match("%d+") end,
    self.line .. " to exit", limit_s)
  self.is_over = true
  local output = self:output()
  for _, ending in ipairs { "", ".out", ".pid", ".status" } do os.remove(self.base .. ending) end
  return output, tonumber(status)
end

--- Waits until it exits. Returns its exit status.
function Process:wait()
  return (select(2, self:finish()))
end

-- The child must not inherit LuaSocket's sockets, nor descriptors that the collector has not closed yet.
local CLOSE = 'for fd in /proc/$$/fd/*; do fd=${fd##*/}; [ "$fd" -le 2 ] || eval "exec $fd>&-"; done; '

--- The shell command that runs the interpreter with some arguments.
---@param arguments string[]
---@return string
function process.command(arguments)
  local parts = { interpreter }
  for _, argument in ipairs(arguments) do parts[#parts + 1] = quote(argument) end
  return table.concat(parts, " ")
end

--- Starts the interpreter with some arguments.
---@param arguments string[]
---@param environment? string variables: "NAME=value NAME=value"
---@param input? string the path of a file: its standard input
function process.start(arguments, environment, input)
  local self = setmetatable({ base = os.tmpname(), line = process.command(arguments) }, Process)
  local script = CLOSE .. ("env %s %s > %s.out 2>&1 < %s & echo $! > %s.pid; wait $!; echo $? > %s.status")
    :format(environment or "", self.line, self.base, quote(input or "/dev/null"), self.base, self.base)
  os.execute(("bash -c %s > /dev/null 2>&1 &"):format(quote(script)))
  wait_for(function() return file.read(self.base .. ".pid"):find("\n") end, "a process")
  return self
end

--- Starts it and waits until it exits. Returns its output and exit status.
function process.run(arguments, environment, input)
  return process.start(arguments, environment, input):finish()
end

return process
