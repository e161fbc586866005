--- The options `--set` and `--unset`, which change the fields of an event before it is sent.

local json = require "apivideo.util.json"
local tables = require "apivideo.util.tables"

local assignments = {}

---@class apivideo.cli.Assignment
---@field name string
---@field value any `json.null` for null

-- The value of a text that is JSON; nil and a message otherwise.
local function json_value(name, text)
  local value, problem = json.decode(text)
  if value == nil then
    return nil, ("--set %s:=%s: the value must be JSON (%s); for a string, write --set %s=%s"):format(
      name, text, problem, name, text)
  elseif type(value) == "string" and not text:find '^%s*"' then
    return nil, ("--set %s:=%s: this Lua cannot represent the number"):format(name, text)
  end
  return value
end

--- Parses a text of `--set`: `name=value` or `name:=value`.
---@param text string
---@return apivideo.cli.Assignment|nil
---@return string? problem
function assignments.parse(text)
  local name, mark, value = text:match "^([^=]-)(:?=)(.*)$"
  if not name or name == "" then
    return nil, ("--set must have the form name=value, or name:=value for JSON, got '%s'"):format(text)
  elseif mark == "=" then
    return { name = name, value = value }
  end
  local decoded, problem = json_value(name, value)
  if problem then return nil, problem end
  return { name = name, value = decoded }
end

--- Defines the options.
---@param sub table of argparse
function assignments.define(sub)
  sub:option("--set", "A field of the event: name=value for a string, name:=value for JSON, such as"
    .. " count:=1; can be repeated."):argname "<name=value>":count "*":convert(assignments.parse)
  sub:option("--unset", "A field to leave out; can be repeated."):argname "<name>":count "*"
end

--- Changes the fields of an event.
---@param event apivideo.Event is not changed
---@param set apivideo.cli.Assignment[]
---@param unset string[] of `--unset`
---@return apivideo.Event|nil changed a copy
---@return string? problem
function assignments.apply(event, set, unset)
  local changed = tables.merge(event)
  for _, each in ipairs(set) do changed[each.name] = each.value end
  for _, name in ipairs(unset) do
    if changed[name] == nil then return nil, ("--unset %s: the event has no such field"):format(name) end
    changed[name] = nil
  end
  return changed
end

return assignments
