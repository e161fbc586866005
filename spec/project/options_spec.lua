-- Options have three descriptions: the code's check, the annotation, and the table of the reference. The check decides.

local annotations = require "spec.support.annotations"
local docs = require "spec.support.docs"
local lua_types = require "spec.support.lua_types"
local luacats = require "spec.support.luacats"
local option_tables = require "spec.support.option_tables"
local options = require "spec.support.options"

local classes = annotations.classes()
local add_types, names_of = lua_types.add, lua_types.list
local annotated_default, tabulated = option_tables.annotated_default, option_tables.rows

-- Arguments in a table of options.
local ARGUMENTS = { filter = true }

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

-- A default of the reference: a number, a string, true or a name; nil for a description.
local function literal_of(text)
  return text:match '^`"([^"`]*)"`$' or text:match "^`([^`{\"]*)`$" or text:match "^%d[%d.]*%f[^%w.]"
end

describe("the options of", function()
  for _, entry in ipairs(options.list) do
    it(entry.where .. " have a row with their type in the reference", function()
      if not entry.section then return end
      local expected, found = {}, {}
      local rows = tabulated(entry.section, entry.prefix or "")
      for name, kind in pairs(options.checked(entry)) do
        local types, optional = options.types_of(kind)
        expected[name] = table.concat(types, " or ") .. (optional and "" or ", required")
      end
      for name, row in pairs(rows) do
        if expected[name] or entry.prefix or not ARGUMENTS[name] then
          found[name] = row.type .. (row.default == "required" and ", required" or "")
        end
      end
      assert.same(expected, found)
    end)

    it(entry.where .. " have a row that names their unit", function()
      if not entry.section then return end
      local rows = tabulated(entry.section, entry.prefix or "")
      for name, kind in pairs(options.checked(entry)) do
        local unit = option_tables.unit(kind)
        local row = assert(rows[name], ("the reference of %s has no row of %s"):format(entry.section, name))
        if unit then assert.truthy(row.about:find(unit, 1, true), name) end
      end
    end)

    it(entry.where .. " have the same defaults in the annotation and the reference", function()
      if not entry.section or not entry.class then return end
      local rows = tabulated(entry.section, entry.prefix or "")
      for name, field in pairs(annotations.fields(classes, "apivideo." .. entry.class)) do
        local default = annotated_default(field.text)
        local shown = literal_of(rows[name] and rows[name].default or "")
        if default then assert.equal(default, shown, name) end
        if shown and shown ~= "false" then assert.equal(shown, default, name) end
      end
    end)
  end

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
    local compared = {}
    for _, entry in ipairs(options.list) do compared["apivideo." .. (entry.class or "")] = true end
    for class in pairs(classes) do
      local has_options = class:find "Options$" or class:find "Query$" or class:find "Arguments$"
      assert(compared[class] or not has_options, class .. ": add it to spec/support/options.lua")
    end
  end)
end)
