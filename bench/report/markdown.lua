--- The report as a page: the machine, the table, the notes, and the skipped rows.

local rows = require "bench.report.rows"

local function cell(text)
  return ((text or ""):gsub("%s+", " "):gsub("[|<]", { ["|"] = "\\|", ["<"] = "&lt;" }))
end

local function line(cells)
  return "| " .. table.concat(cells, " | ") .. " |"
end

-- Numbers the notes; equal notes have the same number.
local function new_notes()
  local notes = { list = {}, numbers = {} }
  function notes:number_of(note)
    if not self.numbers[note] then
      table.insert(self.list, note)
      self.numbers[note] = #self.list
    end
    return self.numbers[note]
  end
  return notes
end

local function status_of(row, notes)
  local parts = { row.bar and (row.missed and "**missed**" or "met") }
  if row.against then parts[#parts + 1] = ("[%d]"):format(notes:number_of(row.against)) end
  if row.note and row.note ~= row.against then parts[#parts + 1] = ("[%d]"):format(notes:number_of(row.note)) end
  return table.concat(parts, " ")
end

local function add_table(add, report, notes)
  add(line { "what", "ours", "beside", "theirs", "figure", "bar", "" })
  add "|---|--:|---|--:|--:|--:|---|"
  for _, row in ipairs(report.rows) do
    local run = rows.middle(row)
    add(line { cell(row.what), cell(run.ours), cell(row.beside), cell(run.theirs), cell(rows.figures_of(row)),
      cell(rows.bar_of(row)), status_of(row, notes) })
  end
end

local function joined(versions)
  local list = {}
  for i, version in ipairs(versions) do list[i] = version[1] .. " " .. version[2] end
  return table.concat(list, ", ")
end

--- Creates the page.
---@param report apivideo.bench.Report
---@param machine { hardware: string[][], versions: string[][] }
---@return string
return function(report, machine)
  local lines, notes = {}, new_notes()
  local function add(text) lines[#lines + 1] = text end
  add "# Figures"
  add ""
  add "Written by `make bench`, which measures each row beside its neighbour in the same run, alternating."
  add "A figure is the median of many rounds, one for each run; ours and theirs are of the run in the middle."
  add ""
  add "![Each figure beside its bar](results.svg)"
  add ""
  for _, fact in ipairs(machine.hardware) do add(("- %s: %s"):format(fact[1], fact[2])) end
  add("- versions: " .. joined(machine.versions))
  add ""
  add_table(add, report, notes)
  for i, note in ipairs(notes.list) do
    add ""
    add(("[%d] %s"):format(i, cell(note)))
  end
  if #report.absent > 0 then
    add ""
    add "## Left out"
    add ""
    for _, row in ipairs(report.absent) do add(("- %s: %s"):format(cell(rows.name_of(row)), cell(row.why))) end
  end
  if #report.curves > 0 then
    add ""
    add "## Cost as work grows"
    add ""
    add "![Cost as work grows](growth.svg)"
  end
  add ""
  return table.concat(lines, "\n")
end
