--- Makes the manual page docs/apivideo.1 from the command's argument parser, and the table of commands in
--- docs/guides/command.md from their list. Run as a script, it writes both: tools/with-lua 5.4 tools/manual.lua

local cli = require "apivideo.cli"
local commands = require "apivideo.cli.commands"
local file = require "spec.support.file"

local manual = { guide = "docs/guides/command.md", page = "docs/apivideo.1" }

local BEGIN, END = "<!-- commands -->\n", "<!-- end of commands -->\n"

-- ---- the table of the guide ----

-- The name of a command in the table, with those of its group, and a link to its section if it has one.
local function cell_of(command, guide)
  local name, heading = "`" .. command.name .. "`", "apivideo " .. command.name
  if guide:find("\n## " .. heading .. "\n", 1, true) then
    name = ("[%s](#%s)"):format(name, (heading:gsub(" ", "-")))
  end
  local parts = {}
  for _, sub in ipairs(command.group and require(command.group) or {}) do parts[#parts + 1] = "`" .. sub.name .. "`" end
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

-- ---- the manual page, in the macros of man(7) ----

local ESCAPES = { ["\\"] = "\\e", ["-"] = "\\-", ["'"] = "\\(aq", ["`"] = "\\(ga", ["^"] = "\\(ha", ["~"] = "\\(ti" }

-- The escape of a character that is not ASCII, given in UTF-8.
local function escape_of(char)
  local code = char:byte() % (#char == 2 and 32 or #char == 3 and 16 or 8)
  for i = 2, #char do code = code * 64 + char:byte(i) % 64 end
  return ("\\[u%04X]"):format(code)
end

--- A text in which troff reads no request and no escape.
---@param text string
---@return string
function manual.escaped(text)
  text = text:gsub("[\\%-'`^~]", ESCAPES):gsub("[\194-\244][\128-\191]+", escape_of)
  return (("\n" .. text):gsub("\n%.", "\n\\&."):sub(2))
end

local escaped = manual.escaped

-- Paragraphs are separated by empty lines.
local function paragraphs(text)
  return (escaped(text):gsub("\n\n+", "\n.PP\n")) .. "\n"
end

-- Paragraphs, with indented lines as they are.
local function notes_of(text)
  local lines, is_filled = {}, true
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local is_plain = not line:find "^ "
    if is_plain ~= is_filled then lines[#lines + 1] = is_plain and ".fi" or ".nf" end
    is_filled = is_plain
    lines[#lines + 1] = line == "" and ".PP" or escaped(line)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- The text of one macro argument.
local function quoted(text)
  return '"' .. escaped(text):gsub('"', "\\(dq") .. '"'
end

-- The placeholder of the value of an option or argument.
local function value_of(element)
  return type(element._argname) == "string" and element._argname or ("<%s>"):format(element._name:gsub("^%-+", ""))
end

-- One item of a list: what is typed, and its description.
local function item(label, element)
  -- Argparse's own text of an element: with its default.
  return (".TP\n.B %s\n%s\n"):format(quoted(label), (escaped(element:_get_description()):gsub("\n+", "\n.br\n")))
end

-- The options, but for some names.
local function options_of(parser, except)
  local parts = {}
  for _, option in ipairs(parser._options) do
    local label = table.concat(option._aliases, ", ")
    if option._maxargs > 0 then label = label .. " " .. value_of(option) end
    if not except[option._aliases[#option._aliases]] then parts[#parts + 1] = item(label, option) end
  end
  return table.concat(parts)
end

-- A command with its arguments: `apivideo trigger [options] <type>`.
local function synopsis_of(sub, path)
  local words = { path, #sub._options > 0 and "[options]" or nil }
  for _, argument in ipairs(sub._arguments) do
    local value = value_of(argument) .. (argument._maxargs > 1 and " ..." or "")
    words[#words + 1] = argument._minargs == 0 and "[" .. value .. "]" or value
  end
  return table.concat(words, " ")
end

-- The options of each command, which are described once.
local OF_EACH = { ["--help"] = true, ["--json"] = true }

-- The sections of the commands of a parser. A group has none itself.
local function sections_of(parser, path)
  local parts = {}
  for _, sub in ipairs(parser._commands) do
    local name = path .. " " .. sub._name
    if #sub._commands > 0 then
      parts[#parts + 1] = sections_of(sub, name)
    else
      parts[#parts + 1] = (".SS %s\n%s"):format(quoted(name), paragraphs(sub._description))
      parts[#parts + 1] = (".PP\n.B %s\n"):format(quoted(synopsis_of(sub, name)))
      for _, argument in ipairs(sub._arguments) do parts[#parts + 1] = item(value_of(argument), argument) end
      parts[#parts + 1] = options_of(sub, OF_EACH)
      if sub._epilog then parts[#parts + 1] = ".PP\n" .. notes_of(sub._epilog) end
    end
  end
  return table.concat(parts)
end

--- The text of the manual page. It has no version and no date, so that it changes only with the command.
---@return string
function manual.text()
  local parser = cli.parser()
  return table.concat {
    ".\\\" Written by make manual.\n",
    ".TH APIVIDEO 1 \"\" \"apivideo\" \"User Commands\"\n",
    ".SH NAME\napivideo \\- receive, send and manage api.video\\(aqs webhooks\n",
    ".SH SYNOPSIS\n.B apivideo\n.I command\n.RI [ options ]\n.RI [ arguments ]\n",
    ".SH DESCRIPTION\n", paragraphs(parser._description),
    ".SH OPTIONS\n", options_of(parser, {}),
    ".SH COMMANDS\n", paragraphs "Each has --help, and --json, which prints one JSON object per line, for programs.",
    sections_of(parser, "apivideo"),
    ".SH NOTES\n", notes_of(parser._epilog),
  }
end

if arg and arg[0] and arg[0]:find "manual%.lua$" then
  file.write(manual.guide, manual.with_table(file.read(manual.guide)))
  file.write(manual.page, manual.text())
end

return manual
