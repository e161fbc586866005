local apivideo = require "apivideo"
local recorders = require "apivideo.page.recorder"

describe("the page's recorder", function()
  local function outcome(raw)
    return { status = 401, seconds = 0, headers = {}, raw = raw,
      err = { kind = "bad_signature", message = "no" } }
  end

  it("keeps the last records, by number", function()
    local recorder = recorders.new(apivideo.events, 3, 1e9)
    for i = 1, 10 do recorder:add(outcome(tostring(i))) end
    assert.same({ 8, 10 }, { recorder.first, recorder.last })
    assert.is_nil(recorder:get(7))
    assert.equal("8", recorder:get(8).raw)
    assert.equal(3, #recorder:list(0, 100))
  end)

  it("keeps the last records, by bytes", function()
    local recorder = recorders.new(apivideo.events, 1000, 10000)
    for _ = 1, 100 do recorder:add(outcome(("x"):rep(2000))) end
    assert(recorder.last - recorder.first < 5)
    recorder:add(outcome(("x"):rep(20000)))
    assert.same({ 101, 101 }, { recorder.first, recorder.last })
    recorder:add(outcome "small")
    assert.same({ 102, 102 }, { recorder.first, recorder.last })
  end)

  it("keeps only the beginning of a long type or id", function()
    local recorder = recorders.new(apivideo.events)
    local long = ("x"):rep(199) .. "\226\130\172" .. ("y"):rep(5000)
    local one = outcome(('{"type":"%s"}'):format(long))
    recorder:add(one)
    assert.equal(("x"):rep(199), recorder:get(1).type)
    recorder:add(outcome(('{"type":"video.encoding.quality.completed","videoId":"%s","encoding":"%s","quality":"q"}')
      :format(long, long)))
    local second = recorder:get(2)
    assert.same({ ("x"):rep(199), ("x"):rep(199) }, { second.subject, second.detail })
  end)

  it("does not parse a large body that any sender may have sent", function()
    local recorder = recorders.new(apivideo.events)
    recorder:add(outcome('{"type":"x","a":"' .. ("y"):rep(20000) .. '"}'))
    assert.is_nil(recorder:get(1).type)
    local one = outcome(nil)
    one.event = { type = "x", a = ("y"):rep(20000) }
    recorder:add(one)
    assert.equal("x", recorder:get(2).type)
  end)

  it("has a random instance", function()
    assert.not_equal(recorders.new(apivideo.events).instance, recorders.new(apivideo.events).instance)
  end)

  it("records headers in the forms of all frameworks", function()
    local recorder = recorders.new(apivideo.events)
    local one = outcome ""
    one.headers = { ["x-list"] = { [0] = "a", "b" }, [1] = "ignored", ["x-number"] = 5, Cookie = "a=b" }
    recorder:add(one)
    local list = recorder:get(1).headers
    assert.same({ "Cookie", "***" }, { list[1][1], list[1][2] })
    assert.same({ "x-list", "a" }, { list[2][1], list[2][2] })
    assert.same({ "x-list", "b" }, { list[3][1], list[3][2] })
    assert.is_nil(list[4])
  end)
end)
