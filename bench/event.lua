--- Compares the event parser with cjson.decode, alone and with the same checks in Lua, in alternating short rounds;
--- and with Node's JSON.parse in a process of its own. Medians count. bench/event.lua PUSH, the module of
--- bench/event_push.c.

local catalogue = require "apivideo.events"
local cjson = require "cjson.safe"
local core = require "apivideo.core"
local figures = require "bench.figures"
local outgoing = require "apivideo.events.outgoing"

local ROUNDS, PARSES = 45, 1000 -- of all six samples
local NODE_ROUNDS = 5

local bodies = {}
for i, name in ipairs(catalogue:names()) do
  bodies[i] = outgoing.encode(catalogue:sample(name), catalogue)
end

-- The arguments of event_push for each sample: the list of its members, and their number.
local push = assert(package.loadlib(arg[1], "luaopen_event_push"))()
local lists, counts = {}, {}
for i, body in ipairs(bodies) do
  lists[i], counts[i] = {}, 0
  for name, value in pairs(cjson.decode(body)) do
    counts[i] = counts[i] + 1
    lists[i][2 * counts[i] - 1], lists[i][2 * counts[i]] = name, value
  end
end

local types, null = catalogue.types, cjson.null
local ours = core.event.compile(types)

-- What a careful receiver does with a general decoder. It still accepts duplicate members and invalid UTF-8, which our
-- parser rejects.
local function checked(raw)
  local event, problem = cjson.decode(raw)
  if type(event) ~= "table" then return nil, problem end
  if type(event.type) ~= "string" or event.type == "" then return nil, "type" end
  for name, value in pairs(event) do
    if type(name) ~= "string" then return nil, "not an object" end
    if value == null then event[name] = nil end
  end
  local known = types[event.type]
  if known then
    for _, field in ipairs(known.required) do
      if type(event[field]) ~= "string" then return nil, field end
    end
  end
  return event
end

-- The processor time of one parse in nanoseconds; other processes do not affect it.
local function time(fn)
  collectgarbage()
  local started = os.clock()
  for _ = 1, PARSES do
    for i = 1, #bodies do assert(fn(bodies[i])) end
  end
  return (os.clock() - started) / (PARSES * #bodies) * 1e9
end

local function time_push()
  collectgarbage()
  local started = os.clock()
  for _ = 1, PARSES do
    for i = 1, #lists do assert(push(lists[i], counts[i])) end
  end
  return (os.clock() - started) / (PARSES * #lists) * 1e9
end

-- The time of JSON.parse for the same texts in nanoseconds; nil without Node.js.
local function time_node()
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(assert(cjson.encode(bodies)))
  file:close()
  local node = assert(io.popen("node bench/event.mjs " .. path .. " 2> /dev/null"))
  local nanoseconds = node:read "*n"
  node:close()
  os.remove(path)
  return nanoseconds
end

local names = { "ours", "decode", "checked" }
local candidates = { ours = ours, decode = cjson.decode, checked = checked }
local times = { ours = {}, decode = {}, checked = {} }
local pushed = {}
-- Our speed relative to the others, round by round: the clock rate of a shared machine varies, but little between
-- consecutive measurements.
local faster = { decode = {}, checked = {} }
for round = 0, ROUNDS do -- round 0 warms up
  local taken = {}
  for _, name in ipairs(names) do taken[name] = time(candidates[name]) end
  pushed[round] = time_push() / taken.ours * 100
  if round > 0 then
    for name, list in pairs(times) do list[round] = taken[name] end
    for name, list in pairs(faster) do list[round] = taken[name] / taken.ours end
  end
end

local what = "event.parse, " .. (rawget(_G, "jit") and "LuaJIT" or _VERSION)
local function row(beside, theirs, share, bar)
  figures.row { what = what, beside = beside, unit = "ns", ours = times.ours, theirs = theirs, share = share,
    of = "×", bar = bar, note = figures.median(share) < bar and
      ("creating the same tables in C, without parsing, takes %.0f %% of our time"):format(figures.median(pushed))
      or nil }
end
row("cjson.decode", times.decode, faster.decode, 2.2)
row("cjson.decode and checks", times.checked, faster.checked, 3)

if not time_node() then
  figures.absent(what, "JSON.parse", "Node.js is not installed")
else
  local node = { ours = {}, theirs = {}, share = {} }
  for round = 1, NODE_ROUNDS do
    node.ours[round], node.theirs[round] = time(ours), time_node()
    node.share[round] = node.theirs[round] / node.ours[round]
  end
  figures.row { what = what, beside = "JSON.parse, Node", unit = "ns", ours = node.ours, theirs = node.theirs,
    share = node.share, of = "×" }
end
os.exit(figures.failed and 1 or 0)
