local apivideo = require "apivideo"
local dictionary = require "apivideo.runtime.dictionary"
local misuse = require "spec.support.misuse"
local samples_of = require "spec.support.samples_of"

describe("metrics", function()
  it("have the values of each series, in memory and in a dictionary", function()
    for _, options in ipairs { {}, { store = dictionary.new() } } do
      local metrics = apivideo.metrics(options)
      local family = metrics:_counter("a_total", "Letters.", { "letter", "case" })
      family:with("a", "lower"):add(1)
      family:with("a", "lower"):add(2)
      family:with("b", "lower")
      metrics:_histogram("b_seconds", "Waits.", nil, true):with():observe(59)
      metrics:_histogram("c_seconds", "Calls.", { "operation" }):with "put"
      metrics:_gauge("d", "Depth."):with():set(nil)
      assert.same({
        ['a_total{letter="a",case="lower"}'] = 3, ['a_total{letter="b",case="lower"}'] = 0,
        b_seconds_sum = 59, b_seconds_count = 1,
        ['b_seconds_bucket{le="0.01"}'] = 0, ['b_seconds_bucket{le="0.05"}'] = 0, ['b_seconds_bucket{le="0.1"}'] = 0,
        ['b_seconds_bucket{le="0.5"}'] = 0, ['b_seconds_bucket{le="1"}'] = 0, ['b_seconds_bucket{le="5"}'] = 0,
        ['b_seconds_bucket{le="10"}'] = 0, ['b_seconds_bucket{le="30"}'] = 0, ['b_seconds_bucket{le="60"}'] = 1,
        ['b_seconds_bucket{le="300"}'] = 1, ['b_seconds_bucket{le="900"}'] = 1, ['b_seconds_bucket{le="3600"}'] = 1,
        ['b_seconds_bucket{le="+Inf"}'] = 1,
      }, samples_of(metrics:text()))
    end
  end)

  it("are added up in a dictionary", function()
    local store = dictionary.new()
    local one, other = apivideo.metrics { store = store }, apivideo.metrics { store = store }
    for i, metrics in ipairs { one, other } do metrics:_counter("a_total", "A."):with():add(i) end
    assert.equal(3, samples_of(one:text()).a_total)
    assert.equal(3, samples_of(other:text()).a_total)
  end)

  it("reject wrong options", function()
    local prometheus = {}
    for _, name in ipairs { "counter", "gauge", "histogram", "metric_data" } do prometheus[name] = function() end end
    for expected, options in pairs {
      ['option "store" must have get, set, incr'] = { store = {} }, ['did you mean "store"?'] = { stor = {} },
      ['option "prometheus" must come from require("prometheus").init()'] = { prometheus = {} },
      ['options "store" and "prometheus" exclude each other'] = { prometheus = prometheus, store = dictionary.new() },
    } do
      local message = misuse(function() return (apivideo.metrics(options)) end)
      assert.truthy(message:find(expected, 1, true), message)
    end
  end)
end)
