--- What `apivideo inbox redrive`, `replay` and `purge` have in common: they change the entries that a filter selects.

local confirmation = require "apivideo.cli.confirmation"
local filter = require "apivideo.cli.inbox.filter"
local numbers = require "apivideo.cli.numbers"
local progress = require "apivideo.cli.progress"
local store = require "apivideo.cli.store"

local change = {}

---@class apivideo.cli.Change
---@field description string
---@field method string of the inbox
---@field progress string
---@field done string what is said at the end, such as "queued again"
---@field has_state? boolean whether entries of several states can be selected
---@field question? string asked before, with the entries
---@field none? string said in addition if there is no such entry
---@field problem? fun(arguments: table): string? what is wrong with the options

local function entries(count)
  return count == 1 and "1 entry" or ("%d entries"):format(count)
end

--- Creates the module of a subcommand.
---@param kind apivideo.cli.Change
---@return table
function change.new(kind)
  local self = {}

  function self.define(sub)
    sub:description(kind.description)
    store.define(sub)
    filter.define(sub, kind.has_state or false)
    sub:option("--rate", "Entries per second, at most."):argname "<count>":convert(numbers.limit "--rate")
    sub:flag("--dry-run", "Only print how many entries it would change.")
    if kind.question then confirmation.define(sub) end
  end

  -- Changes the entries. Returns their number; or nil, the status and a message.
  local function apply(arguments, inbox)
    local selected = filter.of(arguments)
    if kind.question and not arguments.dry_run then
      local count, err = inbox[kind.method](inbox, selected, { dry_run = true })
      if not count then return nil, 1, err end
      if count == 0 then return 0 end
      local is_confirmed, status, problem = confirmation.ask(arguments, kind.question:format(entries(count)))
      if not is_confirmed then return nil, status, problem end
    end
    local shown = progress.new(kind.progress)
    local count, err = inbox[kind.method](inbox, selected, {
      dry_run = arguments.dry_run, rate = arguments.rate, on_progress = function(done) shown:update(done) end,
    })
    shown:finish()
    if not count then return nil, 1, err end
    return count
  end

  function self.run(arguments, out)
    local inbox
    local problem = kind.problem and kind.problem(arguments)
    if not problem then inbox, problem = store.open(arguments) end
    if not inbox then return 2, problem end
    local count, status, message = apply(arguments, inbox)
    inbox:close()
    if not count then return status, message end
    out:print({ count = count, dry_run = arguments.dry_run or false },
      ("%s %s%s"):format(entries(count), arguments.dry_run and "would be " .. kind.done or kind.done,
        count == 0 and kind.none or ""))
    return 0
  end

  return self
end

return change
