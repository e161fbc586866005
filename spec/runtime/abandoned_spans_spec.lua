-- Spans whose tasks were ended before them, as by nginx.

local apivideo = require "apivideo"
local tracing = require "apivideo.runtime.tracing"

local MANY = 20000 -- more than calls of functions can be nested

describe("abandoned spans", function()
  after_each(function() apivideo.tracing(nil) end)

  it("end with the next one, however many there are", function()
    local ended = 0
    apivideo.tracing { on_end = function() ended = ended + 1 end }
    collectgarbage "stop" -- so that all are found at once
    for _ = 1, MANY do tracing.start { name = "a span", kind = "client", attributes = {} } end
    for _ = 1, 2 do collectgarbage() end
    collectgarbage "restart"
    tracing.finish(tracing.start { name = "the next", kind = "client", attributes = {} })
    for _ = 1, 2 do collectgarbage() end
    tracing.finish(tracing.start { name = "the last", kind = "client", attributes = {} })
    assert.equal(MANY + 2, ended)
  end)
end)
