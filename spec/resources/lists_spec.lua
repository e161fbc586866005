-- Lists, page by page and item by item: when they end, and what is read of lists that change during the walk.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local errors = require "apivideo.error"
local listings = require "spec.support.listing"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"

local listing, serving, videos = listings.of, listings.serving, listings.videos
local number_and_size = listings.number_and_size

describe("lists", function()
  after_each(running.stop)

  local function ids_of(iterator)
    local ids = {}
    for item in iterator do ids[#ids + 1] = item.videoId end
    return ids
  end

  local function expected(from, to)
    local ids = {}
    for i = from, to do ids[#ids + 1] = "vi" .. i end
    return ids
  end

  -- The requested pages, in order.
  local function asked(p)
    local numbers = {}
    for i, request in ipairs(p.requests) do numbers[i] = number_and_size(request) end
    return numbers
  end

  describe("are iterated", function()
    it("lazily: a page is requested when its first item is needed", function()
      local client, p = listing(videos(1, 5))
      local next_video = client.videos:each { pageSize = 2 }
      assert.equal(0, #p.requests)
      for i, requests in ipairs { 1, 1, 2, 2, 3 } do
        assert.equal("vi" .. i, next_video().videoId)
        assert.equal(requests, #p.requests)
      end
      assert.is_nil(next_video())
      assert.is_nil(next_video())
      assert.equal(3, #p.requests)

      local next_page = client.videos:pages { pageSize = 2 }
      assert.equal(3, #p.requests)
      for i, count in ipairs { 2, 2, 1 } do
        local page, response = next_page()
        assert.equal(count, #page.data)
        assert.equal(5, page.pagination.itemsTotal)
        assert.equal(200, response.status)
        assert.equal(3 + i, #p.requests)
      end
      assert.is_nil(next_page())
      assert.is_nil(next_page())
      assert.equal(6, #p.requests)
    end)

    it("until a short page, or an empty one", function()
      for count, requests in pairs { [0] = 1, [1] = 1, [2] = 2, [3] = 2, [4] = 3 } do
        local client, p = listing(videos(1, count))
        assert.same(expected(1, count), ids_of(client.videos:each { pageSize = 2 }))
        assert.equal(requests, #p.requests)
        local pages, seen = 0, 0
        for page in client.videos:pages { pageSize = 2 } do pages, seen = pages + 1, seen + #page.data end
        assert.equal(count, seen)
        assert.equal(math.max(1, math.ceil(count / 2)), pages) -- an empty one is given where it is the first
        assert.equal(2 * requests, #p.requests)
      end
    end)

    it("a hundred at a time by default", function()
      local client, p = listing(videos(1, 250))
      assert.same(expected(1, 250), ids_of(client.videos:each()))
      assert.same({ 1, 2, 3 }, asked(p))
      assert.truthy(p.requests[1].line:find("pageSize=100", 1, true))
    end)

    it("from a page on, without changing the query that was given", function()
      local client, p = listing(videos(1, 7))
      local query = { currentPage = 2, pageSize = 3 }
      local seen = {}
      for page in client.videos:pages(query) do
        for _, item in ipairs(page.data) do seen[#seen + 1] = item.videoId end
      end
      assert.same(expected(4, 7), seen)
      assert.same({ 2, 3 }, asked(p))
      assert.same({ currentPage = 2, pageSize = 3 }, query)
    end)

    local lies = {
      ["too high"] = function(right)
        right.itemsTotal, right.pagesTotal, right.currentPageItems = 1000, 500, 77
        return right
      end,
      ["too low"] = function(right)
        right.itemsTotal, right.pagesTotal, right.currentPageItems = 0, 1, 0
        return right
      end,
      negative = function(right)
        right.itemsTotal, right.pagesTotal, right.pageSize, right.currentPage = -5, -1, -2, -1
        return right
      end,
      ["missing one by one"] = function(right)
        right.itemsTotal, right.pageSize = nil, nil
        return right
      end,
      missing = function() return nil end,
      null = function() return apivideo.null end,
      ["no object"] = function() return 5 end,
      strings = function()
        return { itemsTotal = "many", pagesTotal = "5", pageSize = "2", currentPageItems = "x" }
      end,
      ["of pages of one"] = function(right)
        right.pageSize = 1
        return right
      end,
      ["of pages of a fraction"] = function(right)
        right.pageSize, right.itemsTotal = 0.5, 2.5
        return right
      end,
      ["links as a map that leads elsewhere"] = function(right)
        right.links = { next = { uri = "http://127.0.0.1:1/nowhere" }, last = "http://127.0.0.1:1/" }
        return right
      end,
      ["a total that falls with each page"] = function(right)
        right.itemsTotal = 100 - 10 * right.currentPage
        return right
      end,
    }

    for name, lie in pairs(lies) do
      it("whatever the counters say: " .. name, function()
        for _, count in ipairs { 0, 1, 2, 4, 5, 9 } do
          local client, p = listing(videos(1, count), lie)
          assert.same(expected(1, count), ids_of(client.videos:each { pageSize = 2 }))
          local requests = math.floor(count / 2) + 2
          assert.is_true(#p.requests <= (name:find("falls") and requests ^ 2 or 2 * requests), #p.requests)
          local seen = {}
          for page in client.videos:pages { pageSize = 2 } do
            for _, item in ipairs(page.data) do seen[#seen + 1] = item.videoId end
          end
          assert.same(expected(1, count), seen)
          -- The list has one short page, which is not re-read because of its counters.
          local single = count == 0 or count == 1 and name ~= "of pages of one"
          if single then assert.same({ 1, 1 }, asked(p)) end
        end
      end)
    end

    it("with a server that sends smaller pages, and reports their size", function()
      local client, p = listing(videos(1, 60), nil, 25)
      assert.same(expected(1, 60), ids_of(client.videos:each()))
      assert.same({ 1, 2, 3 }, asked(p))
      local pages = 0
      for _ in client.videos:pages() do pages = pages + 1 end
      assert.equal(3, pages)
    end)

    it("with a server that sends the same full page forever", function()
      for _, total in ipairs { false, 1e6, 2, 0, "falling" } do
        local client, p = serving(function(request)
          local told = total or nil
          if total == "falling" then told = 1000 - 500 * math.floor(number_and_size(request) / 11) end
          return { data = videos(1, 2), pagination = { itemsTotal = told, pageSize = 2 } }
        end)
        assert.same(expected(1, 2), ids_of(client.videos:each { pageSize = 2 }))
        assert.is_true(#p.requests < 30)
        local pages = 0
        for _ in client.videos:pages { pageSize = 2 } do pages = pages + 1 end
        assert.is_true(pages < 20)
      end
    end)

    it("with a server that sends empty pages forever", function()
      for _, size in ipairs { 1, 100 } do
        local client, p = serving(function() return '{"data":[],"pagination":{"itemsTotal":5,"pageSize":0}}' end)
        assert.same({}, ids_of(client.videos:each { pageSize = size }))
        for _ in client.videos:pages { pageSize = size } do assert.is_true(#p.requests < 5) end
        assert.equal(2, #p.requests)
      end
    end)

    it("with items that have no id", function()
      local client = listing({ {}, { title = "a" }, { title = "a" } })
      local count = 0
      for item in client.videos:each { pageSize = 2 } do
        assert.is_table(item)
        count = count + 1
      end
      assert.equal(3, count)
    end)

    it("until a failure, which is raised as an error object, and continue after it", function()
      local fails = true
      local client, p = serving(function(request)
        local number = number_and_size(request)
        if number == 2 and fails then return "<html>", "503 Service Unavailable" end
        return { data = number == 1 and videos(1, 2) or videos(3, 3) }
      end)
      for _, kind in ipairs { "each", "pages" } do
        fails = true
        local iterator = client.videos[kind](client.videos, { pageSize = 2 })
        local first = iterator()
        assert.is_table(first)
        if kind == "each" then iterator() end
        local ok, err = pcall(iterator)
        assert.is_false(ok)
        assert.is_true(errors.is(err))
        assert.equal("server_error", err.kind)
        assert.equal(503, err.status)
        fails = false
        local rest = iterator()
        assert.equal("vi3", kind == "each" and rest.videoId or rest.data[1].videoId)
      end
      local ok, err = pcall(function()
        fails = true
        for _ in client.videos:each { pageSize = 2 } do runtime.sleep(0) end
      end)
      assert.is_false(ok)
      assert.equal("server_error", err.kind)
      assert.is_true(#p.requests < 20)
    end)
  end)

  describe("that change while they are read:", function()
    -- Removes an item by its id.
    local function remove(list, id)
      for i, item in ipairs(list) do
        if item.videoId == id then return table.remove(list, i) end
      end
    end

    it("all of 250 webhooks are seen once, and deleted", function()
      local api = running.emulator()
      local client = client_of(api.url)
      local wanted, count = {}, 0
      for i = 1, 250 do
        local id = ("webhook_%03d"):format(i)
        wanted[id] = true
        api.webhooks:put { webhookId = id, url = "https://example.com/" .. i, events = { "video.source.recorded" } }
      end
      for webhook in client.webhooks:each() do
        assert.is_true(wanted[webhook.webhookId], webhook.webhookId)
        wanted[webhook.webhookId] = nil
        count = count + 1
        assert(client.webhooks:delete(webhook.webhookId))
      end
      assert.equal(250, count)
      assert.equal(0, #api.webhooks.items)
    end)

    it("each item is seen once when it is deleted in the loop", function()
      for _, size in ipairs { 1, 2, 3, 4, 100 } do
        local list = videos(1, 11)
        local client = listing(list)
        local seen = {}
        for item in client.videos:each { pageSize = size } do
          seen[#seen + 1] = item.videoId
          remove(list, item.videoId)
        end
        table.sort(seen)
        local all = expected(1, 11)
        table.sort(all)
        assert.same(all, seen)
        assert.same({}, list)
      end
    end)

    it("nothing is missed when other clients delete items that were read", function()
      for _, most in ipairs { 100, 3 } do -- the server gives as many as asked for, or fewer
        local list = videos(1, 30)
        local client = listing(list, nil, most)
        local seen, count = {}, 0
        for item in client.videos:each { pageSize = 5 } do
          assert.is_nil(seen[item.videoId])
          seen[item.videoId], count = true, count + 1
          if count == 15 then
            for i = 1, 10 do remove(list, "vi" .. i) end
          end
        end
        assert.equal(30, count)
      end
    end)

    it("the items keep their order: a loop over a sorted list may end at the first one that is too old", function()
      local list = videos(1, 30)
      local client = listing(list)
      local seen = {}
      for item in client.videos:each { pageSize = 5 } do
        seen[#seen + 1] = item.videoId
        if #seen == 10 then
          for i = 1, 7 do remove(list, "vi" .. i) end
        end
      end
      assert.same(expected(1, 30), seen)
    end)

    it("nothing is missed when items that were not read yet are deleted", function()
      local list = videos(1, 200)
      local client, p = listing(list)
      local seen = {}
      for item in client.videos:each { pageSize = 5 } do
        seen[#seen + 1] = item.videoId
        if #seen == 3 then remove(list, "vi200") end
        if #seen == 70 then
          for i = 131, 199 do remove(list, "vi" .. i) end
        end
      end
      assert.same(expected(1, 130), seen)
      assert.is_true(#p.requests < 50)
    end)

    it("no item comes twice when the list grows at its front", function()
      for _, growth in ipairs { 1, 2, 5, 15, 40 } do
        local list = videos(1, 20)
        local client = listing(list)
        local seen, old, count = {}, {}, 0
        for item in client.videos:each { pageSize = 5 } do
          assert.is_nil(seen[item.videoId])
          seen[item.videoId], count = true, count + 1
          if not item.videoId:find("new", 1, true) then old[#old + 1] = item.videoId end
          if count == 3 then
            for i = 1, growth do table.insert(list, 1, { videoId = "vi_new" .. i }) end
          end
        end
        assert.same(expected(1, 20), old)
      end
    end)

    it("items that are added at the end are seen", function()
      local list = videos(1, 4)
      local client = listing(list)
      local seen = {}
      for item in client.videos:each { pageSize = 2 } do
        seen[#seen + 1] = item.videoId
        if #seen <= 3 then list[#list + 1] = { videoId = "vi" .. 4 + #seen } end
      end
      assert.same(expected(1, 7), seen)
    end)
  end)

  it("work in several tasks", function()
    local client = listing(videos(1, 5))
    local results, done = {}, 0
    apivideo.run(function()
      for task = 1, 3 do
        apivideo.spawn(function()
          local ids = {}
          -- A loop's iterator cannot yield in Lua 5.1; it then drives the loop itself.
          for video in client.videos:each { pageSize = 2 } do
            apivideo.sleep(0)
            ids[#ids + 1] = video.videoId
          end
          for page in client.videos:pages { pageSize = 3 } do
            for _, item in ipairs(page.data) do ids[#ids + 1] = item.videoId end
          end
          ids[#ids + 1] = assert(client.videos:list({ pageSize = 1, currentPage = 5 })).data[1].videoId
          results[task], done = ids, done + 1
        end)
      end
      while done < 3 do apivideo.sleep(0.001) end
    end)
    for task = 1, 3 do
      assert.same({ "vi1", "vi2", "vi3", "vi4", "vi5", "vi1", "vi2", "vi3", "vi4", "vi5", "vi5" }, results[task])
    end
  end)
end)
