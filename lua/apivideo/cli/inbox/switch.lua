--- What `apivideo inbox pause` and `resume` have in common.

local derived = require "apivideo.events.derived"
local selection = require "apivideo.cli.selection"
local store = require "apivideo.cli.store"

local switch = {}

--- Creates the module of a subcommand.
---@param kind { description: string, method: string, paused: boolean, done: string } `method` of the inbox; `done` may have the place of an option
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
      local ok, err = inbox[kind.method](inbox, { type = type })
      if not ok then return 1, err end
      out:print({ paused = kind.paused, type = type },
        (type and type .. ": " or "") .. kind.done:format(type and (" --type '%s'"):format(type) or ""))
      return 0
    end)
  end

  return self
end

return switch
