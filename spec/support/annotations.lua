--- Reads the annotations (`---@…`) of Lua files: blocks of comments with the line of code after them.

local file = require "spec.support.file"
local luacats = require "spec.support.luacats"

local annotations = {}

--- The Lua files with annotations, sorted.
---@return string[]
function annotations.files()
  local list = {}
  local pipe = assert(io.popen "find lua types -name '*.lua' | sort")
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

-- A line of a comment: an annotation, a value of an alias (`---| "value"`), or text: before the annotations about the
-- whole, after one of them `more` of that one.
local function add_line(block, comment, number)
  local tag, text = comment:match "^@([%a-]+)%s*(.*)$"
  local previous = block[#block]
  if tag then
    block[#block + 1] = { tag = tag, text = text, line = number }
  elseif comment:find "^|" then
    block[#block + 1] = { tag = "|", text = comment:sub(2), line = number }
  elseif previous then
    previous.more = (previous.more or "") .. " " .. comment:match "^%s*(.-)$"
  end
end

--- The blocks of a file: lists of { tag, text, line }, with `code`, the line after the block, and the `first` and the
--- `last` line of the comment.
---@param path string
---@return table[]
function annotations.blocks(path)
  local blocks, block, number = {}, nil, 0
  for line in (file.read(path) .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local comment = line:match "^%s*%-%-%-(.*)$"
    if comment then
      block = block or { path = path, first = number }
      add_line(block, comment, number)
    elseif block then
      block.code, block.last = line, number - 1
      blocks[#blocks + 1], block = block, nil
    end
  end
  return blocks
end

-- { name, optional, text } of an annotation `name? type`, of a field or a parameter.
local function member_of(text)
  local name, mark, rest = text:match "^([%w_.]+)(%??)%s+(.*)$"
  return name and { name = name, optional = mark == "?", text = rest }
end

--- The classes of all files, by name: { path, line, parent, fields }, with the fields as { name, optional, text, line }.
---@return table<string, table>
function annotations.classes()
  local classes = {}
  for _, path in ipairs(annotations.files()) do
    for _, block in ipairs(annotations.blocks(path)) do
      local class
      for _, item in ipairs(block) do
        if item.tag == "class" then
          local name, parent = item.text:match "^([%w_.]+)%s*:%s*([%w_.]+)"
          name = name or item.text:match "^[%w_.]+"
          assert(not classes[name], ("%s:%d: the class %s is defined twice"):format(path, item.line, name))
          class = { path = path, line = item.line, parent = parent, fields = {} }
          classes[name] = class
        elseif item.tag == "field" and class then
          local member = member_of((item.text:gsub("^private%s+", ""):gsub("^package%s+", "")))
          if member then
            member.line = item.line
            class.fields[#class.fields + 1] = member
          end
        end
      end
    end
  end
  return classes
end

--- The fields of a class and of its parents that have a name, by name.
---@param classes table<string, table>
---@param name string
---@return table<string, table>
function annotations.fields(classes, name)
  local fields, class = {}, assert(classes[name], "no class " .. name)
  if class.parent then fields = annotations.fields(classes, class.parent) end
  for _, field in ipairs(class.fields) do fields[field.name] = field end
  return fields
end

--- The type at the beginning of a text, as a tree.
---@param text string
---@return table
function annotations.type_of(text)
  return (luacats.parse(text))
end

annotations.member_of = member_of

return annotations
