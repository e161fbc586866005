--- Measures the processor time of new processes: `require "apivideo"`, without that of an empty script, and with Lua
--- 5.4 the command `apivideo --help`. Also checks that `require` makes no network calls, and starts no thread.
---
---   start.lua cost      the program of bench/cost.c

local figures = require "bench.figures"
local file = require "spec.support.file"

local cost_program = arg[1]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 40
local interpreter = arg[-1]
local LUA = rawget(_G, "jit") and "LuaJIT" or _VERSION

local function execute(command)
  local done = os.execute(command)
  return done == true or done == 0 -- in Lua 5.1
end

local function script(code) return ("%s -e '%s'"):format(interpreter, code) end

-- Milliseconds of processor time.
local function cost_of(command)
  local pipe = assert(io.popen(cost_program .. " " .. command))
  local milliseconds = pipe:read "*n"
  pipe:close()
  return assert(milliseconds, command .. " failed")
end

-- The costs of commands by name, in alternating rounds.
local function costs_of(commands)
  local costs = {}
  for name in pairs(commands) do costs[name] = {} end
  for round = 0, ROUNDS do -- round 0 warms up
    for name, command in pairs(commands) do costs[name][round] = cost_of(command) end
  end
  for _, list in pairs(costs) do list[0] = nil end
  return costs
end

-- The output of a script.
local function output_of(code)
  local path = os.tmpname()
  assert(execute(script(('io.output("%s"); %s'):format(path, code))))
  local text = file.read(path)
  os.remove(path)
  return text
end

-- The number of network system calls.
local function network_calls()
  local path = os.tmpname()
  assert(execute(("strace -f -qq -e trace=%%net -o %s %s"):format(path, script 'require "apivideo"')))
  local _, calls = file.read(path):gsub("%f[%w]%l+%(", "")
  os.remove(path)
  return calls
end

local function name_of(what) return ("start: %s, %s"):format(what, LUA) end

local function requiring()
  local costs = costs_of { empty = script "", apivideo = script 'require "apivideo"',
    core = script 'require "apivideo.core"', cjson = script 'require "cjson"' }
  local function alone(name) return figures.differences(costs[name], costs.empty) end
  figures.row("start_require", { what = name_of 'require "apivideo"', unit = "ms", ours = alone "apivideo",
    theirs = alone "cjson",
    against = ("the module in C with its libraries takes %.1f ms of it"):format(figures.median(alone "core")) })
end

local function command()
  local costs = costs_of { help = "bin/apivideo --help", argparse = script 'require "argparse"',
    direct = interpreter .. " bin/apivideo --help" }
  figures.row("start_help", { what = "start: apivideo --help", unit = "ms", ours = costs.help, theirs = costs.argparse,
    share = figures.ratios(costs.help, costs.argparse),
    against = ("without the program env, which the command's first line starts, it takes %.2f ×"):format(
      figures.median(figures.ratios(costs.direct, costs.argparse))) })
end

requiring()
if LUA == "Lua 5.4" then command() end
figures.row("start_threads", { what = name_of "threads", unit = "", ours = tonumber(output_of(
  'require "apivideo"; io.write(io.open "/proc/self/status":read "*a":match "Threads:%s*(%d+)")')) })
if execute "command -v strace > /dev/null" then
  figures.row("start_network", { what = name_of "calls to the network", unit = "", ours = network_calls() })
else
  figures.absent("start_network", name_of "calls to the network", "strace is not installed")
end
os.exit(figures.failed and 1 or 0)
