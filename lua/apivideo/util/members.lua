--- Members that a module does not have. Without this, they are nil, and Lua's message does not name the module.

local redact = require "apivideo.util.redact"
local spelling = require "apivideo.util.spelling"

local members = {}

-- Whether a program that reads a member means one of the module: names with an underscore are those of metadata, which
-- other libraries look for.
local function is_meant(name)
  return type(name) == "string" and name:sub(1, 1) ~= "_"
end

-- The names of a module's members, sorted; `loaded_later` has those that are not in its table yet.
local function names_of(module, loaded_later)
  local names, seen = {}, {}
  for _, list in ipairs { module, loaded_later } do
    for name in pairs(list) do
      if is_meant(name) and not seen[name] then names[#names + 1] = name end
      seen[name] = true
    end
  end
  table.sort(names)
  return names
end

--- What is wrong with a name that a module does not have; nil for one that is not meant for it.
---@param where string the module, for the message
---@param module table
---@param name any
---@param loaded_later? table<string, any> by name: members that are not in the table yet
---@return string?
function members.problem(where, module, name, loaded_later)
  if not is_meant(name) then return nil end
  local names = names_of(module, loaded_later or {})
  local near = spelling.nearest(name, names)
  return ('%s has no member "%s"; %s'):format(where, redact.text(name),
    near and ('did you mean "%s"?'):format(near) or "it has: " .. table.concat(names, ", "))
end

--- Makes a module raise where a member is read that it does not have.
---@generic T: table
---@param where string the module, for messages: `apivideo.handlers`
---@param module T
---@param class table of the objects that the module creates: their methods are taken for those of the module
---@param loaded_later? table<string, any> as for `problem`, of an `__index` that the module has
---@return T module
function members.strict(where, module, class, loaded_later)
  local metatable = getmetatable(module) or {}
  local load = metatable.__index
  function metatable.__index(_, name)
    local found = load and load(module, name)
    if found ~= nil or not is_meant(name) then return found end
    if type(class[name]) == "function" then
      error(('%s has no member "%s", which is a method of the object that %s(…) returns: %s:%s(…)'):format(where, name,
        where, where:match "[^.]*$", name), 2)
    end
    error(members.problem(where, module, name, loaded_later), 2)
  end
  return setmetatable(module, metatable)
end

return members
