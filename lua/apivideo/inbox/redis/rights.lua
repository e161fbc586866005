--- The rights that the scripts of the Redis store need: found in their code, and checked by other code in a script.
---
--- A command is a literal after `call(` or `pcall(`, or the first one of a list that is called with unpack, whose second
--- item is a variable: { "ZADD", ready }. A function begins and ends at the beginning of a line.

local rights = {}

-- The arguments of a check are a key and zeros. Of these commands, Redis allows one number of arguments only.
local ARGUMENTS = { TIME = 0, HGET = 2, HEXISTS = 2, HKEYS = 1, HSETNX = 3, HINCRBY = 3, ZSCORE = 2, ZCARD = 1,
  ["XINFO|CONSUMERS"] = 2, ["XGROUP|DELCONSUMER"] = 3 }
local ARGUMENTS_MAX = 5

--- The commands that a piece of code calls, also through functions: "XACK", "XGROUP|CREATE".
---@param code string
---@param functions table<string, table<string, true>> name -> its commands
---@return table<string, true>
function rights.of(code, functions)
  local commands = {}
  for command, rest in code:gmatch 'call%("(%u+)"([^)]*)' do
    local subcommand = command:find "^X" and rest:match '^, "(%u+)"'
    commands[subcommand and command .. "|" .. subcommand or command] = true
  end
  for command in code:gmatch '{ "(%u+)", %l' do commands[command] = true end
  for name in code:gmatch "%f[%w_]([%w_]+)%(" do
    for command in pairs(functions[name] or {}) do commands[command] = true end
  end
  return commands
end

--- The functions of a piece of code, which call only those before them: name -> its commands.
---@param code string
---@return table<string, table<string, true>>
function rights.functions(code)
  local functions = {}
  for name, body in code:gmatch "\nlocal function ([%w_]+)(.-\nend)%f[\n]" do
    functions[name] = rights.of(body, functions)
  end
  return functions
end

--- The code of a list, `missing`: the commands that the user may not run. Redis would run the others, so a script
--- without a right would keep what it has already changed.
---@param commands table<string, true>
---@param others? table<string, true> commands that are not checked
---@return string
function rights.missing(commands, others)
  local checks = {}
  for command in pairs(commands) do
    if not (others and others[command]) then
      local words = ('"%s"'):format(command:gsub("|", '", "'))
      for i = 1, ARGUMENTS[command] or ARGUMENTS_MAX do words = words .. (i == 1 and ", stream" or ", 0") end
      checks[#checks + 1] = ('check("%s", %s)\n'):format(command:lower(), words)
    end
  end
  table.sort(checks)
  return [=[
local missing = {}
local function check(name, ...)
  if not redis.acl_check_cmd(...) then missing[#missing + 1] = name end
end
]=] .. table.concat(checks)
end

return rights
