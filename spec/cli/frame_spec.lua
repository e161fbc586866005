-- What all commands have in common: wrong arguments, bugs, output that is closed, and what is loaded at the start.

local commands = require "apivideo.cli.commands"
local file = require "spec.support.file"
local misuse = require "apivideo.cli.misuse"
local process = require "spec.support.process"

local unpack = table.unpack or unpack

-- Runs the command. Returns its output and exit status.
local function run(...)
  return process.run { "bin/apivideo", ... }
end

-- Runs the command with a command of this code: `probe`.
local function run_probe(code)
  local preload = [[
    package.preload["apivideo.cli.commands"] = function()
      return {
        { name = "probe", module = "probe", summary = "Fails." },
        { name = "group", group = "probes", summary = "Has commands." },
      }
    end
    package.preload.probes = function()
      return {
        { name = "one", module = "probe", summary = "One." },
        { name = "two", module = "probe", summary = "Two." },
      }
    end
    package.preload.probe = function()
      local probe = {}
      function probe.define(sub) sub:option "--number":convert(function(text) return text + 1 end) end
      function probe.run() ]] .. code .. [[ end
      return probe
    end]]
  return function(...) return process.run { "-e", preload, "bin/apivideo", ... } end
end

describe("the command #process", function()
  it("names the remedy of wrong arguments", function()
    local names = {}
    for i, command in ipairs(commands) do names[i] = command.name end
    names = table.concat(names, ", ")
    for _, case in ipairs {
      { {}, "a command is required after 'apivideo': " .. names, "apivideo" },
      { { "--json" }, "unknown option '--json'; options follow the command: apivideo <command> --json", "apivideo" },
      { { "listne" }, "unknown command 'listne'\nDid you mean 'listen'?", "apivideo" },
      { { "ls" }, "unknown command 'ls'; the commands: " .. names, "apivideo" },
      { { "help", "ls" }, "unknown command 'ls'; the commands: " .. names, "apivideo" },
      { { "listen", "--unsigned", "extra" },
        "unexpected argument 'extra'; if it belongs to an option, write it after the option", "apivideo listen" },
      { { "trigger", "a", "b" }, "unexpected argument 'b'; if it", "apivideo trigger" },
    } do
      local output, status = run(unpack(case[1]))
      assert.equal(2, status, output)
      assert.equal(1, output:find("apivideo: " .. case[2], 1, true), output)
      local see = "\nSee: " .. case[3] .. " --help\n"
      assert.equal(see, output:sub(-#see))
    end
  end)

  it("names the commands of a group", function()
    local probe = run_probe "return 0"
    local output, status = probe "group"
    assert.equal(2, status, output)
    assert.equal("apivideo: a command is required after 'apivideo group': one, two\n"
      .. "See: apivideo group --help\n", output)
    output, status = probe("group", "three")
    assert.equal(2, status, output)
    assert.equal("apivideo: unknown command 'three'; the commands: one, two\nSee: apivideo group --help\n", output)
    output, status = probe("group", "--json")
    assert.equal(2, status, output)
    assert.truthy(output:find("options follow the command: apivideo group <command> --json", 1, true), output)
    assert.equal(0, (select(2, probe("group", "two"))))
  end)

  it("prints the help of a command with help", function()
    for _, case in ipairs { { {}, {} }, { { "listen" }, { "listen" } } } do
      local output, status = run("help", unpack(case[1]))
      assert.equal(0, status, output)
      local arguments = { unpack(case[2]) }
      arguments[#arguments + 1] = "--help"
      assert.equal(run(unpack(arguments)), output)
    end
  end)

  it("reports misuse that the library raises as a usage error", function()
    for _, code in ipairs {
      "require 'apivideo'.client { api_key = 'a b' }",
      "require 'apivideo'.run(function() require 'apivideo'.client { api_key = 'a b' } end)",
    } do
      local output, status = run_probe(code)("probe")
      assert.equal(2, status, output)
      assert.truthy(output:find "^apivideo: client: option \"api_key\" [^\n]+\nSee: apivideo probe %-%-help\n$", output)
    end
  end)

  it("reports a bug as one, with its call stack, and not as a usage error", function()
    local bugs = {
      index = "local x; x.y = 1",
      task = "require 'apivideo'.run(function() local x; x() end)",
      C = "('x'):rep({})",
      assertion = "assert(false, 'impossible')",
      module = "require 'no.such.module'",
      value = "error(nil)",
      -- LuaJIT cannot handle it.
      overflow = not rawget(_G, "jit") and "local function deeper() return 1 + deeper() end deeper()" or nil,
    }
    for name, code in pairs(bugs) do
      local output, status = run_probe(code)("probe")
      assert.equal(1, status, name .. output)
      assert.truthy(output:find "^apivideo: internal error: ", name .. output)
      assert.is_nil(output:find("--help", 1, true), name .. output)
      assert.truthy(output:find("Please report it with this text.\nstack traceback:\n", 1, true), name .. output)
    end
    assert.same({ 1, "internal error: not enough memory" }, { misuse.parts "not enough memory" })
    local output, status = run_probe "return 0" ("probe", "--number", "x")
    assert.equal(1, status, output)
    assert.truthy(output:find("internal error: ", 1, true), output)
  end)

  it("does not print a secret in the report of a bug", function()
    local output, status = run_probe("error(nil)")("probe", "--api-key=hidden")
    assert.equal(2, status) -- no such option
    assert.is_nil(output:find("hidden", 1, true), output)
    output, status = process.run({ "-e", [[package.preload["apivideo.cli.listen"] = function()
        return {
          define = function(sub) sub:option "--secret" end,
          run = function(arguments) error({ message = arguments.secret }) end,
        }
      end]], "bin/apivideo", "listen", "--secret", "hidden" })
    assert.equal(1, status, output)
    assert.is_nil(output:find("hidden", 1, true), output)
  end)

  it("ends quietly if the reader of its output ends", function()
    local out = os.tmpname()
    for _, arguments in ipairs { { "--help" }, { "listen", "--help" }, { "--version" } } do
      -- LuaSocket makes this process and its children ignore SIGPIPE.
      local script = ("exec 3> >(exit); wait $!; env --default-signal=PIPE %s >&3 2> %s; echo $? >> %s"):format(
        process.command { "bin/apivideo", unpack(arguments) }, out, out)
      os.execute("bash -c '" .. script:gsub("'", "'\\''") .. "'")
      assert.equal("141\n", file.read(out)) -- 128 and the number of SIGPIPE
    end
    os.remove(out)
  end)

  it("says that its output is closed if SIGPIPE is ignored", function()
    local out = os.tmpname()
    local script = ("trap '' PIPE; exec 3> >(exit); wait $!; %s >&3 2> %s; echo $? >> %s"):format(
      process.command { "bin/apivideo", "--help" }, out, out)
    os.execute("bash -c '" .. script:gsub("'", "'\\''") .. "'")
    assert.equal("apivideo: cannot write the output: Broken pipe\n1\n", file.read(out))
    os.remove(out)
  end)

  it("loads no client, server or inbox for its help, and no library in C", function()
    local count = 0
    local output, status = process.run { "-e", [[
      local exit = os.exit
      function os.exit(status)
        for name in pairs(package.loaded) do
          if name:find "^apivideo" then io.stderr:write("loaded ", name, "\n") end
        end
        exit(status)
      end]], "bin/apivideo", "--help" }
    assert.equal(0, status, output)
    for name in output:gmatch "loaded (apivideo[%w._]*)\n" do
      count = count + 1
      assert(name:find "^apivideo%.cli" or name == "apivideo.util.packages", name)
    end
    assert(count > 3)
  end)
end)
