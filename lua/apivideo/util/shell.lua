--- Words of the command lines that messages print.

local shell = {}

--- A text as one word of a shell.
---@param text string
---@return string
function shell.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Paths as words of a shell. A program would take one that begins with "-" for an option.
---@param paths string[]
---@return string
function shell.paths(paths)
  local words = {}
  for i, path in ipairs(paths) do words[i] = shell.quote((path:gsub("^%-", "./-"))) end
  return table.concat(words, " ")
end

return shell
