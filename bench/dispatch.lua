--- Measures the dispatch of an event to one handler, with an increasing number of handlers that do not match.

local apivideo = require "apivideo"
local figures = require "bench.figures"

local ROUNDS, DISPATCHES = 45, 5000
local COUNTS = { 1, 100, 10000 }
local TYPE, OTHERS = "video.summary.generated", { "video.caption.generated", "live-stream.*" }

-- Handlers, one of which matches TYPE.
local function registered(count)
  local handlers = apivideo.handlers()
  for i = 1, count - 1 do handlers:on(OTHERS[i % #OTHERS + 1], function() error "must not be called" end) end
  return handlers:on("video.summary.*", function() end)
end

-- The processor time of one dispatch, in nanoseconds.
local function time(handlers, event_of)
  collectgarbage()
  local started = os.clock()
  for i = 1, DISPATCHES do assert(handlers:dispatch(event_of(i))) end
  return (os.clock() - started) / DISPATCHES * 1e9
end

local event = apivideo.events:sample(TYPE)

local function known()
  return event
end

-- An event of a new type, so that the handlers have no cache for it.
local fresh = 0
local function new()
  fresh = fresh + 1
  return { type = "video.summary." .. fresh }
end

local sets = {}
for i, count in ipairs(COUNTS) do sets[i] = registered(count) end

local function compare(what, event_of)
  local times, shares = {}, {}
  for i = 1, #COUNTS do times[i], shares[i] = {}, {} end
  for round = 0, ROUNDS do -- round 0 warms up
    for i = 1, #COUNTS do
      local taken = time(sets[i], event_of)
      if round > 0 then
        times[i][round] = taken
        shares[i][round] = taken / times[1][round]
      end
    end
  end
  local points = { { 1, figures.median(times[1]) } }
  for i = 2, #COUNTS do
    figures.row("dispatch", { what = ("%s, %d handlers"):format(what, COUNTS[i]), unit = "ns", ours = times[i],
      theirs = times[1], share = shares[i] })
    points[i] = { COUNTS[i], figures.median(times[i]) }
  end
  figures.series { what = what .. ", by handlers that do not match", x = "handlers", y = "ns", points = points }
end

compare("dispatch", known)
compare("dispatch of a type never seen", new)
os.exit(figures.failed and 1 or 0)
