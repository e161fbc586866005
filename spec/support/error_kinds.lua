--- The kinds of errors: the closed list, and the kinds that a text names.

local file = require "spec.support.file"

local error_kinds = {}

--- The closed list, with the comment of each kind: the alias `apivideo.ErrorKind`.
---@return table<string, string>
function error_kinds.list()
  local list = {}
  local text = file.read "lua/apivideo/error.lua"
  for kind, comment in text:gmatch '\n%-%-%-| "([%w_]+)" +([^\n]+)' do list[kind] = comment end
  return list
end

local known = error_kinds.list()

--- The kinds that a text names in backquotes. `every_call` is added for the words "every call", and the kinds after
--- "except" are left out.
---@param text string
---@param every_call table<string, true>
---@return table<string, true>
function error_kinds.named(text, every_call)
  local found, excepted = {}, {}
  text = text:gsub("%s+", " "):gsub("except (`[%w_]+`)", function(kind)
    excepted[kind:sub(2, -2)] = true
    return ""
  end)
  if text:find "every call" then
    for kind in pairs(every_call) do found[kind] = not excepted[kind] or nil end
  end
  for kind in text:gmatch "`([%w_]+)`" do
    if known[kind] then found[kind] = true end
  end
  return found
end

-- What the annotation of a function says about its errors: the text after results that are errors, and after a type
-- `fun(…)`.
local function text_of(member)
  local texts = { member.about or "" }
  for _, result in ipairs(member.results) do
    if result.text:find("apivideo.Error", 1, true) or result.type.kind == "fun" then
      texts[#texts + 1] = result.about or ""
    end
  end
  return table.concat(texts, "; ")
end

--- The kinds that the annotation of a public function names.
---@param members table<string, table> of spec.support.signatures
---@param name string
---@return table<string, true>
function error_kinds.annotated(members, name)
  return error_kinds.named(text_of(members[name]), error_kinds.every_call(members))
end

--- The kinds of every call of the management API: those of `client:request`.
---@param members table<string, table>
---@return table<string, true>
function error_kinds.every_call(members)
  return error_kinds.named(text_of(members["client:request"]), {})
end

return error_kinds
