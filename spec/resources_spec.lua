-- What videos, live streams, captions, summaries and webhooks have in common: paths, queries, pages.

local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"
local errors = require "apivideo.error"
local json = require "apivideo.json"
local peer = require "spec.support.peer"
local runtime = require "apivideo.runtime"

local RECORDED = "video.source.recorded"

describe("resources", function()
  local stops

  before_each(function() stops = {} end)

  after_each(function()
    for _, stop in ipairs(stops) do stop() end
  end)

  local function client_of(url, more)
    local given = { api_key = "key", base_url = url, timeout = 60, retries = 0 }
    for name, value in pairs(more or {}) do given[name] = value end
    return apivideo.client(given)
  end

  -- A peer whose answers a function makes of the request: a body and a status; and a client of it.
  local function serving(answer)
    local p
    p = peer.start(function(connection)
      while true do
        local request = connection:read_request()
        if not request then return end
        p.requests[#p.requests + 1] = request
        local body, status = answer(request)
        if #p.requests > 2000 then body, status = "who asks so often has gone in circles", "500 X" end
        connection:respond(status or "200 OK", nil, type(body) == "table" and json.encode(body) or body)
      end
    end)
    stops[#stops + 1] = p.stop
    return client_of(p.url), p
  end

  -- Whatever is asked for by id is there, and every list is empty.
  local ANYTHING = '{"webhookId":"webhook_1","videoId":"vi1","liveStreamId":"li1","data":[],"pagination":{}}'

  local function of_anything()
    return serving(function() return ANYTHING end)
  end

  -- A client of a local api.video that does not run out of calls.
  local function emulated(more)
    local given = { api_key = "key", rate_limits = { reads = 1e6, writes = 1e6 }, webhook_limit = 1000 }
    for name, value in pairs(more or {}) do given[name] = value end
    local api = assert(emulator.start(given))
    stops[#stops + 1] = function() api:stop() end
    return client_of(api.url), api
  end

  -- The message of misuse, which names this file.
  local function misuse(fn)
    local ok, err = pcall(fn)
    assert.is_false(ok)
    assert.is_string(err)
    assert.truthy(err:find("resources_spec.lua", 1, true), err)
    return err
  end

  describe("ask by", function()
    -- name of the resource, function, arguments, and the request line that they make
    local calls = {
      { "webhooks", "list", {}, "GET /webhooks" },
      { "webhooks", "list", { { events = RECORDED, currentPage = 2, pageSize = 50 } },
        "GET /webhooks?currentPage=2&events=video.source.recorded&pageSize=50" },
      { "webhooks", "list", { { events = "a&b=c d" } }, "GET /webhooks?events=a%26b%3Dc%20d" },
      { "webhooks", "get", { "webhook_1" }, "GET /webhooks/webhook_1" },
      { "webhooks", "create", { { url = "https://example.com/", events = { RECORDED } } }, "POST /webhooks" },
      { "webhooks", "delete", { "webhook_1" }, "DELETE /webhooks/webhook_1" },
      { "videos", "list", {}, "GET /videos" },
      { "videos", "list", { { title = "100% of Zoé?", description = "a+b#c", liveStreamId = "li1",
        sortBy = "publishedAt", sortOrder = "desc", currentPage = 1, pageSize = 100 } },
        "GET /videos?currentPage=1&description=a%2Bb%23c&liveStreamId=li1&pageSize=100&sortBy=publishedAt"
          .. "&sortOrder=desc&title=100%25%20of%20Zo%C3%A9%3F" },
      { "videos", "list", { { tags = { "one", "t w&o" } } }, "GET /videos?tags%5B%5D=one&tags%5B%5D=t%20w%26o" },
      { "videos", "list", { { metadata = { Author = "John Doe", ["a=b]"] = "1" } } },
        "GET /videos?metadata%5BAuthor%5D=John%20Doe&metadata%5Ba%3Db%5D%5D=1" },
      { "videos", "get", { "vi1" }, "GET /videos/vi1" },
      { "videos", "status", { "vi1" }, "GET /videos/vi1/status" },
      { "live_streams", "list", {}, "GET /live-streams" },
      { "live_streams", "list", { { streamKey = "cc1b4df0-d1c5", name = "a b", sortBy = "createdAt",
        sortOrder = "asc", currentPage = 3, pageSize = 10 } },
        "GET /live-streams?currentPage=3&name=a%20b&pageSize=10&sortBy=createdAt&sortOrder=asc"
          .. "&streamKey=cc1b4df0-d1c5" },
      { "live_streams", "get", { "li1" }, "GET /live-streams/li1" },
      { "captions", "list", { "vi1" }, "GET /videos/vi1/captions" },
      { "captions", "list", { "vi1", { currentPage = 2, pageSize = 7 } },
        "GET /videos/vi1/captions?currentPage=2&pageSize=7" },
      { "summaries", "list", {}, "GET /summaries" },
      { "summaries", "list", { { videoId = "vi1", origin = "auto", sourceStatus = "completed",
        sortBy = "videoId", sortOrder = "asc", currentPage = 1, pageSize = 25 } },
        "GET /summaries?currentPage=1&origin=auto&pageSize=25&sortBy=videoId&sortOrder=asc"
          .. "&sourceStatus=completed&videoId=vi1" },
    }

    for _, case in ipairs(calls) do
      local name, fn, arguments, line = case[1], case[2], case[3], case[4]
      it(("%s:%s, %s"):format(name, fn, line), function()
        local client, p = of_anything()
        local result, err, response = client[name][fn](client[name], arguments[1], arguments[2])
        assert.is_nil(err)
        assert.is_truthy(result)
        assert.equal(line .. " HTTP/1.1", p.requests[1].line)
        assert.equal(1, #p.requests)
        assert.equal(200, response.status)
        assert.equal(ANYTHING, response.body)
      end)
    end

    it("no filter that says nothing, and no page that is none", function()
      local client, p = of_anything()
      for _, query in ipairs { { tags = {} }, { metadata = {} }, { currentPage = 0 }, { pageSize = 1.5 },
        { currentPage = -1 }, { pageSize = 0 / 0 } } do
        local name = next(query)
        for _, fn in ipairs { "list", "pages", "each" } do
          if not (fn == "each" and name == "currentPage") then
            assert.truthy(misuse(function() return (client.videos[fn](client.videos, query)) end)
              :find('"' .. name .. '"', 1, true))
          end
        end
      end
      assert.truthy(misuse(function() return (client.captions:list("vi1", { currentPage = 0 })) end)
        :find("currentPage", 1, true))
      assert.equal(0, p.connections)
    end)

    for name, filters in pairs { webhooks = { events = RECORDED },
      videos = { title = "t", tags = { "a" }, metadata = { k = "v" }, description = "d", liveStreamId = "li1",
        sortBy = "title", sortOrder = "asc" },
      live_streams = { streamKey = "k", name = "n", sortBy = "name", sortOrder = "asc" },
      summaries = { videoId = "vi1", origin = "api", sourceStatus = "failed", sortBy = "createdAt",
        sortOrder = "desc" } } do
      it(name .. ":pages and :each, with the filters of its list", function()
        local client, p = of_anything()
        assert(client[name]:list(filters))
        local query = p.requests[1].line:match("%?(%S*)")
        for page in client[name]:pages(filters) do assert.same({}, page.data) end
        for _ in client[name]:each(filters) do error("an item of an empty list") end
        assert.equal(3, #p.requests)
        for i = 2, 3 do
          local line = p.requests[i].line
          assert.truthy(line:find("pageSize=100", 1, true), line)
          assert.truthy(line:find("currentPage=1&", 1, true), line)
          for parameter in query:gmatch("[^&]+") do assert.truthy(line:find(parameter, 1, true), line) end
        end
      end)
    end

    it("values that nobody knows yet", function()
      local client, p = of_anything()
      assert(client.videos:list { sortBy = "popularity", sortOrder = "random" })
      assert(client.summaries:list { origin = "human", sourceStatus = "dreaming" })
      assert.equal("GET /videos?sortBy=popularity&sortOrder=random HTTP/1.1", p.requests[1].line)
      assert.equal("GET /summaries?origin=human&sourceStatus=dreaming HTTP/1.1", p.requests[2].line)
    end)
  end)

  describe("never send an id that is none:", function()
    local prefixed = { webhooks = { "get", "delete", "rotate" } }
    local plain = { videos = { "get", "status" }, live_streams = { "get" }, captions = { "list" } }
    local impossible = { "", "..", "a/b", "a?b", "a b", "a\r\nX: y", "a\0", "a\n", "%2e", "é", ("a"):rep(101) }

    local function refused(name, fn, ids)
      local client, p = of_anything()
      for _, id in ipairs(ids) do
        local result, err, response = client[name][fn](client[name], id)
        assert.is_nil(result)
        assert.equal("invalid_request", err.kind)
        assert.equal(0, err.attempts)
        assert.is_false(err.retryable)
        assert.truthy(err.message:find(name .. ":" .. fn, 1, true), err.message)
        assert.is_nil(response)
      end
      assert.equal(0, p.connections)
    end

    for name, functions in pairs(plain) do
      for _, fn in ipairs(functions) do
        it(name .. ":" .. fn, function() refused(name, fn, impossible) end)
      end
    end

    for name, functions in pairs(prefixed) do
      for _, fn in ipairs(functions) do
        it(name .. ":" .. fn, function()
          local ids = { "webhook_", "webhook", "vi1", "Webhook_1", "xwebhook_1" }
          for _, id in ipairs(impossible) do ids[#ids + 1] = "webhook_" .. id end
          refused(name, fn, ids)
        end)
      end
    end

    it("and what is no string is misuse", function()
      local client, p = of_anything()
      for _, id in ipairs { 5, {}, true } do
        for name, functions in pairs(plain) do
          for _, fn in ipairs(functions) do
            assert.truthy(misuse(function() return (client[name][fn](client[name], id)) end)
              :find("Id must be a string, got " .. type(id), 1, true))
          end
        end
      end
      assert.truthy(misuse(function() return (client.videos:status()) end)
        :find("videos:status: videoId must be a string, got nil", 1, true))
      assert.equal(0, p.connections)
    end)
  end)

  describe("give", function()
    it("fields and values that are newer than this library", function()
      local client = serving(function()
        return [[{"videoId":"vi1","ingest":{"status":"teleported","news":[1]},
          "encoding":{"playable":false,"qualities":[{"quality":"8640p","status":"dreaming"}]}}]]
      end)
      local status = assert(client.videos:status("vi1"))
      assert.equal("teleported", status.ingest.status)
      assert.same({ 1 }, status.ingest.news)
      assert.same({ { quality = "8640p", status = "dreaming" } }, status.encoding.qualities)
      assert.equal("teleported", client.videos:get("vi1").ingest.status)
    end)

    it("null as a value of its own", function()
      local client = serving(function()
        return '{"videoId":"vi1","discardedAt":null,"ingest":{"filesize":null},"data":[{"language":null}]}'
      end)
      assert.equal(apivideo.null, client.videos:get("vi1").discardedAt)
      assert.is_nil(client.videos:get("vi1").deletesAt)
      assert.equal(apivideo.null, client.videos:status("vi1").ingest.filesize)
      assert.equal(apivideo.null, client.videos:list().data[1].language)
    end)

    it("sizes beyond 32 and 53 bits exactly", function()
      for _, digits in ipairs { "2147483648", "4294967296", "5000000000", "9007199254740993" } do
        local client = serving(function()
          return ('{"ingest":{"status":"uploaded","filesize":%s}}'):format(digits)
        end)
        local size = client.videos:status("vi1").ingest.filesize
        assert.equal(digits, tostring(size))
        if #digits < 16 then assert.equal("number", type(size)) end
      end
    end)

    it("the raw answer as third result, also of a failure", function()
      local client = serving(function() return '{"title":"no","status":404,"more":[1]}', "404 Not Found" end)
      for _, call in ipairs { { "webhooks", "get", "webhook_1" }, { "webhooks", "delete", "webhook_1" },
        { "webhooks", "list" }, { "videos", "get", "vi1" }, { "videos", "status", "vi1" }, { "videos", "list" },
        { "live_streams", "get", "li1" }, { "live_streams", "list" }, { "captions", "list", "vi1" },
        { "summaries", "list" }, { "webhooks", "create", { url = "https://example.com", events = { "a" } } } } do
        local result, err, response = client[call[1]][call[2]](client[call[1]], call[3])
        assert.is_nil(result)
        assert.equal("not_found", err.kind)
        assert.equal(404, response.status)
        assert.equal('{"title":"no","status":404,"more":[1]}', response.body)
        assert.equal("38", response.headers["Content-Length"])
        assert.is_number(response.timings.total)
      end
      local gone = peer.start(function(connection) connection:read_request() end)
      stops[#stops + 1] = gone.stop
      local result, err, response = client_of(gone.url).videos:get("vi1")
      assert.is_nil(result)
      assert.equal("network", err.kind)
      assert.is_nil(response)
    end)
  end)

  it("refuse a success that is no answer, and say what it was", function()
    local body
    local client, p = serving(function() return body end)
    for _, text in ipairs { "", "{}", '{"data":5}', '{"data":null}', '{"data":"x"}', '{"data":[null]}', '{"data":[5]}',
      '{"data":[{},"x"]}', '{"data":{"a":{}}}', "[]", '[{"videoId":"vi1"}]' } do
      body = text
      for _, list in ipairs { "videos", "live_streams", "summaries", "webhooks" } do
        local page, err, response = client[list]:list()
        assert.is_nil(page)
        assert.equal("unexpected_response", err.kind)
        assert.equal(200, err.status)
        assert.equal("GET", err.request.method)
        assert.truthy(err.request.url:find(p.url, 1, true), err.request.url)
        assert.equal(text, response.body)
      end
      assert.equal("unexpected_response", select(2, client.captions:list("vi1")).kind)
    end
    body = '{"title":"has no id"}'
    for name, id in pairs { videos = "vi1", live_streams = "li1", webhooks = "webhook_1" } do
      local thing, err, response = client[name]:get(id)
      assert.is_nil(thing)
      assert.equal("unexpected_response", err.kind)
      assert.truthy(err.message:find("Id", 1, true))
      assert.equal(body, response.body)
    end
    local created, err = client.webhooks:create { url = "https://example.com", events = { "a" } }
    assert.is_nil(created)
    assert.equal("unexpected_response", err.kind)
    assert.equal(p.url .. "/webhooks", err.request.url)
    body = "" -- which is a success of calls that give nothing
    for _, call in ipairs { { "videos", "status" }, { "videos", "get" }, { "live_streams", "get" } } do
      local none, problem = client[call[1]][call[2]](client[call[1]], "vi1")
      assert.is_nil(none)
      assert.equal("unexpected_response", problem.kind)
    end
  end)

  it("name what is wrong in a query", function()
    local client, p = of_anything()
    local function message(name, fn, ...)
      local arguments = { ... }
      return misuse(function() return (client[name][fn](client[name], arguments[1], arguments[2])) end)
    end
    for _, fn in ipairs { "list", "pages", "each" } do
      assert.truthy(message("videos", fn, { tittle = "x" })
        :find("videos:" .. fn .. ': unknown option "tittle"; did you mean "title"?', 1, true))
      assert.truthy(message("videos", fn, { tags = "one" }):find('"tags" must be a table', 1, true))
      assert.truthy(message("summaries", fn, { pageSize = "100" }):find('"pageSize" must be a number', 1, true))
      assert.truthy(message("live_streams", fn, "x"):find("a table of options expected, got string", 1, true))
      assert.truthy(message("webhooks", fn, {}, { timeot = 5 }):find('did you mean "timeout"?', 1, true))
    end
    assert.truthy(message("videos", "each", { currentPage = 2 }):find('"currentPage"', 1, true))
    assert.truthy(message("captions", "list", "vi1", { pagesize = 2 }):find('did you mean "pageSize"?', 1, true))
    assert.truthy(message("captions", "list", "vi1", 5):find("a table of options expected", 1, true))
    assert.equal(0, p.connections)
  end)

  it("say so when they are called with a dot", function()
    local client = client_of("http://127.0.0.1:1")
    for name, functions in pairs { webhooks = { "list", "pages", "each", "get", "create", "delete", "secrets", "sync",
      "rotate" }, videos = { "list", "pages", "each", "get", "status" }, captions = { "list" },
      live_streams = { "list", "pages", "each", "get" }, summaries = { "list", "pages", "each" } } do
      for _, fn in ipairs(functions) do
        for _, argument in ipairs { false, "webhook_1", { url = "https://x", events = { "a" } }, {} } do
          local err = misuse(function() return (client[name][fn](argument or nil)) end)
          assert.truthy(err:find(("%s:%s: call it with a colon, client.%s:%s(…)"):format(name, fn, name, fn), 1, true),
            err)
        end
      end
    end
  end)

  -- Items "vi<from>" to "vi<to>".
  local function videos(from, to)
    local list = {}
    for i = from, to do list[#list + 1] = { videoId = "vi" .. i } end
    return list
  end

  local function number_and_size(request)
    return tonumber(request.line:match("currentPage=(%d+)")), tonumber(request.line:match("pageSize=(%d+)"))
  end

  -- A client of a server that holds a list; `counters(page)` makes what stands as pagination (the
  -- right one by default), `most` is what it gives per page at most.
  local function listing(list, counters, most)
    return serving(function(request)
      local number, size = number_and_size(request)
      size = math.min(size, most or size)
      local data = json.array {}
      for i = (number - 1) * size + 1, math.min(number * size, #list) do data[#data + 1] = list[i] end
      local right = { currentPage = number, pageSize = size, currentPageItems = #data, itemsTotal = #list,
        pagesTotal = math.ceil(#list / size), links = {} }
      local pagination = right
      if counters then pagination = counters(right) end
      return { data = data, pagination = pagination }
    end)
  end

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

  -- The pages that were asked for, in order.
  local function asked(p)
    local numbers = {}
    for i, request in ipairs(p.requests) do numbers[i] = number_and_size(request) end
    return numbers
  end

  describe("are iterated", function()
    it("lazily: a page is asked for when its first item is needed", function()
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
          -- One short page is all that there is: nothing is read again for its counters.
          local single = count == 0 or count == 1 and name ~= "of pages of one"
          if single then assert.same({ 1, 1 }, asked(p)) end
        end
      end)
    end

    it("by a server that gives fewer than asked for, and says so", function()
      local client, p = listing(videos(1, 60), nil, 25)
      assert.same(expected(1, 60), ids_of(client.videos:each()))
      assert.same({ 1, 2, 3 }, asked(p))
      local pages = 0
      for _ in client.videos:pages() do pages = pages + 1 end
      assert.equal(3, pages)
    end)

    it("by a server that gives the same full page for ever", function()
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

    it("by a server that gives nothing for ever, however much was asked for", function()
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

    it("until a failure, which is raised as an error object, and go on after it", function()
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
      local client, api = emulated()
      local wanted, count = {}, 0
      for i = 1, 250 do
        local id = ("webhook_%03d"):format(i)
        wanted[id] = true
        api.webhooks:put { webhookId = id, url = "https://example.com/" .. i, events = { RECORDED } }
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

    it("nothing is missed when what was read is deleted by others", function()
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

    it("nothing is missed when what was not yet read is deleted", function()
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

    it("what comes at the end is seen", function()
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

  it("work inside tasks, beside others", function()
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
