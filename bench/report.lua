--- Prints the report of `make bench`, and writes bench/results.md, bench/results.svg and bench/growth.svg. Fails if a
--- row missed its bar and has no note with an explanation.
---
---   bench/report.lua rows        the file that the benchmarks wrote, in one or more runs

local bars = require "bench.report.bars"
local file = require "spec.support.file"
local machine = require "bench.report.machine"
local markdown = require "bench.report.markdown"
local plots = require "bench.report.plots"
local rows = require "bench.report.rows"

-- Pads a text to a number of characters.
local function filled(text, width)
  local _, length = text:gsub("[^\128-\191]", "")
  return text .. (" "):rep(width - length)
end

local function print_row(row)
  local bar = rows.bar_of(row)
  print(("%s  %s%s"):format(filled(rows.name_of(row), 72), filled(rows.figures_of(row), 28),
    bar and (" (bar %s)%s"):format(bar, row.missed and "  MISSED" or "") or ""))
end

local report = rows.gather(io.lines((assert(arg[1], "a file of rows expected"))))
file.write("bench/results.md", markdown(report, { hardware = machine.hardware(), versions = machine.versions() }))
file.write("bench/results.svg", bars(report))
if #report.curves > 0 then file.write("bench/growth.svg", plots(report)) end

for _, row in ipairs(report.rows) do print_row(row) end
for _, row in ipairs(report.absent) do print(("%s  skipped: %s"):format(filled(rows.name_of(row), 72), row.why)) end
local unexplained = rows.unexplained(report)
for _, row in ipairs(unexplained) do
  io.stderr:write(("missed without an explanation: %s: %s (bar %s)\n"):format(rows.name_of(row), rows.figures_of(row),
    rows.bar_of(row)))
end
os.exit(#unexplained == 0 and 0 or 1)
