--- The command's output: lines with colours for a terminal, or JSON for programs.

local core = require "apivideo.cli.core"
local excerpt = require "apivideo.util.excerpt"
local progress = require "apivideo.cli.progress"
local stdout = require "apivideo.cli.stdout"

local COLOURS = { red = "31", green = "32", yellow = "33", dim = "2" }
local STDOUT_FD = 1

-- NO_COLOR: see https://no-color.org
local function has_colours()
  local no_color, term = os.getenv "NO_COLOR", os.getenv "TERM"
  if no_color and no_color ~= "" or not term or term == "dumb" then return false end
  return core.is_terminal(STDOUT_FD)
end

local function encode(value) return require("apivideo.cli.json_line").encode(value) end

local function redacted(text) return require("apivideo.util.redact").text(text) end

local output = {}

---@class apivideo.cli.Output
---@field private _is_json boolean
---@field private _is_coloured boolean
local Output = {}
Output.__index = Output
Output.__name = "apivideo.cli.Output"

--- Adds a colour to a text, if the output has colours.
---@param colour "red"|"green"|"yellow"|"dim"
---@param text string
---@return string
function Output:paint(colour, text)
  return self._is_coloured and ("\27[%sm%s\27[0m"):format(COLOURS[colour], text) or text
end

--- Writes bytes as they are.
---@param text string
function output.write(text)
  progress.clear()
  local ok, message = stdout.write(text)
  if not ok then error({ message = message }, 0) end -- ends the command: what follows could not be written, either
end

--- Prints one item.
---@param record table for programs
---@param line string for a terminal; may be several lines
function Output:print(record, line)
  output.write((self._is_json and encode(record) or line) .. "\n")
end

--- Prints a remark for people to stderr; nothing with `--json`.
---@param text string
function Output:note(text)
  progress.clear()
  if not self._is_json then io.stderr:write(redacted(output.plain(text)), "\n") end
end

--- A text that others chose, with `?` instead of its control characters, which would control the terminal.
---@param text string
---@return string
function output.plain(text)
  return (text:gsub("[%z\1-\31\127]", "?"))
end

--- Creates the output of a command.
---@param is_json? boolean
---@return apivideo.cli.Output
function output.new(is_json)
  return setmetatable({ _is_json = is_json or false, _is_coloured = not is_json and has_colours() }, Output)
end

--- Prints a warning to stderr.
---@param text string
function output.warn(text)
  progress.clear()
  io.stderr:write("apivideo: warning: ", require("apivideo.util.redact").one_line(redacted(text)), "\n")
end

-- The beginning of a field's value: nested ones as JSON.
local function text_of(value)
  return excerpt(type(value) == "string" and value or encode(value))
end

--- Describes an event in one line: its type, and `name=value …` of the fields other than its date, sorted by name. A
--- long value is cut.
---@param event apivideo.Event
---@return string without control characters
function output.describe_event(event)
  local names, parts = {}, { event.type }
  for name in pairs(event) do
    if name ~= "type" and name ~= "emittedAt" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do parts[#parts + 1] = name .. "=" .. text_of(event[name]) end
  return output.plain(table.concat(parts, " "))
end

--- Describes the result of an attempt: `204 in 1.2 ms`, or why there was no response. `sent, but no response` means
--- that the receiver may have the event; `not sent`, that it has not.
---@param attempt apivideo.emulator.Attempt
---@return string
function output.describe_attempt(attempt)
  local time = ("%.1f ms"):format(attempt.seconds * 1000)
  if attempt.status then return attempt.status .. " in " .. time end
  local kind = attempt.err.kind
  local result = not attempt.sent and "not sent"
    or (kind == "unexpected_response" or kind == "too_large") and "sent, but an invalid response"
    or "sent, but no response"
  return ("%s in %s: %s"):format(result, time, output.plain(attempt.err.message))
end

--- The record of an attempt, for programs.
---@param delivery apivideo.emulator.Delivery
---@param attempt apivideo.emulator.Attempt
---@return table
function output.attempt_record(delivery, attempt)
  return {
    url = redacted(delivery.url), webhookId = delivery.webhookId, attempt = #delivery.attempts,
    state = delivery.state, status = attempt.status,
    error = attempt.err and attempt.err.message, kind = attempt.err and attempt.err.kind, sent = attempt.sent,
    seconds = attempt.seconds,
  }
end

return output
