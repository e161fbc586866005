--- event.parse beside cjson.decode, alone and with the same checks written in Lua: in one run,
--- alternating, medians of many short rounds. Prints one line; exits 1 when ours takes more than
--- half of decode and checks.

local catalogue = require "apivideo.events"
local cjson = require "cjson.safe"
local core = require "apivideo.core"
local sender = require "apivideo.emulator.sender"

local ROUNDS, PARSES = 45, 1000 -- of all six samples

local bodies = {}
for i, name in ipairs(catalogue:names()) do
  bodies[i] = sender.encode(catalogue:sample(name), catalogue)
end

local types, null = catalogue.types, cjson.null
local ours = core.event.compile(types)

-- What a careful receiver does with a general decoder. (It still takes duplicate members and
-- invalid UTF-8, which ours refuses.)
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

-- Nanoseconds of processor time for each parse: others on the machine do not count.
local function time(fn)
  collectgarbage()
  local started = os.clock()
  for _ = 1, PARSES do
    for i = 1, #bodies do assert(fn(bodies[i])) end
  end
  return (os.clock() - started) / (PARSES * #bodies) * 1e9
end

local names = { "ours", "decode", "checked" }
local candidates = { ours = ours, decode = cjson.decode, checked = checked }
local times = { ours = {}, decode = {}, checked = {} }
-- How many times faster than each of the others ours was, round by round: the clock of a shared
-- machine wanders, but little between neighbours.
local faster = { decode = {}, checked = {} }
for round = 0, ROUNDS do -- round 0 warms up
  local taken = {}
  for _, name in ipairs(names) do taken[name] = time(candidates[name]) end
  if round > 0 then
    for name, list in pairs(times) do list[round] = taken[name] end
    for name, list in pairs(faster) do list[round] = taken[name] / taken.ours end
  end
end

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

-- The median, and how far the middle half lies apart.
local function shown(list)
  local middle, quarter = median(list), math.floor(#list / 4)
  local spread = (list[#list - quarter] - list[1 + quarter]) / middle * 100
  return ("%5.0f ns (spread %2.0f %%)"):format(middle, spread)
end

print(("%-8s event.parse %s   cjson.decode %s: %.2f x   with checks %s: %.2f x"):format(
  rawget(_G, "jit") and "LuaJIT" or _VERSION, shown(times.ours), shown(times.decode),
  median(faster.decode), shown(times.checked), median(faster.checked)))
os.exit(median(faster.checked) >= 2 and 0 or 1)
