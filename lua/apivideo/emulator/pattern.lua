--- Checks Lua patterns. Lua reports a malformed one only when a match reaches the malformed place.

local pattern = {}

-- Where a set that begins before `at` ends; nil without its "]".
local function end_of_set(text, at)
  at = text:match("^%^?%]?()", at)
  while true do
    local after = text:match("^%%.()", at) or text:match("^[^%]%%]()", at)
    if not after then return text:match("^%]()", at) end
    at = after
  end
end

local NO_SET_END = '"[" without "]"'

-- Each kind of item: the pattern of its begin; and a function of the text, the position after that, and the captures so
-- far (true for an open one), which returns where the item ends; or nil and what is wrong.
local ITEMS = {
  { "^%%b()", function(text, at)
    local after = text:match("^..()", at)
    return after, '"%b" without two characters'
  end },
  { "^%%f()", function(text, at)
    if text:sub(at, at) ~= "[" then return nil, '"%f" without a set' end
    return end_of_set(text, at + 1), NO_SET_END
  end },
  { "^%%%d()", function(text, at, captures)
    local is_complete = captures[tonumber(text:sub(at - 1, at - 1))] == false
    return is_complete and at or nil, ('"%s" without such a capture before it'):format(text:sub(at - 2, at - 1))
  end },
  { "^%%()", function(text, at)
    local after = text:match("^.()", at)
    return after, '"%" at the end'
  end },
  { "^%[()", function(text, at) return end_of_set(text, at), NO_SET_END end },
  { "^%(()", function(_, at, captures)
    captures[#captures + 1] = true
    return at
  end },
  { "^%)()", function(_, at, captures)
    for i = #captures, 1, -1 do
      if captures[i] then
        captures[i] = false
        return at
      end
    end
    return nil, '")" without "("'
  end },
  { "^.()", function(_, at) return at end },
}

-- Where the item at a position ends; or nil and what is wrong with it.
local function end_of_item(text, at, captures)
  for _, item in ipairs(ITEMS) do
    local after = text:match(item[1], at)
    if after then return item[2](text, after, captures) end
  end
end

--- What is wrong with a Lua pattern, or nil.
---@param text string
---@return string?
function pattern.problem(text)
  local at, captures = 1, {}
  while at <= #text do
    local after, problem = end_of_item(text, at, captures)
    if not after then return problem end
    at = after
  end
  for _, is_open in ipairs(captures) do
    if is_open then return '"(" without ")"' end
  end
  return nil
end

return pattern
