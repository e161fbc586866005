-- The store in Redis, used by several processes.

local process = require "spec.support.process"
local redis_stores = require "spec.support.redis_stores"

local WINDOW, open, items = redis_stores.WINDOW, redis_stores.open, redis_stores.items

local server

redis_stores.describe("inbox store redis", function()
  setup(function() server = redis_stores.server() end)

  describe("several processes #process", function()
    -- Waits for the end of the pause, and then runs code with `store` and `number`.
    local function start(number, text)
      return process.start { "-e", ([[
        local store = require "apivideo.inbox.redis" { port = %d }
        local number = %d
        assert(store:stats())
        print "ready"
        io.stdout:flush()
        while assert(store:stats()).paused do end
        %s
      ]]):format(server.port, number, text) }
    end

    -- Runs it in several processes at once; their output after "ready".
    local function run(count, text)
      local gate, children, printed = open(), {}, {}
      gate:pause()
      for i = 1, count do children[i] = start(i, text) end
      for _, child in ipairs(children) do child:wait_for "ready" end
      gate:resume()
      for i, child in ipairs(children) do
        child:wait_for "the end"
        printed[i] = child:output():match "ready%s*(.-)%s*the end"
        child:wait()
      end
      return table.concat(printed, " ")
    end

    it("get true for one of two hundred duplicates of an event", function()
      local printed = run(8, [[
        for i = 1, 25 do
          local results = assert(store:put({ { key = "same", raw = "{}", verified = true, received_at = 1 } }, 20))
          if results[1] then print "new" end
        end
        print "the end"
      ]])
      assert.equal("new", (printed:gsub("%s", "")))
      assert.equal(1, assert(open():stats()).waiting)
    end)

    it("share the events", function()
      assert(open():put(items(300), WINDOW))
      local printed = run(4, [[
        while true do
          local entries = assert(store:claim(2, 60))
          if #entries == 0 then break end
          for _, entry in ipairs(entries) do
            print(entry.raw)
            assert(store:complete(entry.id, entry.token))
          end
        end
        print "the end"
      ]])
      local seen, count = {}, 0
      for raw in printed:gmatch "%d+" do
        assert.is_nil(seen[raw], raw)
        seen[raw], count = true, count + 1
      end
      assert.equal(300, count)
      assert.equal(300, assert(open():stats()).done)
      local received, handled = 0, 0
      for _, minute in ipairs(assert(open():activity())) do
        received, handled = received + minute.received, handled + minute.handled
      end
      assert.same({ 300, 300 }, { received, handled })
    end)
  end)
end)
