-- The benchmark report: a page and drawings from rows.

local bars = require "bench.report.bars"
local cjson = require "cjson"
local machine = require "bench.report.machine"
local markdown = require "bench.report.markdown"
local plots = require "bench.report.plots"
local rows = require "bench.report.rows"

local function row(more)
  local fields = { what = "parse", beside = "cjson", unit = "×", ours = "500 ns", theirs = "1000 ns", figure = 2,
    bar = 2.2, met = false }
  for name, value in pairs(more) do fields[name] = value end
  return fields
end

local function gathered(list)
  local i = 0
  return rows.gather(function()
    i = i + 1
    return list[i] and cjson.encode(list[i])
  end)
end

local function page_of(report)
  return markdown(report, { hardware = { { "processor", "a fast one" } }, versions = { { "Lua", "5.4.4" } } })
end

-- Whether all elements are closed, in the right order.
local function is_well_formed(drawing)
  local open = {}
  assert.is_nil(drawing:gsub("<[^<>]*>", ""):find "[<>]")
  for closing, name, empty in drawing:gmatch "<(/?)(%w+)[^<>]-(/?)>" do
    if closing == "/" then
      assert.equal(name, table.remove(open))
    elseif empty == "" then
      open[#open + 1] = name
    end
  end
  assert.same({}, open)
  for entity in drawing:gmatch "&([^;]*)" do
    assert.is_truthy(({ amp = true, lt = true, gt = true, quot = true })[entity], entity)
  end
end

describe("benchmark rows", function()
  it("are merged into one row for several runs", function()
    local report = gathered { row { figure = 2.5, met = true }, row { beside = "Node" },
      row { figure = 2.3, met = true }, row { figure = 2.4, ours = "490 ns", met = true } }
    assert.equal(2, #report.rows)
    local first = report.rows[1]
    assert.equal("2.50 · 2.30 · 2.40 ×", rows.figures_of(first))
    assert.equal("≥ 2.20 ×", rows.bar_of(first))
    assert.equal("490 ns", rows.middle(first).ours)
    assert.is_false(first.missed)
  end)

  it("count as missed if one run missed, and then need an explanation", function()
    local report = gathered { row { figure = 2.5, met = true }, row {} }
    assert.is_true(report.rows[1].missed)
    assert.same({ report.rows[1] }, rows.unexplained(report))
    assert.same({}, rows.unexplained(gathered { row {}, row { against = "a table alone costs 400 ns" } }))
    assert.same({}, rows.unexplained(gathered { row { figure = 3, met = true } }))
  end)
end)

describe("benchmark page", function()
  it("has the machine, the rows, the missed bars, and each note once", function()
    local note = "a | b < c\nd"
    local page = page_of(gathered { row { note = note }, row { beside = "Node", note = note },
      row { what = "verify", bar = 1, met = true }, { what = "server", beside = "octokit", absent = "not installed" } })
    for _, expected in ipairs {
      "- processor: a fast one\n", "- versions: Lua 5.4.4\n",
      "| parse | 500 ns | cjson | 1000 ns | 2.00 × | ≥ 2.20 × | **missed** [1] |\n",
      "| parse | 500 ns | Node | 1000 ns | 2.00 × | ≥ 2.20 × | **missed** [1] |\n",
      "| verify | 500 ns | cjson | 1000 ns | 2.00 × | ≥ 1.00 × | met |\n",
      "\n[1] a \\| b &lt; c d\n", "- server beside octokit: not installed\n",
    } do
      assert.is_truthy(page:find(expected, 1, true), expected)
    end
    assert.is_nil(page:find("[2]", 1, true))
  end)

  it("contains no path and no host name", function()
    local text = {}
    for _, list in ipairs { machine.hardware(), machine.versions() } do
      for _, fact in ipairs(list) do text[#text + 1] = fact[1] .. " " .. fact[2] end
    end
    text = table.concat(text, "\n")
    assert.is_truthy(text:find("Lua 5", 1, true))
    assert.is_nil(text:find(" /", 1, true))
    local pipe = assert(io.popen "uname -n")
    local host = pipe:read "*l"
    pipe:close()
    assert.is_nil(text:find(host, 1, true))
  end)
end)

describe("benchmark bar chart", function()
  it("marks met and missed bars, and escapes text", function()
    local drawing = bars(gathered { row { what = [[a<b & "c"]] }, row { what = "good", met = true, figure = 3 },
      { what = "without a bar", unit = "ns", ours = "2 ns", figure = 2 } })
    is_well_formed(drawing)
    assert.is_truthy(drawing:find("a&lt;b &amp; &quot;c&quot;", 1, true))
    assert.is_truthy(drawing:find('class="missed"', 1, true))
    assert.is_truthy(drawing:find('class="met"', 1, true))
    assert.is_nil(drawing:find("without a bar", 1, true))
    assert.is_truthy(drawing:find("missed: 2.00 × (≥ 2.20 ×)", 1, true))
    assert.is_truthy(drawing:find "<title id=\"title\">.+</title>\n<desc id=\"description\">.+</desc>")
  end)

  it("draws values with an upper bound to the right of the bar", function()
    local function length(figure, bar, met)
      local drawing = bars(gathered { row { figure = figure, bar = bar, at_most = true, met = met } })
      return tonumber(drawing:match 'rx="2" width="([%d.]+)"')
    end
    local line = length(10, 10, true)
    assert.is_true(length(5, 10, true) > line)
    assert.is_true(length(20, 10, false) < line)
    assert.is_true(length(-3, 10, true) > line)
    assert.is_true(length(0, 0, true) > line)
  end)
end)

describe("benchmark plots", function()
  it("have a curve for each run", function()
    local series = { what = "body & soul", x = "bytes", y = "µs", points = { { 100, 1 }, { 1000, 10 }, { 1e6, 0.5 } } }
    local report = gathered { { series = series }, { series = series } }
    assert.equal(1, #report.curves)
    local drawing = plots(report)
    is_well_formed(drawing)
    local _, curves = drawing:gsub("<polyline", "")
    assert.equal(2, curves)
    assert.is_truthy(drawing:find("body &amp; soul", 1, true))
    assert.is_truthy(drawing:find(">1,000,000<", 1, true))
  end)
end)
