--- The rights that a user of Redis lacks: what to say about them.

local permissions = {}

-- nil: it is not known.
local function user_of(options)
  return options.username or not options.client and "default" or nil
end

--- The remedy for rights that the user lacks.
---@param options { client?: function, username?: string } of the store
---@param rules string of an access control list, such as "+xack"
---@param user? string if Redis has named it
---@return string
function permissions.line(options, rules, user)
  return ("run: ACL SETUSER %s %s, and save it; docs/guides/inbox.md#redis has the whole line"):format(
    user or user_of(options) or "USER", rules)
end

--- What to say about the commands that the user may not run.
---@param options { client?: function, username?: string } of the store
---@param commands string[] not empty
---@return string problem
---@return string remedy
function permissions.problem(options, commands)
  local user = user_of(options)
  return ("the user%s may not run %s: the inbox cannot store, claim or settle all events"):format(
    user and " " .. user or "", table.concat(commands, ", ")),
    permissions.line(options, "+" .. table.concat(commands, " +"))
end

return permissions
