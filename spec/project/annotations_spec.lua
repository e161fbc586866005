-- Annotations of lua/ and types/, which editors read: their types can be parsed and exist, and they describe the
-- functions as they are.

local annotations = require "spec.support.annotations"
local docs = require "spec.support.docs"
local functions = require "spec.support.functions"
local luacats = require "spec.support.luacats"

local TAGS = {}
for tag in ("alias class field generic meta overload package param private return type |"):gmatch "%S+" do
  TAGS[tag] = true
end

local BUILTIN = {}
for name in ("any boolean false function integer lightuserdata nil number string table thread true"):gmatch "%a+" do
  BUILTIN[name] = true
end

-- What stands before the type of each tag that has one.
local BEFORE_TYPE = {
  param = { "^[%w_.]+%??%s+" }, field = { "^private%s+", "^package%s+", "^[%w_]+%??%s+", "^%[%a+%]%s+" },
  ["return"] = {}, overload = {}, type = {}, ["|"] = {},
}

-- The types of a line; an alias and a class may have several.
local function types_in(item)
  local text = item.text
  if item.tag == "alias" then
    text = text:match "^[%w_.]+%s+(.*)$"
    return { text }
  elseif item.tag == "class" then
    return { (text:match "^[%w_.]+%s*:%s*([%w_.]+)") }
  elseif item.tag == "generic" then
    return { (text:match "^%w+%s*:%s*([%w_.]+)") }
  elseif not BEFORE_TYPE[item.tag] then
    return {}
  end
  for _, pattern in ipairs(BEFORE_TYPE[item.tag]) do text = text:gsub(pattern, "") end
  return { text }
end

-- Calls `visit` for each line of annotations, with its place, and its block.
local function each_line(visit)
  for _, path in ipairs(annotations.files()) do
    for _, block in ipairs(annotations.blocks(path)) do
      for _, item in ipairs(block) do visit(item, ("%s:%d"):format(path, item.line), block) end
    end
  end
end

local parsed = {} -- path -> the functions of the file, which several specs need

local function functions_of(path)
  parsed[path] = parsed[path] or functions.of(docs.read(path))
  return parsed[path]
end

-- Calls `visit` for each function, with its block, or nil without one, and its place.
local function each_function(visit)
  for _, path in ipairs(annotations.files()) do
    local blocks = {}
    for _, block in ipairs(annotations.blocks(path)) do blocks[block.last + 1] = block end
    for line, fn in pairs(functions_of(path)) do visit(fn, blocks[line], ("%s:%d"):format(path, line)) end
  end
end

-- The texts of a block's lines with a tag.
local function lines_of(block, tag)
  local list = {}
  for _, item in ipairs(block) do
    if item.tag == tag then list[#list + 1] = item.text end
  end
  return list
end

-- What a block does not tell about a function, or tells wrongly; nil if it is right.
local function problem_of(fn, block)
  local documented = lines_of(block, "param")
  for i, text in ipairs(documented) do documented[i] = text:match "^[%w_.]+" end
  local names, expected = table.concat(documented, ", "), table.concat(fn.params, ", ")
  if names ~= expected then return ("has @param %s for (%s)"):format(names, expected) end
  local is_stub = block.path:find "^types/"
  local returns = #lines_of(block, "return") > 0
  if fn.returns ~= nil and returns ~= fn.returns and not is_stub then
    return fn.returns and "has no @return" or "has @return, but returns nothing"
  end
end

-- The functions of the reference, as `handlers:on`: the last object and the name, in lower case, without underscores.
local function public_names()
  local names = {}
  for name in pairs(docs.sections()) do
    local object, sign, method = name:match "([%w_]+)([.:])([%w_]+)$"
    if object then names[object:gsub("_", "") .. sign .. method] = true end
  end
  return names
end

local function normal(name)
  local object, method = name:match "^([%w_]+)([.:][%w_]+)$"
  return object and object:gsub("_", ""):gsub("Catalogue", "events"):lower() .. method
end

describe("annotations", function()
  it("have known tags", function()
    each_line(function(item, place) assert(TAGS[item.tag], place .. ": @" .. item.tag) end)
  end)

  it("have types that can be parsed, of names that exist", function()
    local known, count = {}, 0
    for name in pairs(annotations.classes()) do known[name] = true end
    each_line(function(item)
      if item.tag == "alias" then known[item.text:match "^[%w_.]+"] = true end
    end)
    each_line(function(item, place, block)
      local generics = {}
      for _, text in ipairs(lines_of(block, "generic")) do generics[text:match "^%w+"] = true end
      for _, text in ipairs(types_in(item)) do
        local ok, tree = pcall(luacats.parse, text)
        assert(ok, place .. ": " .. tostring(tree))
        luacats.names(tree, function(name)
          count = count + 1
          assert(BUILTIN[name] or known[name] or generics[name], ("%s: no class or alias %s"):format(place, name))
        end)
      end
    end)
    assert(count > 1500, count)
  end)

  it("have all parameters and results of a function, if they have any of them", function()
    local count, problems = 0, {}
    each_function(function(fn, block, place)
      if not block or #lines_of(block, "param") + #lines_of(block, "return") == 0 then return end
      count = count + 1
      local problem = problem_of(fn, block)
      if problem then problems[#problems + 1] = ("%s: %s %s"):format(place, fn.name, problem) end
    end)
    table.sort(problems)
    assert.same({}, problems)
    assert(count > 250, count)
  end)

  it("belong to functions", function()
    for _, path in ipairs(annotations.files()) do
      local list = functions_of(path)
      for _, block in ipairs(annotations.blocks(path)) do
        local about_function = #lines_of(block, "param") + #lines_of(block, "return") > 0
        assert(list[block.last + 1] or not about_function, ("%s:%d: no function follows"):format(path, block.last))
      end
    end
  end)

  it("exist for each function of the reference", function()
    local names, found, count = public_names(), {}, 0
    each_function(function(fn, block, place)
      local name = normal(fn.name)
      if not names[name] or fn.is_local then return end
      assert(block, place .. ": no comment")
      assert.is_nil(problem_of(fn, block), place)
      if not found[name] then count = count + 1 end
      found[name] = true
    end)
    assert(count > 50, count) -- the others are fields of a module
  end)
end)
