local timestamp = require("apivideo.core").timestamp

local function assert_time(text, seconds, nanoseconds)
  local got_seconds, got_nanoseconds = timestamp(text)
  assert.equal(seconds, got_seconds, text)
  assert.equal(nanoseconds or 0, got_nanoseconds, text)
  if math.type then -- luacheck: ignore 143
    assert.equal("integer", math.type(got_seconds)) -- luacheck: ignore 143
    assert.equal("integer", math.type(got_nanoseconds)) -- luacheck: ignore 143
  end
end

describe("timestamp", function()
  it("reads every form that api.video is known to send", function()
    assert_time("2023-05-23T09:29:02.154104779Z", 1684834142, 154104779)
    assert_time("2021-01-29T16:46:25.217+01:00", 1611935185, 217000000)
    assert_time("2021-01-29T15:46:25.217Z", 1611935185, 217000000)
    assert_time("2024-08-08T14:12:18+00:00", 1723126338)
    assert_time("2019-06-24T11:45:01+00:00", 1561376701)
    assert.is_nil((timestamp "2024-08-151T10:18:47+00:00"))
  end)

  it("reads offsets in every form", function()
    assert_time("2021-01-29T16:46:25+0100", 1611935185)
    assert_time("2021-01-29t15:46:25z", 1611935185)
    assert_time("2021-01-29T10:16:25-05:30", 1611935185)
    assert_time("2021-01-29T10:16:25-0530", 1611935185)
    assert_time("2021-01-29T15:46:25-00:00", 1611935185)
    assert_time("2021-01-30T15:45:25+23:59", 1611935185)
    assert_time("2021-01-28T15:47:25-23:59", 1611935185)
  end)

  it("reads one to nine digits of a fraction, and ignores more", function()
    local digits = "123456789987654321"
    for count = 1, #digits do
      local nine = (digits:sub(1, count) .. "000000000"):sub(1, 9)
      assert_time("1970-01-01T00:00:00." .. digits:sub(1, count) .. "Z", 0, tonumber(nine))
    end
    assert_time("1970-01-01T00:00:00.0Z", 0, 0)
    assert_time("1970-01-01T00:00:00.000000001Z", 0, 1)
    assert_time("1970-01-01T00:00:00." .. ("9"):rep(1000) .. "Z", 0, 999999999)
  end)

  it("is right for every day of the calendar", function()
    local days = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
    local seconds = 0
    for year = 1970, 2110 do
      local leap = year % 4 == 0 and year % 100 ~= 0 or year % 400 == 0
      for month = 1, 12 do
        local last = days[month] + (month == 2 and leap and 1 or 0)
        for day = 1, last do
          local date = ("%04d-%02d-%02dT00:00:00Z"):format(year, month, day)
          assert(timestamp(date) == seconds, date) -- not assert.equal, which is too slow for 51,000 dates
          seconds = seconds + 86400
        end
        assert.is_nil((timestamp(("%04d-%02d-%02dT00:00:00Z"):format(year, month, last + 1))))
      end
    end
  end)

  it("reads the limits of its range, before 1970 too", function()
    assert_time("1969-12-31T23:59:59.5Z", -1, 500000000)
    assert_time("1900-03-01T00:00:00Z", -2203891200)
    assert_time("0000-01-01T00:00:00Z", -62167219200)
    assert_time("0000-02-29T00:00:00Z", -62162121600)
    assert_time("9999-12-31T23:59:59Z", 253402300799)
    assert_time("2038-01-19T03:14:08Z", 2 ^ 31)
  end)

  it("reads a leap second as the second after it", function()
    assert_time("2016-12-31T23:59:60Z", 1483228800)
    assert_time("2016-12-31T23:59:60.25Z", 1483228800, 250000000)
    assert_time("2017-01-01T00:59:60+01:00", 1483228800)
  end)

  it("does not depend on the time zone or the locale", function()
    local old = os.setlocale(nil)
    os.setlocale("")
    assert_time("2021-07-01T00:00:00Z", 1625097600)
    os.setlocale(old)
  end)

  it("returns nil for everything else", function()
    local wrong = {
      "", "Z", "2021", "2021-01-29", "2021-01-29T", "2021-01-29T15:46:25", "2021-01-29T15:46Z",
      "2021-01-29 15:46:25Z", "2021-01-29T15:46:25.Z", "2021-01-29T15:46:25,5Z", "2021-01-29T15:46:25.5",
      "2021-01-29T15:46:25 Z", " 2021-01-29T15:46:25Z", "2021-01-29T15:46:25Z ", "2021-01-29T15:46:25Z\0",
      "2021-01-29T15:46:25ZZ", "2021-01-29T15:46:25Z+01:00", "2021-01-29T15:46:25+01", "2021-01-29T15:46:25+1:00",
      "2021-01-29T15:46:25+01:0", "2021-01-29T15:46:25+010", "2021-01-29T15:46:25+01:000",
      "2021-01-29T15:46:25+01000", "2021-01-29T15:46:25+24:00", "2021-01-29T15:46:25+00:60",
      "2021-01-29T15:46:25+-1:00", "2021-01-29T15:46:25*01:00", "2021-01-29T15:46:25+01.00",
      "2021-00-29T15:46:25Z", "2021-13-29T15:46:25Z", "2021-01-00T15:46:25Z", "2021-01-32T15:46:25Z",
      "2021-04-31T15:46:25Z", "2021-02-29T15:46:25Z", "2021-02-30T15:46:25Z", "2020-02-30T15:46:25Z",
      "2000-02-30T15:46:25Z", "1900-02-29T15:46:25Z", "2100-02-29T15:46:25Z", "2021-01-29T24:00:00Z",
      "2021-01-29T25:46:25Z", "2021-01-29T15:60:25Z", "2021-01-29T15:46:61Z", "2021-01-29T15:46:-1Z",
      "21-01-29T15:46:25Z", "02021-01-29T15:46:25Z", "+2021-01-29T15:46:25Z", "-2021-01-29T15:46:25Z",
      "2021-1-29T15:46:25Z", "2021-01-9T15:46:25Z", "2021-001-29T15:46:25Z", "2021/01/29T15:46:25Z",
      "20210129T154625Z", "2021-01-29T154625Z", "2021-01-29T5:46:25Z", "2021-029T15:46:25Z",
      "2021-W04-5T15:46:25Z", "2021-01-29T15:46:2 Z", "2021-01-29T15:46: 5Z", "202a-01-29T15:46:25Z",
      "1611935185", "yesterday", "\0", ("2"):rep(10000), "2024-08-151T10:18:47+00:00",
    }
    for _, text in ipairs(wrong) do
      assert.equal(1, select("#", timestamp(text)), text)
      assert.is_nil((timestamp(text)), text)
    end
  end)

  it("returns nil for every truncated date, and for values that are not strings", function()
    local text = "2021-01-29T16:46:25.217+01:00"
    for length = 0, #text - 1 do assert.is_nil((timestamp(text:sub(1, length)))) end
    for _, value in ipairs { 1611935185, true, {}, print } do assert.is_nil((timestamp(value))) end
    assert.is_nil((timestamp(nil)))
    assert.is_nil((timestamp()))
  end)
end)
