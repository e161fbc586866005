--- The types of Lua that an annotated type stands for.

local annotations = require "spec.support.annotations"
local luacats = require "spec.support.luacats"

local lua_types = {}

local aliases = {} -- name -> type

for _, path in ipairs(annotations.files()) do
  for _, block in ipairs(annotations.blocks(path)) do
    local name
    for _, item in ipairs(block) do
      if item.tag == "alias" then
        name = item.text:match "^[%w_.]+"
        aliases[name] = item.text:match "^[%w_.]+%s+(.+)$"
      elseif item.tag == "|" and name then
        local _, rest = luacats.parse(item.text)
        local value = item.text:sub(1, #item.text - #rest)
        aliases[name] = aliases[name] and aliases[name] .. "|" .. value or value
      end
    end
  end
end

--- The type of an alias as a tree; nil if no alias has that name.
---@param name string
---@return table|nil
function lua_types.alias(name)
  return aliases[name] and luacats.parse(aliases[name])
end

--- Adds the types of Lua that a type stands for to a set; `integer` is one of them.
---@param tree table
---@param set table<string, true>
---@return table<string, true> set the same
function lua_types.add(tree, set)
  if tree.kind == "union" then
    for _, inner in ipairs(tree) do lua_types.add(inner, set) end
  elseif tree.kind == "fun" then
    set["function"] = true
  elseif tree.kind == "array" or tree.kind == "table" then
    set.table = true
  elseif tree.kind == "literal" then
    set[tree.value:find '^"' and "string" or "number"] = true
  elseif tree.name == "true" or tree.name == "false" then
    set.boolean = true
  elseif aliases[tree.name] then
    lua_types.add(lua_types.alias(tree.name), set)
  else
    set[tree.name:find "%." and "table" or tree.name] = true -- a class
  end
  return set
end

--- The members of a set, sorted.
---@param set table<string, true>
---@return string[]
function lua_types.list(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

return lua_types
