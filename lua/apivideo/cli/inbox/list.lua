--- `apivideo inbox list`: the entries of an inbox.

local entries = require "apivideo.cli.inbox.entries"
local filter = require "apivideo.cli.inbox.filter"
local numbers = require "apivideo.cli.numbers"
local store = require "apivideo.cli.store"

local list = {}

local PAGE = 100
local DEFAULT_LIMIT = 100

--- Defines the subcommand.
function list.define(sub)
  sub:description("Prints entries of an inbox, the oldest first: id, state, when it was received, attempts, event, and"
    .. " the error of the last attempt.")
  store.define(sub)
  filter.define(sub, filter.STATES)
  sub:option("--limit", "Entries at most. Default: " .. DEFAULT_LIMIT .. "."):argname "<count>"
    :convert(numbers.limit "--limit")
  sub:flag("--newest", "The newest first.")
end

-- Prints the entries, page by page.
local function print_entries(inbox, arguments, out)
  local selected, remaining, after = filter.of(arguments), arguments.limit or DEFAULT_LIMIT, nil
  repeat
    local page, err = inbox:list(selected,
      { limit = math.min(PAGE, remaining), after = after, newest = arguments.newest })
    if not page then return 1, err end
    for _, entry in ipairs(page) do
      out:print(entries.record(entry), entries.line(out, entry))
      after = entry.id
    end
    remaining = remaining - #page
  until #page < PAGE or remaining == 0
  if not after then out:note "no entry matches" end
  return 0
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function list.run(arguments, out)
  return store.with(arguments, function(inbox) return print_entries(inbox, arguments, out) end)
end

return list
