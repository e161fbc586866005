--- Runs commands that call an account, as processes, against a local api.video.

local cjson = require "cjson"
local file = require "spec.support.file"
local process = require "spec.support.process"
local running = require "spec.support.running"
local terminal = require "spec.support.terminal"

local commands = {}

--- Sets up a test: before_each(commands.start). After it: running.stop.
function commands.start()
  commands.api = running.emulator()
end

-- The arguments of the interpreter.
local function arguments_of(words, more)
  local arguments = { "bin/apivideo" }
  for word in words:gmatch "%S+" do arguments[#arguments + 1] = word end
  for _, text in ipairs { "--api-key", "key", "--base-url", commands.api.url, (table.unpack or unpack)(more) } do
    arguments[#arguments + 1] = text
  end
  return arguments
end

--- Runs a command.
---@param words string such as "webhooks list"
---@param ... string further arguments
---@return string output
---@return integer status
function commands.run(words, ...)
  return process.run(arguments_of(words, { ... }))
end

--- Starts a command.
function commands.process(words, ...)
  return running.process(arguments_of(words, { ... }))
end

--- Starts a command that SIGINT ends. (A shell starts background processes with SIGINT ignored.)
function commands.process_with_signals(words, ...)
  return running.process(arguments_of(words, { ... }), "--default-signal=INT")
end

--- Runs a command on a terminal.
---@param typed string what the user types
---@param words string
---@return string output
---@return integer status
function commands.on_terminal(typed, words, ...)
  return terminal.run(arguments_of(words, { ... }), typed)
end

--- Runs a command on a terminal with colours.
---@param words string
---@return string output
---@return integer status
function commands.in_colour(words, ...)
  return terminal.run(arguments_of(words, { ... }), "", "xterm")
end

--- Runs a command in a shell, before the rest of a pipeline. Returns its output and the status of the command.
---@param rest string such as "| head -n 1"
---@param words string
---@return string output
---@return integer status
function commands.in_pipe(rest, words, ...)
  local script = process.command(arguments_of(words, { ... })) .. rest .. "; echo status=${PIPESTATUS[0]}"
  local output = process.run { "-e", ("os.execute(%q)"):format("bash -c '" .. script:gsub("'", "'\\''") .. "'") }
  local text, status = output:match "^(.*)status=(%d+)\n$"
  return text, tonumber(status)
end

--- The records of an output with --json.
---@param output string
---@return table[]
function commands.records(output)
  local list = {}
  for line in output:gmatch "[^\n]+" do list[#list + 1] = cjson.decode(line) end
  return list
end

--- Writes a file that is removed after the test. Returns its path.
function commands.file(text)
  local path = os.tmpname()
  file.write(path, text)
  running.add(function() os.remove(path) end)
  return path
end

return commands
