-- The store in Redis in the tasks of a script: while one waits for Redis, the others run.

local redis = require "apivideo.inbox.redis"
local redis_stores = require "spec.support.redis_stores"
local resp = require "spec.support.resp"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local WINDOW, open, item, put = redis_stores.WINDOW, redis_stores.open, redis_stores.item, redis_stores.put

local server

redis_stores.describe("inbox store redis in tasks", function()
  setup(function() server = redis_stores.server() end)

  it("lets other tasks run while Redis does not reply", function()
    local store, ticks, err = open(), 0, nil
    put(store, "a")
    server:pause()
    local ok, problem = pcall(runtime.run, function()
      runtime.spawn(function()
        while not err do
          ticks = ticks + 1
          runtime.sleep(0.01)
        end
      end)
      err = select(2, store:stats())
    end)
    server:resume()
    assert(ok, problem)
    assert.truthy(tostring(err):find("timeout: no reply within 2 seconds", 1, true), tostring(err))
    assert.is_true(ticks > 5, ticks)
  end)

  it("serves the calls of many tasks at once, on a bounded number of idle connections", function()
    local store, latch, results = open(), runtime.latch(), {}
    for i = 1, 40 do
      runtime.spawn(function()
        local result = store:put({ item(("%d"):format(i % 20)) }, WINDOW)
        results[#results + 1] = result
        if #results == 40 then latch:open() end
      end)
    end
    latch:wait(10)
    assert.equal(40, #results)
    assert.equal(20, assert(store:stats()).waiting)
    local kept = select(2, server:command("CLIENT", "LIST"):gsub("cmd=evalsha", ""))
    assert.is_true(kept >= 1 and kept <= 16, kept)
  end)

  it("is unavailable while the server closes connections within a reply", function()
    for _, bytes in ipairs { "*2\r\n$3\r\nabc\r\n", "$10\r\nabc", "", ":1" } do
      local hostile = resp.sending(bytes, true)
      local store = redis { port = tonumber(hostile.port) }
      assert.matches("the server has closed the connection", redis_stores.unavailable(store:stats()), 1, true)
      store:close()
      hostile.stop()
    end
  end)

  it("closes all idle connections when one does not reply, since the others may be dead, too", function()
    local store, count, all = open(), 0, runtime.latch()
    server:pause() -- all eight begin before one ends
    for _ = 1, 8 do
      runtime.spawn(function()
        assert(store:stats())
        count = count + 1
        if count == 8 then all:open() end
      end)
    end
    runtime.pass()
    server:resume()
    all:wait(10)
    local function kept() return select(2, server:command("CLIENT", "LIST"):gsub("cmd=evalsha", "")) end
    local before = kept()
    assert.is_true(before > 1, before)
    server:command("CONFIG", "SET", "maxmemory", "1")
    redis_stores.unavailable(store:put({ item "a" }, WINDOW)) -- an error of the server, which can be reached
    server:command("CONFIG", "SET", "maxmemory", "0")
    assert.is_true(kept() >= before - 1) -- it closes the connection that has got the error
    server:pause()
    local ok, problem = pcall(redis_stores.unavailable, store:stats())
    server:resume()
    assert(ok, problem)
    wait_for(function() return kept() == 0 end, "the connections' end")
  end)

  it("can be closed during a call, which ends with its result", function()
    local store, result, closed = open(), nil, runtime.latch()
    runtime.run(function()
      runtime.spawn(function() closed:open(store:close()) end)
      result = store:stats()
      closed:wait(10)
    end)
    assert.truthy(result)
    local text = redis_stores.unavailable(store:stats())
    assert.truthy(text:find("the inbox was closed", 1, true))
    assert.is_nil(server:command("CLIENT", "LIST"):find "cmd=evalsha")
  end)

  it("is unavailable while the server sends no replies of Redis, and reports why", function()
    for bytes, expected in pairs {
      ["HTTP/1.1 400 Bad Request\r\n\r\n"] = "Protocol error",
      ["*2000000\r\n"] = "the reply has too many elements",
      ["-LOADING Redis is loading the dataset in memory\r\n"] = "LOADING",
      ["-READONLY You can't write against a read only replica.\r\n"] = "READONLY",
      ["-NOAUTH Authentication required.\r\n"] = "NOAUTH",
      ["-MOVED 1 127.0.0.1:1\r\n"] = "MOVED", -- each time, to a node that is unavailable
      ["$99999999999999999999\r\n"] = "ulk string length",
      ["*2\r\n$3\r\nabc\r\n"] = "timeout: no reply within 2 seconds",
      ["$-1\r\n"] = "the reply is nil",
      ["-ERR max number of clients reached\r\n"] = "max number of clients reached",
    } do
      local hostile = resp.sending(bytes)
      local store = redis { port = tonumber(hostile.port) }
      local text = redis_stores.unavailable(store:stats())
      assert.truthy(text:find(expected, 1, true), text)
      store:close()
      hostile.stop()
    end
  end)
end)
