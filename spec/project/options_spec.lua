-- Options have three descriptions: the code's check, the annotation, and the table of the reference. The check decides.

local annotations = require "spec.support.annotations"
local docs = require "spec.support.docs"
local luacats = require "spec.support.luacats"
local options = require "spec.support.options"

local classes = annotations.classes()

-- The types of Lua that an annotated type stands for, as a set.
local function add_types(tree, set)
  if tree.kind == "union" then
    for _, inner in ipairs(tree) do add_types(inner, set) end
  elseif tree.kind == "fun" then
    set["function"] = true
  elseif tree.kind == "array" or tree.kind == "table" then
    set.table = true
  elseif tree.kind == "literal" then
    set[tree.value:find '^"' and "string" or "number"] = true
  elseif tree.name == "true" or tree.name == "false" then
    set.boolean = true
  else
    set[tree.name:find "%." and "table" or tree.name] = true -- a class
  end
  return set
end

local function names_of(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- The annotated options of an entry: name -> { types, optional }
local function annotated(entry)
  local found = {}
  if entry.class then
    for name, field in pairs(annotations.fields(classes, "apivideo." .. entry.class)) do
      found[name] = { types = names_of(add_types(luacats.parse(field.text), {})), optional = field.optional }
    end
    return found
  end
  assert(docs.read(entry.file):find(entry.inline, 1, true), entry.file .. ": no annotation " .. entry.inline)
  for _, member in ipairs(luacats.parse(entry.inline).members) do
    found[member.name] = { types = names_of(add_types(member.type, {})), optional = member.optional }
  end
  return found
end

-- An integer is a number: the check may say either.
local function without_integers(types)
  local set = {}
  for _, name in ipairs(types) do set[name == "integer" and "number" or name] = true end
  return names_of(set)
end

describe("the options of", function()
  for _, entry in ipairs(options.list) do
    it(entry.where .. " have the annotations that the code checks", function()
      local expected, found = {}, {}
      for name, kind in pairs(options.checked(entry)) do
        local types, optional = options.types_of(kind)
        expected[name] = { types = without_integers(types), optional = optional }
      end
      for name, field in pairs(annotated(entry)) do
        found[name] = { types = without_integers(field.types), optional = field.optional }
      end
      assert.same(expected, found)
    end)
  end

  it("every function with a check are compared", function()
    local known = {}
    for _, entry in ipairs(options.list) do known[entry.where] = true end
    for where in pairs(options.others) do known[where] = true end
    local count = 0
    for _, path in ipairs(annotations.files()) do
      local text = docs.read(path)
      for check, arguments in text:gmatch "%f[%w_](%w+)%.options(%b())" do
        local where = check == "checks" and (arguments:match '^%("([^"\\]+)"' or arguments:match "^%('([^']+)'")
        if where then
          count = count + 1
          assert(known[where], ("%s: add %s to spec/support/options.lua"):format(path, where))
        end
      end
    end
    assert(count > 15, count)
  end)

  it("each option class are compared", function()
    local compared = { ["apivideo.NginxOptions"] = true }
    for _, entry in ipairs(options.list) do compared["apivideo." .. (entry.class or "")] = true end
    for class in pairs(classes) do
      local has_options = class:find "Options$" or class:find "Query$" or class:find "Arguments$"
      assert(compared[class] or not has_options, class .. ": add it to spec/support/options.lua")
    end
  end)
end)
