--- Checks sizes: sizes.lua <file> …
--- Prints each file of more than 400 lines, and each function of C or Lua of more than 50 lines, and fails.
---
--- It finds the end of a function by its indentation, which clang-format and our style guarantee. A function that begins
--- with a call, such as describe("…", function(), does not count as one, and the lines of a spec do not count for the
--- function around it.

local FILE_MAX_LINES, FUNCTION_MAX_LINES = 400, 50

local found = 0

local function report(path, line, what, count, most)
  found = found + 1
  print(("%s:%d: %s has %d lines; the limit is %d"):format(path, line, what, count, most))
end

-- The number of the line that ends what begins at `first`, by the line's indentation.
local function end_of(lines, first, pattern)
  local indent = lines[first]:match "^ *"
  for i = first + 1, #lines do
    if lines[i]:find("^" .. indent .. pattern) then return i end
  end
  return #lines
end

-- The name of the Lua function that begins in a line, or nil.
local function lua_function(line)
  return line:match "^ *local function ([%w_]+)" or line:match "^ *function ([%w_.:]+)"
    or line:match "^ *local ([%w_]+) = function%(" or line:match "^ *([%w_.]+) = function%("
    or line:match "^ *(return) function%("
end

-- Whether a describe or an it begins in a line.
local function is_spec(line)
  return line:find "function%(%)$" and (line:find "^ *it%(" or line:find "^ *[%w_.]*describe[%w_]*%(")
end

local function check_lua(path, lines)
  for i, line in ipairs(lines) do
    local name = lua_function(line)
    if name and not line:find "%f[%w]end%f[%W]" then
      local last = end_of(lines, i, "end")
      local count, at = 0, i
      while at <= last do
        if is_spec(lines[at]) then at = end_of(lines, at, "end%)") end
        count, at = count + 1, at + 1
      end
      if count > FUNCTION_MAX_LINES then report(path, i, name, count, FUNCTION_MAX_LINES) end
    end
  end
end

local function check_c(path, lines)
  local first -- line of the declaration at the left margin
  for i, line in ipairs(lines) do
    if line:find "^[%a_]" and not first then
      first = i
    elseif line == "}" and first then
      local name = table.concat(lines, " ", first, i):match "^[^{;=]-([%w_]+)%("
      local count = i - first + 1
      if name and count > FUNCTION_MAX_LINES then report(path, first, name, count, FUNCTION_MAX_LINES) end
    end
    if line == "" and lines[i - 1] and not lines[i - 1]:find "^ " or line:find "^}" or line:find "^[^ ].*;$" then
      first = nil
    end
  end
end

for _, path in ipairs(arg) do
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  if #lines > FILE_MAX_LINES then report(path, 1, "the file", #lines, FILE_MAX_LINES) end
  if path:find "%.lua$" then check_lua(path, lines) elseif path:find "%.[ch]$" then check_c(path, lines) end
end
os.exit(found == 0 and 0 or 1)
