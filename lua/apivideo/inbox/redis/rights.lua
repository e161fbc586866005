--- The rights that the scripts of the Redis store need: found in their code, and checked by other code in a script.

local rights = {}

-- The number of arguments of a command, with its key, where Redis allows no other; others may have ARGUMENTS_MAX.
local ARGUMENTS = { TIME = 0, HGET = 2, HEXISTS = 2, HKEYS = 1, HSETNX = 3, HINCRBY = 3, ZSCORE = 2, ZCARD = 1,
  ["XINFO|CONSUMERS"] = 2, ["XGROUP|DELCONSUMER"] = 3 }
local ARGUMENTS_MAX = 5

-- Adds the commands that a piece of code calls, also through functions (name -> code): "XACK", "XGROUP|CREATE".
local function add_commands(commands, code, functions, seen)
  for command, rest in code:gmatch 'call%("(%u+)"([^)]*)' do
    local subcommand = command:find "^X" and rest:match '^, "(%u+)"'
    commands[subcommand and command .. "|" .. subcommand or command] = true
  end
  for command in code:gmatch '{ "(%u+)", %l' do commands[command] = true end -- that is called with unpack
  for name, inner in pairs(functions) do
    if not seen[name] and code:find("%f[%w_]" .. name .. "%(") then
      seen[name] = true
      add_commands(commands, inner, functions, seen)
    end
  end
end

-- The commands of a body of a script that begins with the common part: command -> true.
local function commands_of(common, body)
  local commands, functions = {}, {}
  for name, code in common:gmatch "\nlocal function ([%w_]+)(.-)\nend\n" do functions[name] = code end
  add_commands(commands, body, functions, {})
  return commands
end

--- The code of a list, `missing`: the commands of a body that the user may not run. Redis would run the others, so a
--- script without a right would keep what it has already changed.
---@param common string the code before the body
---@param body string
---@param others? table<string, true> commands that are not checked
---@return string
function rights.missing(common, body, others)
  local checks = {}
  for command in pairs(commands_of(common, body)) do
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
