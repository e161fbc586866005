--- `apivideo inbox migrate`: brings an inbox to the form of this version, while other processes use it.

local progress = require "apivideo.cli.progress"
local store = require "apivideo.cli.store"

local migrate = {}

--- Defines the subcommand.
function migrate.define(sub)
  sub:description("Brings an inbox of an earlier version to the form of this one, in short steps, while other processes"
    .. " use it. Otherwise, the first process of this version does so when it opens the inbox, and others wait for it."
    .. " Run it again after the last process of an earlier version has ended: it completes what that has written.")
  store.define(sub)
  sub:flag("--dry-run", "Only print what it would do.")
end

-- Runs the migration of the place. Its facts; or nil, the status and a message.
local function run(place, options)
  local facts, problem
  if place.redis then
    facts, problem = require("apivideo.inbox.redis.migrate").run(place.redis, options)
  else
    local exists, status, message = store.check_exists(place)
    if not exists then return nil, status, message end
    facts, problem = require("apivideo.inbox.sqlite.migrate").run(place.sqlite, options)
    problem = problem and ("%s: %s"):format(place.sqlite, problem)
  end
  if not facts then return nil, 1, problem end
  return facts
end

-- What was done, or would be, in words.
local function text_of(facts, is_dry)
  local steps = table.concat(facts.steps, ", ")
  if is_dry then
    if #facts.steps == 0 then return ("version %d, which is the newest"):format(facts.from) end
    return ("version %d would become %d: %s; %.0f entries to examine"):format(facts.from, facts.to, steps, facts.filled)
  end
  local version = facts.from == facts.to and ("version %d, which is the newest"):format(facts.to)
    or ("version %d became %d: %s"):format(facts.from, facts.to, steps)
  return ("%s; %.0f entries completed in %.1f s"):format(version, facts.filled, facts.seconds)
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function migrate.run(arguments, out)
  local place, problem = store.place(arguments)
  if not place then return 2, problem or store.MISSING end
  local shown = progress.new "migrating"
  local facts, status, message = run(place, {
    dry_run = arguments.dry_run, on_progress = function(count) shown:update(count) end,
  })
  shown:finish()
  if not facts then return status, message end
  facts.dry_run = arguments.dry_run or false
  out:print(facts, text_of(facts, arguments.dry_run))
  return 0
end

return migrate
