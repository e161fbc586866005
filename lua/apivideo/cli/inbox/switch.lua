--- What `apivideo inbox pause` and `resume` have in common.

local derived = require "apivideo.events.derived"
local output = require "apivideo.cli.output"
local selection = require "apivideo.cli.selection"
local shell = require "apivideo.util.shell"
local store = require "apivideo.cli.store"

local switch = {}

-- What is paused, as text; nil: nothing.
local function paused_text(stats)
  local names = {}
  if stats.paused then names[1] = "the inbox" end
  for _, each in ipairs(stats.paused_types or {}) do names[#names + 1] = output.plain(each.type) end
  return names[1] and table.concat(names, ", ")
end

-- Whether a resumption has changed something.
local function is_changed(type, before, after)
  if type then return #(after.paused_types or {}) < #(before.paused_types or {}) end
  return before.paused
end

-- Resumes. Returns what is said, and whether something was paused; or nil and an error.
local function resume(inbox, type, done)
  local before, after, ok, err
  before, err = inbox:stats()
  if not before then return nil, err end
  ok, err = inbox:resume { type = type }
  if not ok then return nil, err end
  after, err = inbox:stats()
  if not after then return nil, err end
  local rest, changed = paused_text(after), is_changed(type, before, after)
  local unchanged = type == "*" and "none was paused" or type and "was not paused" or "the inbox was not paused"
  return (changed and done or unchanged)
    .. (rest and "; still paused: " .. rest or ""), changed
end

local function pause(inbox, type, done, options)
  local ok, err = inbox:pause { type = type }
  if not ok then return nil, err end
  return done:format(options .. (type and " --type " .. shell.quote(type) or ""))
end

-- What the line is about.
local function subject_of(type)
  if not type then return "" end
  return (type == "*" and "all types" or type) .. ": "
end

--- Creates the module of a subcommand.
---@param kind { description: string, paused: boolean, done: string } `done` of a pause has the place of its options
---@return table
function switch.new(kind)
  local self = {}

  function self.define(sub)
    sub:description(kind.description)
    store.define(sub)
    sub:option("--type", "Only events of this type, or of a pattern such as 'video.*'."):argname "<type>"
  end

  function self.run(arguments, out)
    return store.with(arguments, function(inbox)
      local type = arguments.type
      local selected, problem = true, nil
      if type and not derived.is(type) then selected, problem = selection.new({ type }, {}, "--type") end -- it warns
      -- Not for a resumption, since a program may have paused the type.
      if kind.paused and not selected then return 2, problem end
      local set = kind.paused and pause or resume
      local text, changed = set(inbox, type, kind.done, store.option_text(arguments.store))
      if not text then return 1, changed end
      out:print({ paused = kind.paused, type = type, changed = changed }, subject_of(type) .. text)
      return 0
    end)
  end

  return self
end

return switch
