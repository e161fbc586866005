--- Makes the table of commands in docs/guides/command.md from the list of commands. Run as a script, it writes it into
--- the page: tools/with-lua 5.4 tools/manual.lua

local commands = require "apivideo.cli.commands"

local manual = { guide = "docs/guides/command.md" }

local BEGIN, END = "<!-- commands -->\n", "<!-- end of commands -->\n"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  assert(file:close())
end

-- The name of a command in the table, with those of its group, and a link to its section if it has one.
local function cell_of(command, guide)
  local name, heading = "`" .. command.name .. "`", "apivideo " .. command.name
  if guide:find("\n## " .. heading .. "\n", 1, true) then
    name = ("[%s](#%s)"):format(name, (heading:gsub(" ", "-")))
  end
  local parts = {}
  for _, sub in ipairs(command.commands or {}) do parts[#parts + 1] = "`" .. sub.name .. "`" end
  return table.concat({ name, table.concat(parts, ", ") }, parts[1] and ": " or "")
end

--- The text of the guide with the table of the commands.
---@param guide string its text
---@return string
function manual.with_table(guide)
  local lines = { "| command | what it does |", "|---|---|" }
  for _, command in ipairs(commands) do
    lines[#lines + 1] = ("| %s | %s |"):format(cell_of(command, guide), (command.summary:gsub("|", "\\|")))
  end
  local _, from = guide:find(BEGIN, 1, true)
  local to = guide:find(END, 1, true)
  assert(from and to, "no table of commands in " .. manual.guide)
  return guide:sub(1, from) .. table.concat(lines, "\n") .. "\n" .. guide:sub(to)
end

if arg and arg[0] and arg[0]:find "manual%.lua$" then
  write(manual.guide, manual.with_table(read(manual.guide)))
end

return manual
