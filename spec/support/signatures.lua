--- The annotations of the public functions: their parameters and results.

local annotations = require "spec.support.annotations"
local luacats = require "spec.support.luacats"
local public = require "spec.support.public"

local signatures = {}

local blocks = {} -- path -> the blocks of the file

local function blocks_of(path)
  blocks[path] = blocks[path] or annotations.blocks(path)
  return blocks[path]
end

-- A type and the text after it.
local function typed(text)
  local tree, rest = luacats.parse(text)
  return tree, text:sub(1, #text - #rest):match "^(.-)%s*$", rest
end

-- A parameter or a result: { name, optional, type (a tree), text (of the type), about }.
local function parameter(name, optional, text)
  local tree, type_text, about = typed(text)
  return { name = name, optional = optional or tree.optional or false, type = tree, text = type_text, about = about }
end

-- The signature in the lines of a block: `@param`, `@return`.
local function of_block(block)
  local found = { params = {}, results = {}, path = block.path, line = block.last }
  for _, item in ipairs(block) do
    if item.tag == "param" then
      local name, mark, rest = item.text:match "^([%w_.]+)(%??)%s+(.*)$"
      table.insert(found.params, parameter(name, mark == "?", rest))
    elseif item.tag == "return" then
      table.insert(found.results, parameter(nil, false, item.text .. (item.more or "")))
    end
  end
  return found
end

-- Formats a parsed type, because the parameters of a type `fun(…)` have no text of their own.
local write

local function write_list(list, separator, of)
  local texts = {}
  for i, item in ipairs(list) do texts[i] = of(item) end
  return table.concat(texts, separator)
end

local function write_member(member)
  return member.name .. (member.optional and "?" or "") .. (member.type and ": " .. write(member.type) or "")
end

function write(tree)
  if tree.kind == "union" then
    return write_list(tree, "|", write) .. (tree.optional and "?" or "")
  elseif tree.kind == "array" then
    return write(tree.item) .. "[]"
  elseif tree.kind == "table" then
    return "{ " .. write_list(tree.members, ", ", write_member) .. " }"
  elseif tree.kind == "fun" then
    local results = #tree.results > 0 and ": " .. write_list(tree.results, ", ", write) or ""
    return "fun(" .. write_list(tree.params, ", ", write_member) .. ")" .. results
  elseif tree.kind == "literal" then
    return tree.value
  end
  return tree.name .. (#tree.arguments > 0 and "<" .. write_list(tree.arguments, ", ", write) .. ">" or "")
end

-- The signature of a type `fun(…): …`, without `self`.
local function of_type(text, path, line)
  local tree, rest = luacats.parse(text)
  local found = { params = {}, results = {}, path = path, line = line, about = rest }
  for _, member in ipairs(tree.params) do
    if member.name ~= "self" then
      table.insert(found.params, parameter(member.name, member.optional, write(member.type)))
    end
  end
  for _, result in ipairs(tree.results) do table.insert(found.results, parameter(nil, false, write(result))) end
  local last = found.results[#found.results]
  for _, result in ipairs(found.results) do
    if result.text:find("apivideo.Error", 1, true) then last = result end
  end
  if last then last.about = rest end
  return found
end

local function path_of(fn)
  return debug.getinfo(fn, "S").source:match "^@.-(lua/apivideo/.*)$"
end

-- The block that ends before a line.
local function block_before(path, line)
  for _, block in ipairs(blocks_of(path)) do
    if block.last == line - 1 then return block end
  end
end

local function item_of(block, tag, pattern)
  for _, item in ipairs(block or {}) do
    if item.tag == tag and item.text:find(pattern) then return item end
  end
end

-- The item of the first block of a file with it.
local function find_item(path, tag, pattern)
  for _, block in ipairs(blocks_of(path)) do
    local item = item_of(block, tag, pattern)
    if item then return item end
  end
end

-- The overload of the class of a module with a constructor.
local function overload_of(path)
  for _, block in ipairs(blocks_of(path)) do
    if item_of(block, "class", "") and item_of(block, "field", "^new fun%(") then
      return item_of(block, "overload", "^fun%(")
    end
  end
end

-- The constructor of a module, which `util/constructor` calls.
local function constructor_of(module)
  for i = 1, 3 do
    local name, value = debug.getupvalue(module.new, i)
    if name == "create" then return value end
  end
end

-- `---@type fun(…)` before the field of the façade.
local function of_facade(name)
  for _, block in ipairs(blocks_of "lua/apivideo/init.lua") do
    local item = block.code:match "^%s*([%w_]+) = " == name and item_of(block, "type", "^fun%(")
    if item then return of_type(item.text, block.path, item.line) end
  end
end

-- `---@field name fun(…)` of the class of a collection, whose methods are made by resources/collection.lua.
local function of_collection(member)
  local name = member.of:match "%.(.*)$"
  local path = "lua/apivideo/resources/" .. (name == "webhooks" and "webhooks/init" or name) .. ".lua"
  local item = find_item(path, "field", "^" .. member.method .. " fun%(")
  return of_type(item.text:match "fun%(.*$", path, item.line)
end

local function of_member(name, member)
  if type(member.value) == "table" then
    local path = path_of(constructor_of(member.value))
    local item = assert(overload_of(path), name .. ": its class has no @overload")
    return of_type(item.text, path, item.line)
  end
  local info = debug.getinfo(member.value, "S")
  local path = info.what == "Lua" and path_of(member.value)
  if path == "lua/apivideo/resources/collection.lua" then return of_collection(member) end
  local block = path and block_before(path, info.linedefined)
  if block and (item_of(block, "param", "") or item_of(block, "return", "")) then return of_block(block) end
  local found = member.of == "apivideo" and of_facade(member.method)
  if found then return found end
  assert(block, name .. ": no annotation")
  return of_block(block)
end

--- The public functions with their signatures: `public.members`, each callable with `params`, `results`, `path` and
--- `line` of its annotation.
---@return table<string, table>
function signatures.all()
  local members = public.members()
  for name, member in pairs(members) do
    if member.callable then
      for key, value in pairs(of_member(name, member)) do member[key] = value end
    end
  end
  return members
end

--- A type as text.
---@param tree table
---@return string
signatures.write = write

return signatures
