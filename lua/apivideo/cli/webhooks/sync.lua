--- `apivideo webhooks sync`: makes the webhooks of an account match a file.

local account = require "apivideo.cli.account"
local confirmation = require "apivideo.cli.confirmation"
local shown = require "apivideo.cli.webhooks.shown"
local show_secrets = require "apivideo.cli.show_secrets"
local wanted = require "apivideo.cli.webhooks.wanted"

local sync = {}

--- Defines the subcommand.
---@param sub table of argparse
function sync.define(sub)
  sub:description("Creates the webhooks of the file that the account lacks, then deletes those that they replace:"
    .. " others with a URL of the file. Prints the plan first, and asks before it deletes.\n\n"
    .. "The file is JSON or Lua:\n"
    .. '  [{ "url": "https://a.example/", "events": ["video.source.recorded"] }]\n'
    .. '  return { { url = "https://a.example/", events = { "video.source.recorded" } } }')
  sub:argument("file", "The wanted webhooks; - for standard input.")
  sub:flag("--dry-run", "Only print the plan.")
  sub:flag("--prune", "Delete all webhooks that are not in the file.")
  confirmation.define(sub)
  show_secrets.define(sub)
  account.define(sub)
end

local function print_plan(arguments, out, plan)
  for _, step in ipairs { "create", "delete", "keep" } do
    for _, webhook in ipairs(plan[step]) do shown.print_step(arguments, out, step, webhook) end
  end
  for _, webhook in ipairs(plan.others) do shown.print_step(arguments, out, "other", webhook) end
end

-- The last line of the output: how the account differs from the file, then; nil if that is obvious.
local function summary_of(plan, is_changed)
  local count = #plan.others
  if count == 0 then return not is_changed and "The account matches the file." or nil end
  if count == 1 then return "The account has 1 webhook that is not in the file; with --prune, it is deleted." end
  return ("The account has %d webhooks that are not in the file; with --prune, they are deleted."):format(count)
end

local function print_done(arguments, out, plan, is_complete)
  for _, webhook in ipairs(plan.created or {}) do shown.print_step(arguments, out, "created", webhook) end
  if not is_complete then return end
  for _, webhook in ipairs(plan.delete) do shown.print_step(arguments, out, "deleted", webhook) end
end

local function question_of(plan)
  local count = #plan.delete
  return ("Create %d and delete %d %s?"):format(#plan.create, count, count == 1 and "webhook" or "webhooks")
end

-- Does what a plan says. Another plan than the one that was printed is not done.
local function apply(arguments, out, client, list, options, plan)
  options.dry_run = nil
  function options.on_plan(current)
    if tostring(current) == tostring(plan) then return end
    error({ message = "another program has changed the webhooks since; nothing was changed; run this again" }, 0)
  end
  local done, err = client.webhooks:sync(list, options)
  if not done then
    print_done(arguments, out, err.plan or {}, false)
    return 1, err
  end
  print_done(arguments, out, done, true)
  return 0
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function sync.run(arguments, out)
  local list, file_problem = wanted.read(arguments.file)
  if not list then return 2, file_problem end
  return account.run(arguments, function(client)
    local problem = wanted.problem(list, client.base_url)
    if problem then return 2, ("%s: %s"):format(arguments.file, problem) end
    local options = { dry_run = true, prune = arguments.prune, allow_private = true }
    if arguments.prune then options.owned_by = function() return true end end
    local plan, err = client.webhooks:sync(list, options)
    local visible_plan = plan or err.plan
    if visible_plan then print_plan(arguments, out, visible_plan) end
    if not plan then return 1, err end
    local is_changed = #plan.create + #plan.delete > 0
    local summary = summary_of(plan, is_changed)
    if arguments.dry_run or not is_changed then
      if summary then out:note(summary) end
      return 0
    end
    local is_confirmed, status, refusal = true, nil, nil
    if #plan.delete > 0 then is_confirmed, status, refusal = confirmation.ask(arguments, question_of(plan)) end
    if not is_confirmed then return status, refusal end
    status, refusal = apply(arguments, out, client, list, options, plan)
    if status == 0 and summary then out:note(summary) end
    return status, refusal
  end)
end

return sync
