-- The benchmarks' rows and bars, and what they measure with.

local bars = require "bench.bars"
local cjson = require "cjson"
local compile = require "spec.support.compile"
local figures = require "bench.figures"
local process = require "spec.support.process"

-- The rows that a script writes, which calls figures.row.
local function rows_of(script)
  local path = os.tmpname()
  local output, status = process.run({ "-e", "local figures = require 'bench.figures' " .. script },
    "BENCH_ROWS=" .. path)
  local rows = {}
  for line in io.lines(path) do rows[#rows + 1] = cjson.decode(line) end
  os.remove(path)
  return rows, output, status
end

describe("benchmark figures", function()
  it("are compared round by round, and stay in the order of the rounds", function()
    local list, others = { 30, 10, 20 }, { 10, 10, 10 }
    assert.equal(20, figures.median(list))
    assert.equal(30, figures.quantile(list, 1))
    assert.same({ 300, 100, 200 }, figures.ratios(list, others, 100))
    assert.same({ 20, 0, 10 }, figures.differences(list, others))
    assert.same({ 3, 1, 2 }, figures.scaled(list, 0.1))
    assert.same({ 30, 10, 20 }, list)
  end)

  it("are compared with the bar of bench/bars.lua", function()
    local rows, output = rows_of [[
      figures.row("dispatch", { what = "good", unit = "ns", ours = { 1, 3, 2 }, theirs = 2, share = { 1, 3, 1.1 },
        against = "unused" })
      figures.row("dispatch", { what = "bad", unit = "ns", ours = 3, theirs = 2, share = 1.5, note = "a note",
        against = "a limit" })
      figures.row("transport", { what = "worse", unit = "ns", ours = 3, theirs = 2, share = 60 })
      figures.row("workers", { what = "without a bar", unit = "/s", ours = 3 })]]
    assert.equal(4, #rows)
    local good, bad, worse, without = rows[1], rows[2], rows[3], rows[4]
    assert.same({ true, 1.1, "2.00 ns", "1 handler" }, { good.met, good.figure, good.ours, good.beside })
    assert.is_nil(good.against)
    assert.same({ false, "a note", "a limit" }, { bad.met, bad.note, bad.against })
    assert.same({ false, 95, false }, { worse.met, worse.bar, worse.at_most })
    assert.same({}, { without.met, without.bar })
    assert.truthy(output:find("1.50 × (bar ≤ 1.20 ×)  MISSED", 1, true))
  end)

  it("have no bar that no benchmark uses, and at most one limit", function()
    local used = {}
    for name in compile.run("git ls-files -z bench | xargs -0 cat"):gmatch '"([%a_]+)"' do used[name] = true end
    for name, bar in pairs(bars) do
      assert.is_true(used[name], name)
      assert.is_nil(bar.at_least and bar.at_most, name)
      assert.is_string(bar.of, name)
    end
  end)
end)

describe("the benchmarks' tools", function()
  it("count the processor time of a process", function()
    local busy = process.start { "-e", [[
      while os.clock() < 0.2 do end
      print(require "bench.processor" (io.open "/proc/self/stat":read "*n"), os.clock())]] }
    local output, status = busy:finish()
    assert.equal(0, status, output)
    local counted, clock = output:match "^(%S+)%s+(%S+)"
    assert.is_true(tonumber(counted) >= 0.15 and tonumber(counted) <= tonumber(clock) + 0.1, output)
  end)
end)
