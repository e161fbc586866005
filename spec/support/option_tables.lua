--- The tables of options in the reference.

local annotations = require "spec.support.annotations"
local docs = require "spec.support.docs"
local options = require "spec.support.options"

local option_tables = {}

local SHARED = { ["query."] = "Options of lists" }

--- The options in the table of a section: name -> { type, default, about }. A row may name several options; the name
--- `query.…` or `options.…` stands for those of another section.
---@param section string
---@param prefix string of the options' names
---@param is_alone? boolean without those of another section
---@return table<string, { type: string, default: string, about: string }>
function option_tables.rows(section, prefix, is_alone)
  local found = {}
  local text = assert(docs.section(section), "the reference has no section " .. section)
  for names, type_text, default, about in text:gmatch "\n| (`[^|]*) | ([^|]*) ?| ([^|]*) ?| ([^\n]*)|%f[\n]" do
    for name in names:gmatch "`([^`]+)`" do
      local is_option = name:sub(1, #prefix) == prefix
      local option = is_option and name:sub(#prefix + 1)
      if option == "…" then
        local shared = is_alone and {} or option_tables.rows(SHARED[prefix] or "Options of a call", "")
        for other, row in pairs(shared) do found[other] = row end
      elseif is_option then
        found[option] = { type = type_text:match "^(.-) *$", default = default:match "^(.-) *$", about = about }
      end
    end
  end
  return found
end

local UNITS = { "seconds", "bytes" }

--- The unit of an option, by the kind that the code checks; nil without one.
---@param kind string
---@return string|nil
function option_tables.unit(kind)
  for _, unit in ipairs(UNITS) do
    if kind:find(unit, 1, true) then return unit end
  end
end

local NAMED = { ["1 MiB"] = "1048576", ["7 days"] = "604800" }

--- The default in the text of an annotation. Pages are counted from their default.
---@param text string
---@return string|nil
function option_tables.annotated_default(text)
  local default = text:match "(%d+) by default" or text:match "default:? ([^,;:(]+)" or text:match "^%w+ from (%d+)"
  if not default then return nil end
  for unit, number in pairs(NAMED) do
    if default:find("^" .. unit) then return number end
  end
  return default:match '^"([^"]*)"' or default:match "^%d[%d.]*%d%f[^%w]" or default:match "^%d+%f[^%w.]"
    or default:match "^true%f[%A]" or default:match "^apivideo%.%l+"
end

-- The rows of an entry of spec.support.options without a table in the reference, from its annotation.
local function annotated_rows(entry, checked)
  local class, defaults, found = annotations.classes()["apivideo." .. (entry.class or "")], {}, {}
  for _, field in ipairs(class and class.fields or {}) do
    defaults[field.name] = option_tables.annotated_default(field.text) or ""
  end
  for name, kind in pairs(checked) do
    local types, is_optional = options.types_of(kind)
    if not class or defaults[name] then -- not the options of the parent
      local default = is_optional and (defaults[name] or "") or "required"
      found[name] = { type = table.concat(types, " or "), default = default }
    end
  end
  return found
end

--- The options of an entry of spec.support.options: name -> { type, default, unit }.
---@param entry table
---@return table<string, { type: string, default: string, unit: string }>
function option_tables.of(entry)
  local checked, found = options.checked(entry), {}
  local rows = entry.section and option_tables.rows(entry.section, entry.prefix or "", true)
    or annotated_rows(entry, checked)
  for name, row in pairs(rows) do
    if checked[name] then
      found[name] = { type = row.type, default = row.default, unit = option_tables.unit(checked[name]) or "" }
    end
  end
  return found
end

return option_tables
