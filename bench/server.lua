--- Measures signed deliveries to the standalone server, compared with its floor and with @octokit/webhooks in Node.js:
---
---   server.lua pin octokit directory
---
--- `pin` is a command that runs the servers on a processor of their own, such as "taskset -c 0", or ""; `octokit` is a
--- script, or "".

local figures = require "bench.figures"
local load = require "bench.load"
local new_program = require "bench.program"

local pin, octokit_script, directory = arg[1], arg[2], arg[3]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 7
local SECONDS = 1 -- of a round

local delivery = load.write_script(directory .. "/delivery.lua", "api.video")

-- Starts a server. Returns a case of bench/load.lua.
local function start(command, script)
  local program = new_program(pin .. " " .. command)
  return { url = program.url .. "/webhooks", pid = program.pid, script = script or delivery, stop = program.stop }
end

local function start_lua(lua, kind)
  return start(("tools/with-lua %s bench/server_receiver.lua %s %s %s"):format(lua, load.SECRET, load.TYPE, kind))
end

local ours = {
  { name = "LuaJIT", lua = "jit", bar = "standalone_jit" },
  { name = "Lua 5.4", lua = "5.4", bar = "standalone_lua" },
}
local cases, octokit = {}, nil
for _, each in ipairs(ours) do
  for _, kind in ipairs { "receiver", "floor", "called" } do
    each[kind] = start_lua(each.lua, kind)
    cases[#cases + 1] = each[kind]
  end
end
if octokit_script ~= "" then
  octokit = start(("node %s %s"):format(octokit_script, load.SECRET),
    load.write_script(directory .. "/github.lua", "GitHub"))
  octokit.warm_up = load.NODE_WARM_UP
  cases[#cases + 1] = octokit
end
load.measure(cases, ROUNDS, SECONDS)
for _, case in ipairs(cases) do case.stop() end

for _, each in ipairs(ours) do
  local what, costs = "standalone server, signed delivery, " .. each.name, each.receiver.costs
  figures.row(each.bar, { what = what, unit = "µs", ours = costs, theirs = each.floor.costs,
    share = figures.ratios(each.floor.costs, costs, 100), note = load.rate(each.receiver),
    against = ("a function that calls receiver:receive takes %.1f µs"):format(figures.median(each.called.costs)) })
  if octokit then
    figures.row("standalone_octokit", { what = what, unit = "µs", ours = costs, theirs = octokit.costs,
      share = figures.ratios(octokit.costs, costs),
      against = ("the floor reaches %.1f ×"):format(figures.median(figures.ratios(octokit.costs, each.floor.costs))) })
  else
    figures.absent("standalone_octokit", what, "needs Node.js; make bench installs it from the npm registry")
  end
end
os.exit(figures.failed and 1 or 0)
