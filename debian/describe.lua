--- Prints the shell completion or the manual page of the command `apivideo`: describe.lua bash|zsh|fish|man

local cli = require "apivideo.cli"
local version = require "apivideo.version"

local parser = cli.parser()

-- Escapes a text for troff, without filling.
local function verbatim(text)
  return ".nf\n" .. text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("\n([.'])", "\n\\&%1") .. "\n.fi\n"
end

local function man()
  local parts = {
    (".TH APIVIDEO 1 \"\" \"apivideo %s\" \"User Commands\"\n"):format(version),
    ".SH NAME\napivideo \\- receive, send and test api.video's webhooks\n",
    ".SH DESCRIPTION\n", verbatim(parser:get_help()),
  }
  for _, sub in ipairs(parser._commands) do
    parts[#parts + 1] = ".SH " .. sub._name:upper() .. "\n" .. verbatim(sub:get_help())
  end
  return table.concat(parts)
end

io.write(({
  bash = function() return parser:get_bash_complete() end,
  zsh = function() return parser:get_zsh_complete() end,
  fish = function() return parser:get_fish_complete() end,
  man = man,
})[arg[1]]())
