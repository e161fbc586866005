--- The modes of `apivideo trigger`, and which options exclude each other: an option without an effect is a mistake.

local numbers = require "apivideo.cli.numbers"
local scenarios = require "apivideo.emulator.scenarios"
local trigger_delivery = require "apivideo.cli.trigger_delivery"

-- The options that need --to, and the remedy for each with --through.
local ONLY_TO = {
  { "secret", "the local api.video signs with the secrets of its webhooks" },
  { "secret_file", "the local api.video signs with the secrets of its webhooks" },
  { "profile", "the local api.video signs with the secrets of its webhooks" },
  { "webhook_id", "the local api.video sends the ids of its webhooks" },
  { "header", "the local api.video sends its own headers" },
  { "max_attempts", "pass it to apivideo emulate" },
  { "interval", "pass it to apivideo emulate" },
}

local NOT_WITH_DATA = { "type", "set", "unset", "quality", "failed", "reverse" }
local ONLY_SCENARIO = { "quality", "failed", "reverse" }
local ONLY_ENCODING = { "quality", "failed" }

local trigger_modes = {}

local function is_given(value)
  if type(value) == "table" then return #value > 0 end
  return value ~= nil
end

-- The name of the first option in a list that is given: `--secret-file`.
local function first_given(arguments, names)
  for _, name in ipairs(names) do
    if is_given(arguments[name]) then return name == "type" and "TYPE" or "--" .. name:gsub("_", "-") end
  end
end

-- What is wrong with --to or --through, and their options; otherwise nil.
local function target_problem(arguments)
  if arguments.to and arguments.through then
    return "--to and --through exclude each other: send the event to a receiver, or let a local api.video send it"
  elseif arguments.to then
    if arguments.api_key then return "--api-key needs --through; with --to, sign with --secret" end
    return numbers.interval_problem(arguments.interval,
      arguments.max_attempts or trigger_delivery.DEFAULTS.max_attempts)
  elseif not arguments.through then
    return "one of --to and --through is required"
  end
  for _, entry in ipairs(ONLY_TO) do
    local name = first_given(arguments, { entry[1] })
    if name then return ("%s needs --to; with --through, %s"):format(name, entry[2]) end
  end
end

-- What is wrong with the options of what is sent; otherwise nil.
local function content_problem(arguments)
  if arguments.data then
    local name = first_given(arguments, NOT_WITH_DATA)
    return name and ("%s and --data exclude each other: --data is sent as it is"):format(name)
  elseif not arguments.type then
    return "the type of the event is missing; name it, or use --data"
  end
  local scenario = scenarios.find(arguments.type)
  local name = not scenario and first_given(arguments, ONLY_SCENARIO)
  if name then return name .. " needs a scenario instead of a type, such as upload" end
  name = scenario and not scenarios.has_encoding(scenario) and first_given(arguments, ONLY_ENCODING)
  return name and ("%s needs a scenario with an encoding, such as upload"):format(name) or nil
end

--- What is wrong with the arguments together; otherwise nil.
---@param arguments table
---@return string?
function trigger_modes.problem(arguments)
  local problem = target_problem(arguments) or content_problem(arguments)
  if problem then return problem end
  local is_single = not arguments.duplicate and not (arguments.type and scenarios.find(arguments.type))
  if arguments.pause and is_single then return "--pause needs several events: a scenario, or --duplicate" end
end

return trigger_modes
