-- What videos, live streams, captions, summaries and webhooks have in common: paths, queries, ids, responses.

local apivideo = require "apivideo"
local assert_values = require "spec.support.assert_values"
local client_of = require "spec.support.client"
local misuse = require "spec.support.misuse"
local process = require "spec.support.process"
local running = require "spec.support.running"

local RECORDED = "video.source.recorded"

describe("resources", function()
  after_each(running.stop)

  -- A client of a peer whose response a function creates from the request: a body and a status.
  local function serving(respond)
    local p = running.serving(function(request)
      local body, status = respond(request)
      return status or "200 OK", nil, body
    end)
    return client_of(p.url), p
  end

  -- Every object exists, and every list is empty.
  local ANYTHING = '{"webhookId":"webhook_1","videoId":"vi1","liveStreamId":"li1","srclang":"en","data":[],'
    .. '"pagination":{}}'

  local function of_anything()
    return serving(function() return ANYTHING end)
  end

  describe("send", function()
    -- name of the resource, function, arguments, and the resulting request line
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
      { "captions", "get", { "vi1", "zh-Hans-CN" }, "GET /videos/vi1/captions/zh-Hans-CN" },
      { "summaries", "source", { "summary_1" }, "GET /summaries/summary_1/source" },
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

    it("no empty filter, and no invalid page number", function()
      local client, p = of_anything()
      for _, query in ipairs { { tags = {} }, { metadata = {} }, { currentPage = 0 }, { pageSize = 1.5 },
        { currentPage = -1 }, { pageSize = 0 / 0 } } do
        local name = next(query)
        for _, fn in ipairs { "list", "pages", "each", "all" } do
          if not ((fn == "each" or fn == "all") and name == "currentPage") then
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
      it(name .. ":pages, :each and :all, with the filters of its list", function()
        local client, p = of_anything()
        assert(client[name]:list(filters))
        local query = p.requests[1].line:match("%?(%S*)")
        for page in client[name]:pages(filters) do assert.same({}, page.data) end
        for _ in client[name]:each(filters) do error("an item of an empty list") end
        assert.same({}, client[name]:all(filters))
        assert.equal(4, #p.requests)
        for i = 2, 4 do
          local line = p.requests[i].line
          assert.truthy(line:find("pageSize=100", 1, true), line)
          assert.truthy(line:find("currentPage=1&", 1, true), line)
          for parameter in query:gmatch("[^&]+") do assert.truthy(line:find(parameter, 1, true), line) end
        end
      end)
    end

    it("values that are not documented yet", function()
      local client, p = of_anything()
      assert(client.videos:list { sortBy = "popularity", sortOrder = "random" })
      assert(client.summaries:list { origin = "human", sourceStatus = "dreaming" })
      assert.equal("GET /videos?sortBy=popularity&sortOrder=random HTTP/1.1", p.requests[1].line)
      assert.equal("GET /summaries?origin=human&sourceStatus=dreaming HTTP/1.1", p.requests[2].line)
    end)
  end)

  describe("never send an invalid id:", function()
    local prefixed = { webhooks = { "get", "delete", "rotate" } }
    local plain = { videos = { "get", "status" }, live_streams = { "get" },
      captions = { "list", "all", "get" }, summaries = { "source" } }
    local impossible = { "", "..", "a/b", "a?b", "a b", "a\r\nX: y", "a\0", "a\n", "%2e", "é", ("a"):rep(101) }

    local function assert_rejected(name, fn, ids)
      local client, p = of_anything()
      for _, id in ipairs(ids) do
        local result, err = client[name][fn](client[name], id)
        assert.is_nil(result)
        assert.equal("invalid_request", err.kind)
        assert.equal(0, err.attempts)
        assert.is_false(err.retryable)
        assert.truthy(err.message:find(name .. ":" .. fn, 1, true), err.message)
        assert.is_nil(err.response)
      end
      assert.equal(0, p.connections)
    end

    for name, functions in pairs(plain) do
      for _, fn in ipairs(functions) do
        it(name .. ":" .. fn, function() assert_rejected(name, fn, impossible) end)
      end
    end

    for name, functions in pairs(prefixed) do
      for _, fn in ipairs(functions) do
        it(name .. ":" .. fn, function()
          local ids = { "webhook_", "webhook", "vi1", "Webhook_1", "xwebhook_1" }
          for _, id in ipairs(impossible) do ids[#ids + 1] = "webhook_" .. id end
          assert_rejected(name, fn, ids)
        end)
      end
    end

    it("captions:pages and :each, which raise the error", function()
      local client, p = of_anything()
      for _, fn in ipairs { "pages", "each" } do
        local ok, err = pcall(client.captions[fn], client.captions, "a/b")
        assert.is_false(ok)
        assert.equal("invalid_request", err.kind)
        assert.truthy(err.message:find("captions:" .. fn, 1, true), err.message)
      end
      assert.equal(0, p.connections)
    end)

    it("captions:get, a language", function()
      local client, p = of_anything()
      for _, language in ipairs(impossible) do
        local caption, err = client.captions:get("vi1", language)
        assert.is_nil(caption)
        assert.equal("invalid_request", err.kind)
        assert.truthy(err.message:find("captions:get: language", 1, true), err.message)
      end
      assert.truthy(misuse(function() return (client.captions:get("vi1")) end)
        :find("captions:get: language must be a string, got nil", 1, true))
      assert.equal(0, p.connections)
    end)

    it("and an id that is not a string is misuse", function()
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

  describe("return", function()
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

    it("null as a separate value", function()
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

    it("the raw response in the error of a failure, and no third result", function()
      local client = serving(function() return '{"title":"no","status":404,"more":[1]}', "404 Not Found" end)
      for _, call in ipairs { { "webhooks", "get", "webhook_1" }, { "webhooks", "delete", "webhook_1" },
        { "webhooks", "list" }, { "videos", "get", "vi1" }, { "videos", "status", "vi1" }, { "videos", "list" },
        { "live_streams", "get", "li1" }, { "live_streams", "list" }, { "captions", "list", "vi1" },
        { "captions", "all", "vi1" }, { "videos", "all" }, { "summaries", "source", "summary_1" },
        { "summaries", "list" }, { "webhooks", "create", { url = "https://example.com", events = { "a" } } } } do
        local result, err = client[call[1]][call[2]](client[call[1]], call[3])
        assert.is_nil(result)
        assert.equal(2, select("#", client[call[1]][call[2]](client[call[1]], call[3])))
        assert.equal("not_found", err.kind)
        assert.equal(404, err.response.status)
        assert.equal('{"title":"no","status":404,"more":[1]}', err.response.body)
        assert.equal("38", err.response.headers["Content-Length"])
        assert.is_number(err.response.timings.total)
      end
      local gone = running.peer(function(connection) connection:read_request() end)
      local result, err = client_of(gone.url).videos:get("vi1")
      assert.is_nil(result)
      assert.equal("network", err.kind)
      assert.is_nil(err.response)
    end)
  end)

  it("return two results after a failure, so that `assert` raises the error #process", function()
    local output = process.run { "-e", [[
      local client = require("apivideo").client { api_key = "key" }
      print(select("#", client.webhooks:get "x"))
      print(select(2, pcall(function() assert(client.webhooks:get "x") end)))]] }
    assert.truthy(output:find("2\n", 1, true))
    assert.truthy(output:find(assert_values and "client: invalid_request" or "string expected", 1, true), output)
  end)

  it("hide the response of an error from pairs", function()
    local client = serving(function() return "{}", "404 Not Found" end)
    local _, err = client.webhooks:get "webhook_1"
    assert.equal(404, err.response.status)
    for name in pairs(err) do assert.are_not.equal("response", name) end
  end)

  it("reject a 2xx response without a result, and describe it", function()
    local body
    local client, p = serving(function() return body end)
    for _, text in ipairs { "", "{}", '{"data":5}', '{"data":null}', '{"data":"x"}', '{"data":[null]}', '{"data":[5]}',
      '{"data":[{},"x"]}', '{"data":{"a":{}}}', "[]", '[{"videoId":"vi1"}]' } do
      body = text
      for _, list in ipairs { "videos", "live_streams", "summaries", "webhooks" } do
        local page, err = client[list]:list()
        assert.is_nil(page)
        assert.equal("unexpected_response", err.kind)
        assert.equal(200, err.status)
        assert.equal("GET", err.request.method)
        assert.truthy(err.request.url:find(p.url, 1, true), err.request.url)
        assert.equal(text, err.response.body)
      end
      assert.equal("unexpected_response", select(2, client.captions:list("vi1")).kind)
      assert.equal("unexpected_response", select(2, client.captions:get("vi1", "en")).kind)
    end
    body = '{"title":"has no id"}'
    for name, id in pairs { videos = "vi1", live_streams = "li1", webhooks = "webhook_1" } do
      local thing, err = client[name]:get(id)
      assert.is_nil(thing)
      assert.equal("unexpected_response", err.kind)
      assert.truthy(err.message:find("Id", 1, true))
      assert.equal(body, err.response.body)
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
    for _, fn in ipairs { "list", "pages", "each", "all" } do
      assert.truthy(message("captions", fn, "vi1", { pageSize = 0 })
        :find("captions:" .. fn .. ': option "pageSize"', 1, true))
      assert.truthy(message("videos", fn, { tittle = "x" })
        :find("videos:" .. fn .. ': unknown option "tittle"; did you mean "title"?', 1, true))
      assert.truthy(message("videos", fn, { tags = "one" }):find('"tags" must be a list of strings', 1, true))
      assert.truthy(message("summaries", fn, { pageSize = "100" })
        :find('"pageSize" must be an integer of at least 1, got string', 1, true))
      assert.truthy(message("live_streams", fn, "x"):find("a table of options expected, got string", 1, true))
      assert.truthy(message("webhooks", fn, {}, { timeot = 5 }):find('did you mean "timeout"?', 1, true))
    end
    assert.truthy(message("videos", "each", { currentPage = 2 }):find('"currentPage"', 1, true))
    assert.truthy(message("captions", "list", "vi1", { pagesize = 2 }):find('did you mean "pageSize"?', 1, true))
    assert.truthy(message("captions", "list", "vi1", 5):find("a table of options expected", 1, true))
    assert.equal(0, p.connections)
  end)

  it("explain a call with a dot", function()
    local client = client_of("http://127.0.0.1:1")
    for name, functions in pairs { webhooks = { "list", "pages", "each", "get", "create", "delete", "secret_source",
      "sync", "rotate", "all" }, videos = { "list", "pages", "each", "all", "get", "status" },
      captions = { "list", "pages", "each", "all", "get" }, live_streams = { "list", "pages", "each", "all", "get" },
      summaries = { "list", "pages", "each", "all", "source" } } do
      for _, fn in ipairs(functions) do
        for _, argument in ipairs { false, "webhook_1", { url = "https://x", events = { "a" } }, {} } do
          local err = misuse(function() return (client[name][fn](argument or nil)) end)
          assert.truthy(err:find(("%s:%s: call it with a colon, %s:%s(…)"):format(name, fn, name, fn), 1, true),
            err)
        end
      end
    end
  end)
end)
