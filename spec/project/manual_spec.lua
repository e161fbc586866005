-- Compares what make manual writes with the command's argument parser, and formats the manual page.

local commands = require "apivideo.cli.commands"
local file = require "spec.support.file"
local shell = require "spec.support.shell"

-- Argparse 0.6 has other texts of options.
local is_old = require("argparse").version:find "^0%.[0-6]%f[%D]" and "argparse 0.7 is not installed"
local manual = not is_old and dofile "tools/manual.lua"

local function it_with_argparse(name, check)
  it(name, is_old and function() pending(is_old) end or check)
end

-- The output of a formatter, with its warnings; nil if it is not installed.
local function formatted(program, command)
  if not shell.has(program) then return nil end
  local pipe = io.popen(command:format("docs/apivideo.1"))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

describe("make manual", function()
  it_with_argparse("has written the table of commands of the guide", function()
    local guide = file.read(manual.guide)
    assert(manual.with_table(guide) == guide, manual.guide .. " is stale: run make manual")
    for _, command in ipairs(commands) do
      assert.truthy(guide:find(("| [`%s`](#apivideo-%s)"):format(command.name, command.name), 1, true),
        ("%s has no section: ## apivideo %s"):format(manual.guide, command.name))
    end
  end)

  it_with_argparse("has written the manual page", function()
    assert(manual.text() == file.read(manual.page), manual.page .. " is stale: run make manual")
  end)

  it_with_argparse("escapes what troff would read as a request or an escape", function()
    assert.equal("\\&.so x\n\\&.y \\(aqz\\(aq a\\eb \\-\\-c \\[u2026] \\[u1F600] \\(ga", manual.escaped(
      ".so x\n.y 'z' a\\b --c … 😀 `"))
  end)
end)

describe("the manual page #process", function()
  it("has each command and option, and is formatted without warnings", function()
    local count = 0
    for program, command in pairs {
      groff = "groff -ww -man -Tutf8 -P-cbou %s 2>&1",
      man = "LC_ALL=C.UTF-8 MANPAGER=cat man --warnings -l %s 2>&1 | col -b",
    } do
      local text = formatted(program, command)
      if text then
        count = count + 1
        assert.is_nil(text:find(": warning", 1, true), text)
        text = text:gsub("%s+", " ") -- justified
        for _, word in ipairs { "NAME", "apivideo completion [options] <shell>", "--max-attempts <count>",
          "APIVIDEO_WEBHOOK_SECRET", "Checks the versions of the libraries" } do
          assert.truthy(text:find(word, 1, true), word .. "\n" .. text)
        end
      end
    end
    if count == 0 then pending "neither groff nor man is installed" end
  end)

  it("has no error for mandoc", function()
    local output = formatted("mandoc", "mandoc -T lint -W error %s 2>&1; echo $?")
    if not output then return pending "mandoc is not installed" end
    assert.equal("0\n", output)
  end)
end)
