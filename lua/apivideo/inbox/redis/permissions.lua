--- The commands that the scripts of the Redis store run, and a script that finds out which of them the user of Redis may
--- not run. Without it, a missing command fails in the middle of an operation: XACK after the handlers have run.

local prelude = require "apivideo.inbox.redis.prelude"

-- Command, as in an access control list, and the arguments of its probe.
local PROBES = {
  { "time", "" }, { "hmget", 'meta, "id"' }, { "hget", 'meta, "id"' }, { "hexists", 'meta, "id"' }, { "hkeys", "meta" },
  { "hset", 'meta, "id", 0' }, { "hsetnx", 'meta, "id", 0' }, { "hdel", 'meta, "id"' }, { "hincrby", 'meta, "id", 1' },
  { "xadd", 'stream, "*", "raw", ""' }, { "xrange", "stream, 0, 0" }, { "xdel", "stream, 0" },
  { "xack", "stream, GROUP, 0" }, { "xclaim", 'stream, GROUP, "", 0, 0' },
  { "xautoclaim", 'stream, GROUP, "", RECLAIM, 0' }, { "xpending", "stream, GROUP" },
  { "xgroup|create", "stream, GROUP, 0" }, { "xgroup|delconsumer", 'stream, GROUP, ""' },
  { "xinfo|consumers", "stream, GROUP" },
  { "zadd", "ready, 0, 0" }, { "zrem", "ready, 0" }, { "zrange", "ready, 0, 0" }, { "zscore", "ready, 0" },
  { "zcard", "ready" }, { "zpopmin", "ready" },
}

-- Redis checks the permission before it rejects a write of a script that may only read, so a probe changes nothing.
local PROBE = [=[
local missing = {}
local function probe(name, ...)
  local words = {}
  for word in name:gmatch("[^|]+") do words[#words + 1] = word end
  for _, argument in ipairs { ... } do words[#words + 1] = argument end
  local reply = redis.pcall(unpack(words))
  local problem = type(reply) == "table" and reply.err or ""
  -- The messages of 7.0, and of later versions.
  if problem:find("can't run this command", 1, true) or problem:find("no permissions to run", 1, true) then
    missing[#missing + 1] = name
  end
end
]=]

local permissions = { commands = {} }

local lines = {}
for i, each in ipairs(PROBES) do
  permissions.commands[i] = each[1]
  lines[i] = ("probe(%q%s)\n"):format(each[1], each[2] ~= "" and ", " .. each[2] or "")
end

--- Returns the commands that the user may not run.
permissions.script = prelude.reading(PROBE .. table.concat(lines) .. "return missing\n")

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
