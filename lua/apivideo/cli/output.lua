--- What the command prints: lines for a person, in colour on a terminal; or JSON for programs.

local json = require "apivideo.util.json"
local redact = require "apivideo.util.redact"

local COLOURS = { red = "31", green = "32", dim = "2" }

local output = {}

local function on_terminal()
  local no_color, term = os.getenv "NO_COLOR", os.getenv "TERM"
  if no_color and no_color ~= "" or not term or term == "dumb" then return false end
  local status = os.execute("test -t 1")
  return status == true or status == 0
end

--- Makes a printer.
---@param as_json boolean?
function output.new(as_json)
  local coloured = not as_json and on_terminal()
  local self = {}

  --- Text in a colour, where there are colours.
  function self.paint(colour, text)
    return coloured and ("\27[%sm%s\27[0m"):format(COLOURS[colour], text) or text
  end

  --- Prints one thing that happened: `record` for programs, `line` for a person.
  function self.print(record, line)
    io.stdout:write(as_json and json.encode(record) or line, "\n")
    io.stdout:flush()
  end

  return self
end

--- Prints what may be wrong, beside the output.
---@param text string
function output.warn(text)
  io.stderr:write("apivideo: warning: ", redact.one_line(redact.text(text)), "\n")
end

--- `204 in 1.2 ms`, or why there was no answer.
---@param attempt apivideo.emulator.Attempt
function output.describe_attempt(attempt)
  local time = ("%.1f ms"):format(attempt.seconds * 1000)
  if attempt.status then return attempt.status .. " in " .. time end
  return ("no answer in %s: %s"):format(time, attempt.err.message)
end

--- An attempt for programs.
---@param delivery apivideo.emulator.Delivery
---@param attempt apivideo.emulator.Attempt
function output.attempt_record(delivery, attempt)
  return {
    url = redact.text(delivery.url), webhookId = delivery.webhookId, attempt = #delivery.attempts,
    state = delivery.state, status = attempt.status,
    error = attempt.err and attempt.err.message, seconds = attempt.seconds,
  }
end

return output
