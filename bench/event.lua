--- event.parse beside cjson.decode, alone and with the same checks written in Lua: in one run,
--- alternating, median of several rounds. Prints one line; exits 1 when ours takes more than half
--- of decode and checks.

local catalogue = require "apivideo.events"
local cjson = require "cjson.safe"
local core = require "apivideo.core"
local sender = require "apivideo.emulator.sender"

local ROUNDS, PARSES = 15, 3000 -- of all six samples

local bodies = {}
for i, name in ipairs(catalogue:names()) do
  bodies[i] = sender.encode(catalogue:sample(name), catalogue)
end

local schema = core.event.compile(catalogue.types)
local parse, types, null = core.event.parse, catalogue.types, cjson.null

local function ours(raw)
  return parse(raw, schema)
end

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

-- Nanoseconds for each parse.
local function time(fn)
  collectgarbage()
  local started = core.monotonic()
  for _ = 1, PARSES do
    for i = 1, #bodies do assert(fn(bodies[i])) end
  end
  return (core.monotonic() - started) / (PARSES * #bodies) * 1e9
end

local candidates = { ours = ours, decode = cjson.decode, checked = checked }
local times = { ours = {}, decode = {}, checked = {} }
for round = 0, ROUNDS do -- round 0 warms up
  for name, fn in pairs(candidates) do
    local taken = time(fn)
    if round > 0 then table.insert(times[name], taken) end
  end
end

local median, spread = {}, {}
for name, list in pairs(times) do
  table.sort(list)
  median[name] = list[math.ceil(#list / 2)]
  spread[name] = (list[#list] - list[1]) / median[name] * 100
end

local function shown(name)
  return ("%6.0f ns (spread %3.0f %%)"):format(median[name], spread[name])
end
print(("%-10s event.parse %s   cjson.decode %s   with checks %s   %.2f x decode, %.2f x with checks")
  :format(rawget(_G, "jit") and "LuaJIT" or _VERSION, shown "ours", shown "decode", shown "checked",
    median.decode / median.ours, median.checked / median.ours))
os.exit(median.ours <= median.checked / 2 and 0 or 1)
