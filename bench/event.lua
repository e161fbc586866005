--- Compares the event parser with its floor, the creation of the same tables in C without reading; and the parser, and
--- receiving, with cjson.decode, for bodies of 160 bytes to 1 MB. Alternating short rounds, in processor time.
---
---   event.lua PUSH      the module of bench/event_push.c

local apivideo = require "apivideo"
local bodies = require "bench.bodies"
local cjson = require "cjson.safe"
local core = require "apivideo.core"
local figures = require "bench.figures"
local outgoing = require "apivideo.events.outgoing"

local ROUNDS = tonumber(os.getenv "ROUNDS") or 25
local SAMPLE_S = 0.01                          -- processor time of a sample
local SIZES = { 160, 1000, 4000, 16000, 64000, 256000, 1000000 }
local SECRET = "sig_sec_0000000000000000000000"
local LUA = rawget(_G, "jit") and "LuaJIT" or _VERSION

local push = assert(package.loadlib(arg[1], "luaopen_event_push"))()
local catalogue = apivideo.events
local parse = core.event.compile(catalogue.types)

-- The time of fn in nanoseconds, in `count` calls.
local function time(fn, count)
  collectgarbage()
  local started = os.clock()
  for _ = 1, count do fn() end
  return (os.clock() - started) / count * 1e9
end

-- The times of functions by name, in alternating rounds.
local function times_of(functions)
  local times, counts = {}, {}
  for name, fn in pairs(functions) do
    times[name], counts[name] = {}, math.max(1, math.ceil(SAMPLE_S * 1e9 / time(fn, 3)))
  end
  for round = 0, ROUNDS do -- round 0 warms up
    for name, fn in pairs(functions) do times[name][round] = time(fn, counts[name]) end
  end
  for _, list in pairs(times) do list[0] = nil end
  return times
end

-- The arguments of event_push for an event whose members are strings: the list of its members, their number.
local function members(text)
  local list, count = {}, 0
  for member, value in pairs(cjson.decode(text)) do
    count = count + 1
    list[2 * count - 1], list[2 * count] = member, value
  end
  return list, count
end

-- The samples of all types, encoded; and for each the arguments of event_push.
local function samples()
  local texts, lists, counts = {}, {}, {}
  for i, name in ipairs(catalogue:names()) do
    texts[i] = outgoing.encode(catalogue:sample(name), catalogue)
    lists[i], counts[i] = members(texts[i])
  end
  return texts, lists, counts
end

local function beside_tables()
  local texts, lists, counts = samples()
  local times = times_of {
    ours = function()
      for i = 1, #texts do assert(parse(texts[i])) end
    end,
    tables = function()
      for i = 1, #texts do assert(push(lists[i], counts[i])) end
    end,
  }
  figures.row("parse_tables", { what = ("event.parse, %d samples, %s"):format(#texts, LUA), unit = "ns",
    ours = times.ours, theirs = times.tables, share = figures.ratios(times.tables, times.ours, 100),
    against = ("in the rest, %.0f ns for one, it reads %.0f bytes of JSON and finds the required fields")
      :format(figures.median(figures.differences(times.ours, times.tables)) / #texts, #table.concat(texts) / #texts) })
end

local function size_of(bytes)
  if bytes < 1000 then return bytes .. " B" end
  return bytes < 1e6 and ("%d KB"):format(bytes / 1000) or ("%d MB"):format(bytes / 1e6)
end

local function beside_cjson(bytes)
  local body = bodies.of_bytes(bytes)
  local signature, verify = apivideo.sign(body, SECRET), core.signature.verify
  local receiver = apivideo.receiver { secrets = SECRET, handlers = apivideo.handlers():on("*", function() end) }
  local request = { method = "POST", body = body, headers = { ["X-Api-Video-Signature"] = signature } }
  local is_small = bytes == SIZES[1]
  local list, count = members(is_small and body or "{}")
  local times = times_of {
    parse = function() return parse(body) end,
    table = function() return push(list, count) end,
    decode = function() return cjson.decode(body) end,
    least = function() return verify(body, signature, SECRET) and parse(body) end,
    receive = function() return receiver:receive(request) end,
    both = function() return verify(body, signature, SECRET) and cjson.decode(body) end,
  }
  assert(receiver:receive(request) == 204)
  local suffix = (", %s, %s"):format(size_of(bytes), LUA)
  figures.row(is_small and "parse_small" or "parse_other", { what = "event.parse" .. suffix, unit = "µs",
    ours = figures.scaled(times.parse, 1e-3), theirs = figures.scaled(times.decode, 1e-3),
    share = figures.ratios(times.decode, times.parse),
    against = is_small and ("creating the same table in C, without reading, takes %.0f %% of our time")
      :format(figures.median(figures.ratios(times.table, times.parse, 100))) or nil })
  figures.row("receive", { what = "receiving" .. suffix, unit = "µs",
    ours = figures.scaled(times.receive, 1e-3), theirs = figures.scaled(times.both, 1e-3),
    share = figures.ratios(times.receive, times.both),
    against = ("verification and parsing alone take %.2f ×; the rest, %.1f µs for a body of any size, finds two "
      .. "headers, creates the delivery and its key, calls the handler, and counts")
      :format(figures.median(figures.ratios(times.least, times.both)),
        figures.median(figures.differences(times.receive, times.least)) / 1000) })
end

beside_tables()
if LUA == "LuaJIT" or LUA == "Lua 5.4" then
  for _, bytes in ipairs(SIZES) do beside_cjson(bytes) end
end
os.exit(figures.failed and 1 or 0)
