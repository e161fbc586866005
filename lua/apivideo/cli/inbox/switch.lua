--- What `apivideo inbox pause` and `resume` have in common.

local store = require "apivideo.cli.store"

local switch = {}

--- Creates the module of a subcommand.
---@param kind { description: string, method: string, paused: boolean, done: string } `method` of the inbox
---@return table
function switch.new(kind)
  local self = {}

  function self.define(sub)
    sub:description(kind.description)
    store.define(sub)
  end

  function self.run(arguments, out)
    return store.with(arguments, function(inbox)
      local ok, err = inbox[kind.method](inbox)
      if not ok then return 1, err end
      out:print({ paused = kind.paused }, kind.done)
      return 0
    end)
  end

  return self
end

return switch
