-- `apivideo completion`: each shell, on a terminal, completes what is typed, and runs it.

local file = require "spec.support.file"
local has = require("spec.support.shell").has
local packages = require "apivideo.util.packages"
local process = require "spec.support.process"
local temporary = require "spec.support.temporary"

-- How to start each shell without the user's files, and what makes it read a script.
local SHELLS = {
  bash = { start = "bash --norc --noprofile -i", read = "source %s" },
  zsh = { start = "zsh -f -i", read = "autoload -U compinit; compinit -D -u; source %s" },
  fish = { start = "fish --no-config -i", read = "source %s" },
}

-- A group of commands, beside the real ones; and texts that a shell might expand.
local GROUP = [[
  local commands = require "apivideo.cli.commands"
  local summary = "It's \"a\" $HOME `date` [b]: (c) 100% ! * ; & | < >."
  package.preload.probe = function()
    return { define = function(sub)
      sub:description(summary)
      sub:option("--colour", summary)
    end }
  end
  package.preload.probes = function()
    return { { name = "first", module = "probe", summary = summary },
      { name = "second", module = "probe", summary = summary } }
  end
  commands[#commands + 1] = { name = "group", group = "probes", summary = summary }]]

describe("apivideo completion #process", function()
  local directory

  before_each(function()
    directory = temporary.directory()
    file.write(directory .. "/apivideo", '#!/bin/sh\necho "$*" >> ' .. directory .. "/ran\n")
    os.execute("chmod +x " .. directory .. "/apivideo")
    file.write(directory .. "/ran", "")
  end)
  after_each(function() os.execute("rm -rf " .. directory) end)

  -- The script for a shell, in a file.
  local function script_of(shell)
    local output, status = process.run { "-e", GROUP, "bin/apivideo", "completion", shell }
    assert.equal(0, status, output)
    file.write(directory .. "/script", output)
    return directory .. "/script"
  end

  for shell, how in pairs(SHELLS) do
    it("completes commands, those of a group, options, and their values in " .. shell, function()
      for _, command in ipairs { shell, "script" } do
        if not has(command) then return pending(command .. " is not installed") end
      end
      file.write(directory .. "/typed", how.read:format(script_of(shell)) .. "\n"
        .. "apivideo doct\t--stor\tx\n"
        .. "apivideo gro\tsec\t--col\tred\n"
        .. "apivideo trigger a --max-a\t2\n"
        .. "apivideo inbox list --state dea\t--type video.caption.gen\t--id 1\n"
        .. "apivideo webhooks list --environment sand\t\n"
        .. "exit\n")
      os.execute(("cd %s && PATH=%s:$PATH HOME=%s TERM=xterm timeout 60 script -qec '%s' /dev/null < typed"
        .. " > shown 2>&1"):format(directory, directory, directory, how.start))
      assert.equal("doctor --store x\ngroup second --colour red\ntrigger a --max-attempts 2\n"
        .. "inbox list --state dead --type video.caption.generated --id 1\nwebhooks list --environment sandbox\n",
        file.read(directory .. "/ran"), file.read(directory .. "/shown"))
    end)

    it("is read without output in " .. shell, function()
      if not has(shell) then return pending(shell .. " is not installed") end
      local start = how.start:gsub(" %-i$", "")
      local pipe = io.popen(("cd %s && HOME=%s %s -c '%s' 2>&1; echo $?"):format(directory, directory, start,
        how.read:format(script_of(shell))))
      local output = pipe:read "*a"
      pipe:close()
      assert.equal("0\n", output)
    end)
  end

  it("is in JSON, too", function()
    local output, status = process.run { "bin/apivideo", "completion", "bash", "--json" }
    assert.equal(0, status)
    assert.truthy(require("cjson").decode(output).script:find("complete -F _apivideo", 1, true))
  end)

  it("rejects other shells", function()
    for _, case in ipairs { { "tcsh", "must be one of 'bash', 'zsh', 'fish'" }, { nil, "missing argument 'shell'" } } do
      local output, status = process.run { "bin/apivideo", "completion", case[1] }
      assert.equal(2, status, output)
      assert.truthy(output:find(case[2], 1, true), output)
    end
  end)

  it("names argparse 0.7 if it is older", function()
    local output, status = process.run { "-e", [[
      local argparse = require "argparse"
      argparse.version = "0.6.0"
      local Parser = getmetatable(argparse()).__index
      for _, shell in ipairs { "bash", "zsh", "fish" } do Parser["get_" .. shell .. "_complete"] = nil end
    ]], "bin/apivideo", "completion", "zsh" }
    assert.equal(1, status, output)
    assert.equal("apivideo: argparse 0.7 or newer is needed for completion, and this is 0.6.0; "
      .. packages.remedy "argparse" .. "\n", output)
  end)
end)
