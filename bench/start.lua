--- Measures `require "apivideo"`, compared with `require "cjson"`, in new processes, without the time of an empty
--- script. Also checks that it makes no network calls, and starts no thread.

local core = require "apivideo.core"
local figures = require "bench.figures"
local file = require "spec.support.file"

local ROUNDS = 40
local interpreter = arg[-1]
local LUA = rawget(_G, "jit") and "LuaJIT" or _VERSION

local function execute(command)
  local done = os.execute(command)
  return done == true or done == 0 -- in Lua 5.1
end

local function run(code, under)
  return execute(("exec %s %s -e '%s'"):format(under or "", interpreter, code))
end

-- The time of a process in milliseconds.
local function time(code)
  local began = core.monotonic()
  assert(run(code))
  return (core.monotonic() - began) * 1000
end

local function times()
  local scripts = { apivideo = 'require "apivideo"', libraries = 'require "apivideo.core"', cjson = 'require "cjson"' }
  local found = { apivideo = {}, libraries = {}, cjson = {} }
  for round = 0, ROUNDS do -- round 0 warms up
    local empty = time ""
    for name, script in pairs(scripts) do found[name][round] = time(script) - empty end
  end
  for _, list in pairs(found) do list[0] = nil end
  return found
end

-- The output of a script.
local function output_of(code)
  local path = os.tmpname()
  assert(run(('io.output("%s"); %s'):format(path, code)))
  local text = file.read(path)
  os.remove(path)
  return text
end

-- The number of network system calls.
local function network_calls()
  local path = os.tmpname()
  assert(run('require "apivideo"', "strace -f -qq -e trace=%net -o " .. path))
  local _, calls = file.read(path):gsub("%f[%w]%l+%(", "")
  os.remove(path)
  return calls
end

local function row(more)
  more.what = ("start: %s, %s"):format(more.what, LUA)
  figures.row(more)
end

local found = times()
row { what = 'require "apivideo"', beside = 'require "cjson"', unit = "ms", ours = found.apivideo, theirs = found.cjson,
  bar = 25, at_most = true }
row { what = "of which libcurl and libcrypto", unit = "ms", ours = found.libraries }
row { what = "threads", unit = "", bar = 1, at_most = true, ours = tonumber(output_of(
  'require "apivideo"; io.write(io.open "/proc/self/status":read "*a":match "Threads:%s*(%d+)")')) }
if execute "command -v strace > /dev/null" then
  row { what = "calls to the network", unit = "", bar = 0, at_most = true, ours = network_calls() }
else
  figures.absent("start: calls to the network, " .. LUA, "none", "strace is not installed")
end
os.exit(figures.failed and 1 or 0)
