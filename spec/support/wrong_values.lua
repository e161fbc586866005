--- Values that are not of an annotated type.

local annotations = require "spec.support.annotations"
local lua_types = require "spec.support.lua_types"

local wrong_values = {}

local classes = annotations.classes()

local OF_TYPE = { boolean = true, number = 5, string = "a text", table = {}, ["function"] = function() end }

-- Classes of objects, for which a table without their functions is wrong.
local OBJECTS = { ["apivideo.Catalogue"] = true, ["apivideo.Cancellation"] = true, ["apivideo.Handlers"] = true,
  ["apivideo.Inbox"] = true, ["apivideo.Receiver"] = true, ["apivideo.Store"] = true, ["apivideo.Dictionary"] = true,
  ["apivideo.RateLimitStore"] = true }

local function add_special(tree, add)
  if tree.kind == "union" then
    for _, inner in ipairs(tree) do add_special(inner, add) end
  elseif tree.kind == "array" and lua_types.add(tree.item, {}).string then
    add { true }
    add { "text", n = "no list" }
  elseif tree.name == "table" and tree.arguments[2] and not lua_types.add(tree.arguments[2], {}).table then
    add { name = {} }
    add { [1] = "a text" }
  elseif tree.kind == "literal" and tree.value:find '^"' then
    add "no_such_value"
  elseif tree.name == "integer" then
    add(1.5)
  elseif OBJECTS[tree.name] then
    add {}
  elseif tree.name and lua_types.alias(tree.name) then
    add_special(lua_types.alias(tree.name), add)
  end
end

--- Values that are not of a type; none for `any`.
---@param tree table
---@return any[]
function wrong_values.of(tree)
  local types, list = lua_types.add(tree, {}), {}
  if types.any then return list end
  local function add(value) list[#list + 1] = value end
  if types.integer then types.number = true end
  for name, value in pairs(OF_TYPE) do
    if not types[name] then add(value) end
  end
  if types.number then add(0 / 0) end
  add_special(tree, add)
  return list
end

--- The options of an annotated type: name -> { optional, type text }; nil if it is not a table of options.
---@param tree table
---@return table<string, table>|nil
function wrong_values.options(tree)
  if tree.kind == "table" then
    local found = {}
    for _, member in ipairs(tree.members) do found[member.name] = { optional = member.optional, type = member.type } end
    return found
  end
  local name = tree.name or ""
  local is_options = name:find "Options$" or name:find "Query$" or name:find "Arguments$" or name:find "%.Fault$"
  if not is_options then return nil end
  local found = {}
  for field, about in pairs(annotations.fields(classes, name)) do
    found[field] = { optional = about.optional, type = annotations.type_of(about.text) }
  end
  return found
end

return wrong_values
