--- Finds the functions of a Lua file: their names, parameters, and whether they return a value.

local functions = {}

local OPENING = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true }
local CLOSING = { ["end"] = true, ["until"] = true }
local BLOCK_END = { ["end"] = true, ["until"] = true, ["else"] = true, ["elseif"] = true, [";"] = true }

-- The text with comments and strings replaced by blanks of the same length, so that positions stay.
local function blanked(text)
  local function blank(part) return (part:gsub("[^\n]", " ")) end
  local parts, at = {}, 1
  while true do
    local from = text:find("[-\"'%[]", at)
    if not from then break end
    local _, to
    if text:find("^%-%-%[=*%[", from) or text:find("^%[=*%[", from) then
      local level = text:match("^%-?%-?%[(=*)%[", from)
      _, to = text:find("]" .. level .. "]", from, true)
    elseif text:find("^%-%-", from) then
      to = (text:find("\n", from, true) or #text + 1) - 1
    elseif text:find("^[\"']", from) then
      local quote = text:sub(from, from)
      to = from
      repeat
        to = to + 1
        if text:sub(to, to) == "\\" then to = to + 2 end
      until text:sub(to, to) == quote
    end
    parts[#parts + 1] = text:sub(at, from - 1)
    parts[#parts + 1] = to and blank(text:sub(from, to)) or text:sub(from, from)
    at = (to or from) + 1
  end
  return table.concat(parts) .. text:sub(at)
end

local function parameters_of(list)
  local names = {}
  for name in list:gmatch "[%w_.]+" do names[#names + 1] = name end
  return names
end

-- Whether the function whose body begins at a position returns a value itself, not one of the functions in it; nil if
-- it only returns what other functions return, which may be nothing.
local function returns_value(text, at)
  local depth, nested, calls = 1, {}, false -- nested: the depths of functions in it
  for position, word in text:sub(at):gmatch "()%f[%w_]([%a_][%w_]*)" do
    if OPENING[word] then
      depth = depth + 1
      if word == "function" then nested[#nested + 1] = depth end
    elseif CLOSING[word] then
      if nested[#nested] == depth then nested[#nested] = nil end
      depth = depth - 1
      if depth == 0 then return calls end
    elseif word == "return" and #nested == 0 then
      local after = at + position - 1 + #word
      local is_call = BLOCK_END[text:match("^%s*[%w_.:]+%s*%b()%s*(%a*)", after)]
      if is_call then calls = nil end
      if not is_call and not BLOCK_END[text:match("^%s*(%S*)", after)] then return true end
    end
  end
end

--- The functions of a file, by the line of their headers: { name, params, is_local, returns }. The name is
--- as in the header: `Handlers:on`, `url.parse`; without one, it is empty.
---@param text string
---@return table<integer, table>
function functions.of(text)
  local list, line, last = {}, 1, 1
  text = blanked(text)
  for position, before, name, params, body in text:gmatch "()([^\n]-)%f[%w_]function%f[^%w_]%s*([%w_.:]*)%s*(%b())()" do
    line = line + select(2, text:sub(last, position - 1):gsub("\n", ""))
    last = position
    if not list[line] then
      list[line] = {
        name = name, params = parameters_of(params), is_local = before:find "local" ~= nil,
        returns = returns_value(text, body),
      }
    end
  end
  return list
end

return functions
