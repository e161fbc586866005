--- Reads types of LuaCATS annotations, as lua-language-server does.

local luacats = {}

local parse_type

-- Position after white space.
local function skip(text, at)
  return text:find("%S", at) or #text + 1
end

local function fail(text, at, expected)
  error(("%s expected at %q"):format(expected, text:sub(at)), 0)
end

-- The position after `symbol`, or nil.
local function accept(text, at, symbol)
  at = skip(text, at)
  return text:sub(at, at + #symbol - 1) == symbol and at + #symbol or nil
end

local function expect(text, at, symbol)
  return accept(text, at, symbol) or fail(text, at, symbol)
end

-- `name: type`, `name?: type`, or with `bare` also `name` alone or a type without a name.
local function parse_member(text, at)
  at = skip(text, at)
  local name, mark, after = text:match("^([%w_.]+)(%??)()", at)
  if not name then fail(text, at, "a name") end
  local member = { name = name, optional = mark == "?" }
  local value = accept(text, after, ":")
  if not value then return member, after end
  member.type, after = parse_type(text, value)
  return member, after
end

-- Members between brackets, separated by commas.
local function parse_members(text, at, closing)
  local members = {}
  local after = accept(text, at, closing)
  while not after do
    members[#members + 1], at = parse_member(text, at)
    after = accept(text, at, closing)
    if not after then at = expect(text, at, ",") end
  end
  return members, after
end

-- The results of a function: types, which may have a name; in parentheses if it is a part of another type.
local function parse_results(text, at)
  local results = {}
  local in_parentheses = accept(text, at, "(")
  at = in_parentheses or at
  repeat
    local named = text:match("^%s*[%a_][%w_]*%s*:()", at)
    results[#results + 1], at = parse_type(text, named or at)
    local comma = accept(text, at, ",")
    at = comma or at
  until not comma
  if in_parentheses then at = expect(text, at, ")") end
  return results, at
end

local function parse_function(text, at)
  local result = { kind = "fun", params = {}, results = {} }
  at = expect(text, at, "(")
  result.params, at = parse_members(text, at, ")")
  local results = accept(text, at, ":")
  if results then result.results, at = parse_results(text, results) end
  return result, at
end

-- `name`, `name<type, type>`
local function parse_name(text, at)
  local name, after = text:match("^([%a_][%w_.-]*)()", at)
  if not name then fail(text, at, "a type") end
  local result = { kind = "name", name = name, arguments = {} }
  local argument = accept(text, after, "<")
  while argument do
    result.arguments[#result.arguments + 1], after = parse_type(text, argument)
    argument = accept(text, after, ",")
    if not argument then after = expect(text, after, ">") end
  end
  return result, after
end

local function parse_unit(text, at)
  at = skip(text, at)
  local literal, after = text:match('^("[^"]*")()', at)
  if not literal then literal, after = text:match("^(%d+)()", at) end
  if literal then return { kind = "literal", value = literal }, after end
  if text:find("^fun%(", at) then return parse_function(text, at + 3) end
  local inner = accept(text, at, "(")
  if inner then
    local result, closing = parse_type(text, inner)
    return result, expect(text, closing, ")")
  end
  inner = accept(text, at, "{")
  if not inner then return parse_name(text, at) end
  local members
  members, after = parse_members(text, inner, "}")
  return { kind = "table", members = members }, after
end

function parse_type(text, at)
  local union = { kind = "union" }
  repeat
    local unit
    unit, at = parse_unit(text, at)
    while true do
      local array, optional = text:match("^%[%]()", at), text:match("^%?()", at)
      if array then
        unit, at = { kind = "array", item = unit }, array
      elseif optional then
        union.optional, at = true, optional
      else
        break
      end
    end
    union[#union + 1] = unit
    local bar = text:match("^%s*|()", at)
    at = bar or at
  until not bar
  return #union == 1 and not union.optional and union[1] or union, at
end

--- The type at the beginning of a text, and the rest of the text.
---@param text string
---@return table type a tree: `kind` is union, name, array, table, fun or literal
---@return string rest
function luacats.parse(text)
  local result, at = parse_type(text, 1)
  local rest = text:sub(at)
  if rest:find "^[^%s,]" then fail(text, at, "a space") end
  return result, rest:match "^%s*(.-)%s*$"
end

--- Calls `visit` for each name in a type.
---@param tree table
---@param visit fun(name: string)
function luacats.names(tree, visit)
  if tree.kind == "name" then visit(tree.name) end
  for _, key in ipairs { "arguments", "results" } do
    for _, inner in ipairs(tree[key] or {}) do luacats.names(inner, visit) end
  end
  for _, key in ipairs { "members", "params" } do
    for _, member in ipairs(tree[key] or {}) do
      if member.type then luacats.names(member.type, visit) end
    end
  end
  if tree.kind == "union" then
    for _, inner in ipairs(tree) do luacats.names(inner, visit) end
  end
  if tree.item then luacats.names(tree.item, visit) end
end

return luacats
