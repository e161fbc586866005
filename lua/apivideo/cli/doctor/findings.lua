--- What the checks of `apivideo doctor` find. Each finding is printed at once, in one line.

local output = require "apivideo.cli.output"
local redact = require "apivideo.util.redact"

local COLOURS = { ok = "green", warning = "yellow", failure = "red" }

---@alias apivideo.cli.FindingStatus "ok"|"warning"|"failure"

---@class apivideo.cli.Findings
---@field counts table<apivideo.cli.FindingStatus, integer>
---@field check string the name of the check that runs
---@field private _out apivideo.cli.Output
local Findings = {}
Findings.__index = Findings
Findings.__name = "apivideo.cli.Findings"

local function add(self, status, text, remedy)
  self.counts[status] = self.counts[status] + 1
  text, remedy = output.plain(redact.text(text)), remedy and output.plain(remedy)
  self._out:print({ check = self.check, status = status, message = text, remedy = remedy },
    ("%s  %s: %s%s"):format(self._out:paint(COLOURS[status], ("%-7s"):format(status)), self.check, text,
      remedy and "; " .. remedy or ""))
end

---@param text string
function Findings:ok(text) add(self, "ok", text) end

--- What may be intended.
---@param text string
---@param remedy string
function Findings:warn(text, remedy) add(self, "warning", text, remedy) end

--- What cannot work.
---@param text string
---@param remedy? string
function Findings:fail(text, remedy) add(self, "failure", text, remedy) end

local findings = {}

---@param out apivideo.cli.Output
---@return apivideo.cli.Findings
function findings.new(out)
  return setmetatable({ counts = { ok = 0, warning = 0, failure = 0 }, _out = out }, Findings)
end

return findings
