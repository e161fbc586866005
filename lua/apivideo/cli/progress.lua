--- The progress of something that takes more than a second: one line on a terminal, nothing in a pipe.

local core = require "apivideo.core"
local terminal = require "apivideo.cli.core"

local STDERR_FD = 2
local DELAY_S, INTERVAL_S = 1, 0.1

---@class apivideo.cli.Progress
---@field is_shown boolean whether there is a terminal
---@field private _text string
---@field private _due number
---@field private _width integer of what is on the line
local Progress = {}
Progress.__index = Progress
Progress.__name = "apivideo.cli.Progress"

local current -- the progress on the terminal's line, if there is one

local function draw(self, line)
  local columns = terminal.terminal_columns(STDERR_FD)
  if columns then line = line:sub(1, math.max(0, columns - 1)) end -- "\r" does not return to the start of two lines
  io.stderr:write("\r", line, (" "):rep(self._width - #line))
  io.stderr:flush()
  self._width, current = #line, self
end

--- Shows a text, unless the last one was shown just before.
---@param text string without control characters
function Progress:show(text)
  local now = core.monotonic()
  if not self.is_shown or now < self._due then return end
  self._due = now + INTERVAL_S
  draw(self, text)
end

--- Shows a count, unless the last one was shown just before.
---@param count integer done so far
---@param total? integer of all
function Progress:update(count, total)
  self:show(total and ("%s %d of %d"):format(self._text, count, total) or ("%s %d"):format(self._text, count))
end

--- Removes it from the terminal.
function Progress:finish()
  if self._width == 0 then return end
  draw(self, "")
  io.stderr:write "\r"
  current = nil
end

local progress = {}

--- Begins one.
---@param text string such as "exporting"
---@return apivideo.cli.Progress
function progress.new(text)
  return setmetatable({
    _text = text, is_shown = terminal.is_terminal(STDERR_FD), _due = core.monotonic() + DELAY_S, _width = 0,
  }, Progress)
end

--- Removes what is on the terminal's line, before something else is written to the terminal.
function progress.clear()
  if current then current:finish() end
end

return progress
