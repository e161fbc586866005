--- The options `--set` and `--unset`, which change the fields of an event before it is sent.

local json = require "apivideo.util.json"
local tables = require "apivideo.util.tables"

local assignments = {}

---@class apivideo.cli.Assignment
---@field name string
---@field value any `json.null` for null

--- Defines the options.
---@param sub table of argparse
---@return table set, table unset the options
function assignments.define(sub)
  local set = sub:option("--set", "A field of the event: name=value for a string, name:=value for JSON, such as"
    .. " count:=1; can be repeated."):argname "<name=value>":count "*"
  local unset = sub:option("--unset", "A field to leave out; can be repeated."):argname "<name>":count "*"
  return set, unset
end

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

-- Parses one text: `name=value` or `name:=value`.
local function parse(text)
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

--- Parses the texts of `--set`.
---@param texts string[]
---@return apivideo.cli.Assignment[]|nil list
---@return string? problem
function assignments.parse(texts)
  local list = {}
  for i, text in ipairs(texts) do
    local problem
    list[i], problem = parse(text)
    if problem then return nil, problem end
  end
  return list
end

--- Changes the fields of an event.
---@param event apivideo.Event is not changed
---@param texts string[] of `--set`
---@param unset_names? string[] of `--unset`
---@return apivideo.Event|nil changed a copy
---@return string? problem
function assignments.apply(event, texts, unset_names)
  local list, problem = assignments.parse(texts)
  if not list then return nil, problem end
  local changed = tables.merge(event)
  for _, each in ipairs(list) do changed[each.name] = each.value end
  for _, name in ipairs(unset_names or {}) do
    if changed[name] == nil then return nil, ("--unset %s: the event has no such field"):format(name) end
    changed[name] = nil
  end
  return changed
end

return assignments
