-- Runs the crash tests. Prints a line for each; the last line is a total.
-- Arguments: the seed, the seconds of a storm, a pattern of names, and the suite: "crash" or "missed". See
-- tools/test-crash.

local apivideo = require "apivideo"
local lfs = require "lfs"
local runtime = require "apivideo.runtime"
local temporary = require "spec.support.temporary"

local seed, SECONDS, only, suite = tonumber(arg[1]), tonumber(arg[2]), arg[3], arg[4]
local AT_ONCE = 3 -- storms
local TRIES = 5   -- within which a broken store must be detected: on a loaded machine, few workers meet
local SHOWN = 10 -- problems that are printed for one storm

local passed, failed, kills, boundaries = 0, 0, 0, {}

local function fresh_directory()
  local directory = temporary.directory()
  assert(lfs.mkdir(directory .. "/disk"))
  return directory
end

local function count(storm)
  kills = kills + storm.kills
  for name, times in pairs(storm.boundaries) do
    local key = storm.settings.store .. " " .. name
    boundaries[key] = (boundaries[key] or 0) + times
  end
end

-- Whether the outcome is the expected one: no problem; or, for a broken store, one of its problems.
local function is_good(storm, expected)
  if not expected then return #storm.problems == 0 end
  for _, problem in ipairs(storm.problems) do
    if expected:find(problem.kind, 1, true) then return true end
  end
  return false
end

local function report(name, storm, expected, seconds)
  local good = is_good(storm, expected)
  print(("%s %s (%.1f s): %s%s"):format(good and "ok  " or "FAIL", name, seconds, storm:summary(),
    expected and ("; %d problems found"):format(#storm.problems) or ""))
  if good then
    passed = passed + 1
    return
  end
  failed = failed + 1
  for i = 1, math.min(SHOWN, #storm.problems) do
    print(("     %s: %s"):format(storm.problems[i].kind, storm.problems[i].text))
  end
  if expected then print("     a store that is broken was not found out: " .. expected) end
  print("     its files: " .. storm.settings.directory)
end

local cases = {}

--- Adds one. `body` gets a directory, and returns a storm that has finished.
---@param expected? string kinds of problems, one of which must be found, since something is broken on purpose
local function add(name, body, expected)
  if name:find(only) then cases[#cases + 1] = { name = name, body = body, expected = expected } end
end

local function run_once(case)
  local directory = fresh_directory()
  local storm = case.body(directory)
  if is_good(storm, case.expected) then os.execute("rm -rf " .. directory) end
  return storm
end

local function run(case)
  local started, tries, storm = runtime.monotonic(), 0
  repeat -- a broken store may pass by chance
    tries = tries + 1
    storm = run_once(case) -- luacheck: ignore
  until not case.expected or is_good(storm, case.expected) or tries == TRIES
  if not case.expected then count(storm) end
  report(case.name, storm, case.expected, runtime.monotonic() - started)
  io.stdout:flush()
end

print(("seed %d (%s_SEED=%d), storms of %g s"):format(seed, suite:upper(), seed, SECONDS))
require(("spec.%s.cases"):format(suite))(add, SECONDS)

math.randomseed(seed)
apivideo.run(function()
  local _, errs = apivideo.parallel(AT_ONCE, cases, run)
  for place, err in pairs(errs or {}) do
    failed = failed + 1
    print(("FAIL %s: %s"):format(cases[place].name, tostring(err)))
  end
end)

local names = {}
for name in pairs(boundaries) do names[#names + 1] = name end
table.sort(names)
print(("%d processes were killed:"):format(kills))
for _, name in ipairs(names) do print(("%6d %s"):format(boundaries[name], name)) end
print(("total: %d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
