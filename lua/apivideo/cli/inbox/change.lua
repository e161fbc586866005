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
---@field states string[] in which an entry can be changed; --state selects among several
---@field question? string asked before, with the entries
---@field none? string said in addition if there is no such entry
---@field others? table<string, string> another state -> the command for entries in it
---@field problem? fun(arguments: table): string? what is wrong with the options

local function entries(count)
  return count == 1 and "1 entry" or ("%d entries"):format(count)
end

local function has(list, value)
  for _, each in ipairs(list) do
    if each == value then return true end
  end
  return false
end

-- Why the entry of --id was not changed.
local function problem_of_id(kind, arguments, inbox)
  local entry, err = inbox:get(arguments.id)
  if not entry then return err end
  local text = ("the entry %.0f is %s"):format(entry.id, entry.state)
  local other = kind.others and kind.others[entry.state]
  if not has(kind.states, entry.state) then
    text = ("%s, not %s"):format(text, table.concat(kind.states, " or "))
    if not other or entry.raw == "" then return text end
    return ("%s; `apivideo inbox %s%s --id %.0f` handles it again"):format(text, other,
      store.option_text(arguments.store), entry.id)
  end
  if kind.none and entry.raw == "" then
    return ("the event of the entry %.0f is not stored%s"):format(entry.id, kind.none)
  end
  return text .. ", but the other options do not select it"
end

--- Creates the module of a subcommand.
---@param kind apivideo.cli.Change
---@return table
function change.new(kind)
  local self = {}

  function self.define(sub)
    sub:description(kind.description)
    store.define(sub)
    filter.define(sub, #kind.states > 1 and kind.states or nil)
    sub:option("--rate", "Entries per second, at most."):argname "<count>":convert(numbers.limit "--rate")
    sub:flag("--dry-run", "Only print how many entries it would change.")
    if kind.question then confirmation.define(sub) end
  end

  -- Asks whether to change the entries. Returns true; or false, the status and a message.
  local function ask(arguments, inbox, selected)
    if not kind.question or arguments.dry_run then return true end
    local count, err = inbox[kind.method](inbox, selected, { dry_run = true })
    if not count then return false, 1, err end
    if count == 0 then return true end
    return confirmation.ask(arguments, kind.question:format(entries(count)))
  end

  -- Changes the entries, and prints how many there were.
  local function apply(arguments, out, inbox)
    local selected = filter.of(arguments)
    local is_confirmed, status, problem = ask(arguments, inbox, selected)
    if not is_confirmed then return status, problem end
    local shown = progress.new(kind.progress)
    local count, err = inbox[kind.method](inbox, selected, {
      dry_run = arguments.dry_run, rate = arguments.rate, on_progress = function(done) shown:update(done) end,
    })
    shown:finish()
    if not count then return 1, err end
    if count == 0 and arguments.id then return 1, problem_of_id(kind, arguments, inbox) end
    out:print({ count = count, dry_run = arguments.dry_run or false },
      ("%s %s%s"):format(entries(count), arguments.dry_run and "would be " .. kind.done or kind.done,
        count == 0 and kind.none or ""))
    return 0
  end

  function self.run(arguments, out)
    local problem = kind.problem and kind.problem(arguments)
    if problem then return 2, problem end
    return store.with(arguments, function(inbox) return apply(arguments, out, inbox) end)
  end

  return self
end

return change
