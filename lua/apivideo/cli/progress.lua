--- The progress of something that takes more than a second: a counter on a terminal, nothing in a pipe.

local core = require "apivideo.core"

local STDERR_FD = 2
local DELAY_S, INTERVAL_S = 1, 0.1

---@class apivideo.cli.Progress
---@field private _text string
---@field private _is_shown boolean
---@field private _due number
---@field private _width integer of what is on the line
local Progress = {}
Progress.__index = Progress
Progress.__name = "apivideo.cli.Progress"

local function show(self, line)
  io.stderr:write("\r", line, (" "):rep(self._width - #line))
  io.stderr:flush()
  self._width = #line
end

--- Shows a state, unless the last one was shown just before.
---@param count integer done so far
---@param total? integer of all
function Progress:update(count, total)
  local now = core.monotonic()
  if not self._is_shown or now < self._due then return end
  self._due = now + INTERVAL_S
  show(self, total and ("%s %d of %d"):format(self._text, count, total) or ("%s %d"):format(self._text, count))
end

--- Removes it from the terminal.
function Progress:finish()
  if self._width == 0 then return end
  show(self, "")
  io.stderr:write "\r"
end

local progress = {}

--- Begins one.
---@param text string such as "exporting"
---@return apivideo.cli.Progress
function progress.new(text)
  return setmetatable({
    _text = text, _is_shown = core.is_terminal(STDERR_FD), _due = core.monotonic() + DELAY_S, _width = 0,
  }, Progress)
end

return progress
