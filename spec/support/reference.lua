--- The page of the reference with all functions and options, from the annotations, the checks of the code, and the
--- other pages.

local docs = require "spec.support.docs"
local error_kinds = require "spec.support.error_kinds"
local option_tables = require "spec.support.option_tables"
local options = require "spec.support.options"
local signatures = require "spec.support.signatures"

local reference = {}

local HEAD = [[
# Reference: all functions and options

`make reference` writes this page, from the annotations of the code and the other pages of the reference. Each function
has a link to its description. "every call" stands for the [kinds of errors](client.md#the-error) of every call.
]]

local members = signatures.all()
local every_call = error_kinds.every_call(members)
local shared = { "Options of a call", "Options of lists", "Filters" } -- sections with options of several functions

-- A type without the library's name, in a code span of a table.
local function span(text)
  return "`" .. text:gsub("apivideo%.", ""):gsub("|", "\\|") .. "`"
end

local function arguments_of(member)
  local list = {}
  for _, parameter in ipairs(member.params) do
    if parameter.text == "nil" then break end -- arguments after the last one raise an error
    list[#list + 1] = span(parameter.name .. (parameter.optional and "?" or "") .. ": " .. parameter.text)
  end
  return table.concat(list, ", ")
end

local function results_of(member)
  local list = {}
  for _, result in ipairs(member.results) do
    local text = result.text
    if not text:find "^apivideo%.Error" then list[#list + 1] = span(text) end
  end
  return #list > 0 and table.concat(list, ", ") or "nothing"
end

-- The kinds of errors: "every call" in place of those of every call, and what is missing of them.
local function errors_of(name)
  local kinds, list, missing, count = error_kinds.annotated(members, name), {}, {}, 0
  for kind in pairs(every_call) do
    if kinds[kind] then count = count + 1 else missing[#missing + 1] = span(kind) end
  end
  local has_every_call = count > 0 and #missing <= 1
  for kind in pairs(kinds) do
    if not (has_every_call and every_call[kind]) then list[#list + 1] = span(kind) end
  end
  table.sort(list)
  if has_every_call then list[#list + 1] = "every call" .. (missing[1] and " except " .. missing[1] or "") end
  return #list > 0 and table.concat(list, ", ") or "none"
end

local function link(heading)
  return ("[`%s`](%s#%s)"):format(heading.name, heading.path:match "[^/]+$", heading.anchor)
end

local function row(cells)
  return ("| " .. table.concat(cells, " | ") .. " |"):gsub("|  ", "| "):gsub("  |", " |")
end

local function functions()
  local lines = { "", "## Functions", "", "| function | arguments | results | errors |", "|---|---|---|---|" }
  for _, heading in ipairs(docs.headings()) do
    local member = members[heading.name]
    if member and member.callable then
      lines[#lines + 1] = row { link(heading), arguments_of(member), results_of(member),
        errors_of(heading.name) }
    end
  end
  return table.concat(lines, "\n")
end

local function add_options(lines, entry, heading)
  local found, names = option_tables.of(entry), {}
  for name in pairs(found) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local option = found[name]
    lines[#lines + 1] = row { link(heading), span((entry.under or entry.prefix or "") .. name),
      option.type, option.default, option.unit }
  end
end

local function option_rows()
  local lines = { "", "## Options", "", "| of | option | type | default | unit |", "|---|---|---|---|---|" }
  local headings = docs.headings()
  for _, name in ipairs(shared) do
    headings[#headings + 1] = docs.heading(name)
  end
  for _, heading in ipairs(headings) do
    local is_done = {} -- several functions may take the same table
    for _, entry in ipairs(options.list) do
      if (entry.section or entry.of) == heading.name and not is_done[entry.class or entry] then
        is_done[entry.class or entry] = true
        add_options(lines, entry, heading)
      end
    end
  end
  return table.concat(lines, "\n")
end

--- The text of the page.
---@return string
function reference.text()
  return HEAD .. functions() .. "\n" .. option_rows() .. "\n"
end

return reference
