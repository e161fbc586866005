local date = require "apivideo.util.date"

describe("a date of an event", function()
  it("has the digits of the fraction that are wanted, rounded down", function()
    assert.equal("1970-01-01T00:00:00.000Z", date(0))
    assert.equal("2023-05-23T09:29:02.154Z", date(1684834142.1549))
    assert.equal("2023-05-23T09:29:02.999Z", date(1684834142.9999))
    assert.equal("2023-05-23T09:29:02.500000Z", date(1684834142.5, 6))
    assert.equal("2023-05-23T09:29:02.062500Z", date(1684834142.0625, 6))
  end)
end)
