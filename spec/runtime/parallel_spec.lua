-- Concurrent calls: their number, their results, and when the next item is taken.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local errors = require "apivideo.error"
local misuse = require "spec.support.misuse"
local protected = require "apivideo.util.pcall"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"

local parallel = apivideo.parallel

describe("parallel", function()
  after_each(running.stop)

  local function start()
    local api = running.emulator()
    return api, client_of(api.url)
  end

  local function numbers(count)
    local list = {}
    for i = 1, count do list[i] = i end
    return list
  end

  -- Runs a test outside of tasks, and inside a task.
  local function both(name, test)
    it(name, function() test() end)
    it(name .. ", in a task", function()
      local ended = false
      apivideo.run(function()
        test()
        ended = true
      end)
      assert.is_true(ended)
    end)
  end

  both("keeps as many in flight as it may, and no more", function()
    for _, limit in ipairs { 1, 2, 7, 30, 100 } do
      local now, most = 0, 0
      local results, failed = parallel(limit, numbers(30), function(item)
        now = now + 1
        most = math.max(most, now)
        apivideo.sleep(0.002)
        now = now - 1
        return -item
      end)
      assert.equal(math.min(limit, 30), most)
      assert.equal(0, now)
      assert.is_nil(failed)
      for i = 1, 30 do assert.equal(-i, results[i]) end
    end
  end)

  both("gives results by the place of their items, whatever ends first", function()
    local ended, gates = {}, {}
    for i = 1, 5 do gates[i] = runtime.latch() end
    local results = parallel(5, numbers(5), function(item, place)
      if item < 5 then gates[item + 1]:wait() end
      ended[#ended + 1] = place
      gates[item]:open()
      return "result " .. item
    end)
    assert.same({ 5, 4, 3, 2, 1 }, ended)
    assert.same({ "result 1", "result 2", "result 3", "result 4", "result 5" }, results)
  end)

  both("gives errors by place: what was returned, or raised", function()
    local object = errors.new("network", "away")
    local results, failed = parallel(3, numbers(9), function(item)
      if item % 2 == 0 then apivideo.sleep(0) end
      if item == 2 then return nil, "returned" end
      if item == 3 then return nil, object end
      if item == 4 then error("raised", 0) end
      if item == 5 then error(object) end
      if item == 6 then error() end
      if item == 7 then return nil end
      if item == 8 then return false, "not an error" end
      return item
    end)
    assert.same({ [1] = 1, [8] = false, [9] = 9 }, results)
    assert.same({ 2, 3, 4, 5, 6 }, (function()
      local places = {}
      for place in pairs(failed) do places[#places + 1] = place end
      table.sort(places)
      return places
    end)())
    assert.equal("returned", failed[2])
    assert.equal(object, failed[3])
    assert.equal("raised", failed[4])
    assert.equal(object, failed[5])
    assert.equal(_VERSION == "Lua 5.5" and "<no error object>" or "the function failed", failed[6])
  end)

  both("is done at once with nothing to do", function()
    for _, items in ipairs { {}, function() return nil end } do
      local results, failed = parallel(3, items, function() error("called") end)
      assert.same({}, results)
      assert.is_nil(failed)
    end
  end)

  it("leaves the list as it is, and works with functions that do not wait", function()
    local list = numbers(1000)
    local results = parallel(3, list, function(item, place) return item * place end)
    assert.same(numbers(1000), list)
    assert.equal(1000, #results)
    assert.equal(1000 * 1000, results[1000])
  end)

  both("takes the next item only when there is room for it", function()
    local taken, ended, ahead = 0, 0, 0
    local results = parallel(4, function()
      if taken == 40 then return nil end
      taken = taken + 1
      ahead = math.max(ahead, taken - ended)
      return taken
    end, function(item)
      apivideo.sleep(0.001 * (item % 3))
      ended = ended + 1
      return item
    end)
    assert.equal(4, ahead)
    assert.same(numbers(40), results)
  end)

  both("takes items from an iterator that waits itself", function()
    local taken, under_way, beside = 0, 0, false
    local results = parallel(3, function()
      if taken == 6 then return nil end
      apivideo.sleep(0.002)
      taken = taken + 1
      beside = beside or under_way > 0
      return taken
    end, function(item)
      under_way = under_way + 1
      apivideo.sleep(0.01)
      under_way = under_way - 1
      return item
    end)
    assert.same(numbers(6), results)
    assert.is_true(beside) -- items in progress continue while the iterator waits
  end)

  it("takes items from iterators that wait for each other", function()
    -- Neither iterator may block the loop that the other needs.
    local first, second, done = runtime.latch(), runtime.latch(), 0
    local function run(before, mine, theirs)
      local taken = false
      parallel(2, function()
        if taken then return nil end
        taken = true
        if before then apivideo.sleep(0.01) else theirs:wait() end
        mine:open(true)
        if before then theirs:wait() end
        return "item"
      end, function() done = done + 1 end)
    end
    apivideo.run(function()
      apivideo.spawn(run, true, first, second)
      apivideo.spawn(run, false, second, first)
      wait_for(function() return done == 2 end, "both")
    end)
  end)

  it("raises an iterator's error unchanged", function()
    local ok, err = pcall(parallel, 2, function() error("as it is", 0) end, function() end)
    assert.is_false(ok)
    assert.equal("as it is", err)
  end)

  both("takes items from the pages of a list", function()
    local api, client = start()
    for i = 1, 7 do api:put_video { videoId = "vi" .. i } end
    local results, failed = parallel(3, client.videos:each { pageSize = 2 }, function(video)
      local status, err = client.videos:status(video.videoId)
      return status and video.videoId .. " " .. status.ingest.status, err
    end)
    assert.is_nil(failed)
    local expected = {}
    for i = 1, 7 do expected[i] = "vi" .. i .. " uploaded" end
    assert.same(expected, results)
  end)

  both("raises what the iterator raises, once those in flight have ended", function()
    local api, client = start()
    for i = 1, 5 do api:put_video { videoId = "vi" .. i } end
    local next_video, started, ended = client.videos:each { pageSize = 2 }, 0, 0
    assert.equal("vi1", next_video().videoId)
    api:fault { status = 500, on = "GET /videos" }
    local ok, err = protected.call(parallel, 4, function()
      return next_video()
    end, function()
      started = started + 1
      apivideo.sleep(0.02)
      ended = ended + 1
    end)
    assert.is_false(ok)
    assert.is_true(errors.is(err))
    assert.equal("server_error", err.kind)
    assert.same({ 1, 1 }, { started, ended })
  end)

  it("can be nested", function()
    local results = parallel(2, { 10, 20, 30 }, function(ten)
      return parallel(3, numbers(4), function(item)
        apivideo.sleep(0.001)
        return ten + item
      end)
    end)
    assert.same({ { 11, 12, 13, 14 }, { 21, 22, 23, 24 }, { 31, 32, 33, 34 } }, results)
  end)

  it("lets other tasks run", function()
    local beside = 0
    apivideo.run(function()
      local stop = false
      apivideo.spawn(function()
        while not stop do
          beside = beside + 1
          apivideo.sleep(0.001)
        end
      end)
      parallel(2, numbers(6), function() apivideo.sleep(0.01) end)
      stop = true
    end)
    assert.is_true(beside > 1)
  end)

  it("reuses the connections of many calls after sequential calls", function()
    local p = running.serving(function()
      apivideo.sleep(0.01)
      return "200 OK", nil, '{"videoId":"vi1"}'
    end)
    local client = client_of(p.url)
    local function get() return assert(client.videos:get "vi1") end
    parallel(20, numbers(20), get)
    for _ = 1, 10 do get() end
    parallel(20, numbers(20), get)
    assert.equal(20, p.connections)
  end)

  it("makes 1,000 calls, 50 in flight, over 50 connections at most", function()
    local now, most = 0, 0
    local p = running.serving(function(request)
      now = now + 1
      most = math.max(most, now)
      apivideo.sleep(0.005)
      now = now - 1
      local id = request.line:match("/videos/(%w+)")
      local status = id == "vi500" and "404 Not Found" or id == "vi700" and "503 X" or "200 OK"
      return status, nil, ('{"videoId":"%s"}'):format(id)
    end)
    local client, connections = client_of(p.url), 0
    local results, failed = parallel(50, numbers(1000), function(item)
      local video, err, response = client.videos:get("vi" .. item)
      response = response or err.response
      connections = connections + (response and response.connections or 0)
      return video and video.videoId, err
    end)
    for i = 1, 1000 do
      if i ~= 500 and i ~= 700 then assert.equal("vi" .. i, results[i]) end
    end
    assert.equal("not_found", failed[500].kind)
    assert.equal("server_error", failed[700].kind)
    failed[500], failed[700] = nil, nil
    assert.is_nil(next(failed))
    assert.is_true(most <= 50 and most > 1, most)
    assert.is_true(connections <= 50 and connections > 1, connections)
    assert.equal(p.connections, connections)
  end)

  it("reports a function that yields to another scheduler as failed, once", function()
    local co, results, errs
    stderr.of(function()
      results, errs = runtime.run(parallel, 2, { "a", "b", "c" }, function(item)
        if item ~= "b" then return item end
        co = coroutine.running()
        coroutine.yield()
        return "late"
      end)
      coroutine.resume(co)
    end)
    assert.same({ "a", nil, "c" }, results)
    assert.truthy(errs[2]:find("yielded to a scheduler other than", 1, true))
  end)

  it("raises for misuse, naming the argument", function()
    local function message(...)
      local arguments = { ... }
      return misuse(function() return (parallel(arguments[1], arguments[2], arguments[3])) end)
    end
    local function nothing() end
    for _, limit in ipairs { 0, -1, 1.5, math.huge, 0 / 0, "5", {} } do
      assert.truthy(message(limit, {}, nothing):find("parallel: limit must be an integer of at least 1", 1, true))
    end
    assert.truthy(message(nil, {}, nothing):find("limit", 1, true))
    assert.truthy(message(1, nil, nothing):find("items must be a list or an iterator, got nil", 1, true))
    assert.truthy(message(1, "items", nothing):find("got string", 1, true))
    for _, items in ipairs { { a = 1 }, { [2] = "b" }, { [0] = "c" }, { 1, nil, 3 }, { 1, a = 2 } } do
      assert.truthy(message(1, items, nothing):find("items must be a list, without holes", 1, true))
    end
    assert.truthy(message(1, {}):find("a function expected, got nil", 1, true))
    assert.truthy(message(1, {}, {}):find("a function expected, got table", 1, true))
  end)
end)
