--- `apivideo inbox stats`: how many entries an inbox has in each state; for cron and probes, whether they are too many.

local numbers = require "apivideo.cli.numbers"
local output = require "apivideo.cli.output"
local store = require "apivideo.cli.store"
local times = require "apivideo.cli.times"

local stats = {}

--- Defines the subcommand.
function stats.define(sub)
  sub:description("Prints how many entries an inbox has in each state, and the age of the oldest that is to be handled."
    .. " With --max-dead or --max-age, the exit status is 1 if there are more, or older ones.")
  store.define(sub)
  sub:option("--max-dead", "Dead letters at most."):argname "<count>":convert(numbers.count "--max-dead")
  sub:option("--max-age", "Time since the oldest event that is not handled was received, at most: 90s, 15m.")
    :argname "<duration>":convert(times.duration "--max-age")
end

-- The paused types as text, each with its next probe and why a worker has paused it.
local function paused_text(types)
  local texts = {}
  for i, each in ipairs(types or {}) do
    local probe = each.probe_in and (" (a probe in %s; the last error: %s)"):format(times.span(each.probe_in),
      output.plain(each.reason or "unknown")) or ""
    texts[i] = output.plain(each.type) .. probe
  end
  return texts[1] and "; paused types: " .. table.concat(texts, ", ") or ""
end

-- Which limits are exceeded; otherwise nil.
local function problem_of(arguments, found)
  local problems = {}
  if arguments.max_dead and found.dead > arguments.max_dead then
    problems[1] = ("%d dead %s, at most %d are allowed; see: apivideo inbox list --state dead"):format(found.dead,
      found.dead == 1 and "letter" or "letters", arguments.max_dead)
  end
  if arguments.max_age and found.oldest and found.oldest > arguments.max_age then
    problems[#problems + 1] = ("the oldest event waits for %s, at most %s are allowed; %s"):format(
      times.span(found.oldest), times.span(arguments.max_age),
      found.paused and "the inbox is paused" or "does a worker run?")
  end
  return #problems > 0 and table.concat(problems, "\n") or nil
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function stats.run(arguments, out)
  return store.with(arguments, function(inbox)
    local found, err = inbox:stats()
    if not found then return 1, err end
    out:print(found, ("%d waiting, %d claimed, %d dead, %d done%s%s%s"):format(found.waiting, found.claimed, found.dead,
      found.done, found.oldest and "; the oldest waits for " .. times.span(found.oldest) or "",
      found.paused and "; paused" or "", paused_text(found.paused_types)))
    local problem = problem_of(arguments, found)
    return problem and 1 or 0, problem
  end)
end

return stats
