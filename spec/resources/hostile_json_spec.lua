-- An api.video whose JSON is valid, but not as documented.

local client_of = require "spec.support.client"
local errors = require "apivideo.error"
local protected = require "apivideo.util.pcall"
local pages = require "apivideo.resources.pages"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"

local WANTED = { url = "https://example.com/", events = { "video.source.recorded" } }

-- Values in place of other types.
local odd = { "null", "true", "-1", "1e308", "12345678901234567890", '""', "[]", "{}", "[[]]", "[null]", '[{"a":[]}]',
  '"\\u0000\\ud800\\udc00"' }

-- Documents that are not JSON, or too deep.
local broken = { "NaN", "Infinity", "[NaN]", "[1,]", "{,}", "[0x10]", "[1] [2]", "[01]", "\239\187\191[]", "[1", "\0",
  ("["):rep(200) .. ("]"):rep(200), ("["):rep(1000000), ('{"a":'):rep(100000), ('{"data":['):rep(100000) }

describe("JSON of a hostile server", function()
  after_each(running.stop)

  local said = {}
  local client

  before_each(function()
    client = client_of(running.serving(function() return said.status, nil, said.body end).url)
  end)

  -- From now on every response has this body.
  local function respond(body, status)
    said.body, said.status = body, status or "200 OK"
  end

  -- Each call that reads a response returns a result, or an error of this library, and raises nothing.
  local function try_all()
    for name, call in pairs {
      list = function() return client.webhooks:list() end,
      get = function() return client.webhooks:get "webhook_1" end,
      create = function() return client.webhooks:create(WANTED) end,
      rotate = function() return client.webhooks:rotate("webhook_1", { overlap = 0 }) end,
      sync = function() return client.webhooks:sync({ WANTED }, { dry_run = true }) end,
      video = function() return client.videos:get "vi1" end,
      status = function() return client.videos:status "vi1" end,
      captions = function() return client.captions:list "vi1" end,
      caption = function() return client.captions:get("vi1", "en") end,
      source = function() return client.summaries:source "summary_1" end,
      stream = function() return client.live_streams:get "li1" end,
      summaries = function() return client.summaries:list() end,
      request = function() return client:request("GET", "/x") end,
    } do
      local ok, result, err = protected.call(call)
      assert.is_true(ok, name .. ": " .. tostring(result))
      assert.is_true(result ~= nil or errors.is(err), name)
      if err then assert.is_nil(tostring(err):find "%c", name) end
    end
    local ok, err = protected.call(function()
      for item in client.videos:each { pageSize = 2 } do assert.is_table(item) end
    end)
    assert.is_true(ok or errors.is(err), tostring(err))
  end

  it("has no more than 1000 bytes in an error's message", function()
    respond('{"title":"' .. ("x"):rep(100000) .. '"}', "400 Bad Request")
    local _, err = client.webhooks:list()
    assert.equal(1000, #err.message)
    assert.equal(100000, #err.problem.title)
  end)

  it("is an error, or a result, with any value in any place", function()
    for _, value in ipairs(odd) do
      for _, document in ipairs { value, '{"data":%s}', '{"data":[%s]}', '{"data":[],"pagination":%s}',
        '{"data":[{"webhookId":%s,"videoId":%s,"url":%s,"events":%s,"createdAt":%s}],"pagination":{"itemsTotal":%s}}',
        '{"data":[{"webhookId":"webhook_1","url":%s,"events":[%s],"createdAt":%s}],"pagination":{"pageSize":%s}}',
        '{"webhookId":%s,"videoId":%s,"liveStreamId":%s}', '{"webhookId":"webhook_1","url":%s,"events":%s}',
        '{"webhookId":"webhook_1","url":"https://example.com/","events":[%s]}' } do
        respond((document:gsub("%%s", function() return value end)))
        try_all()
      end
    end
  end)

  it("settles no unknown outcome with other webhooks", function()
    for _, value in ipairs(odd) do
      local item = ('{"webhookId":%s,"url":%s,"events":%s,"createdAt":%s}'):gsub("%%s", function() return value end)
      local p = running.peer(function(connection)
        local request = connection:read_request()
        if request and request.line:find "^GET" then connection:respond("200 OK", nil, '{"data":[' .. item .. "]}") end
      end)
      local ok, created, err = protected.call(function() return client_of(p.url).webhooks:create(WANTED) end)
      assert.is_true(ok, tostring(created))
      assert.is_nil(created)
      assert.equal("network", err.kind)
    end
  end)

  it("is an error, or a result, with any value in a problem", function()
    for _, value in ipairs(odd) do
      local problem = ('{"type":%s,"title":%s,"name":%s,"detail":%s,"status":%s,"problems":%s}'):gsub("%%s",
        function() return value end)
      local nested = ('{"problems":[{"title":%s,"name":%s},%s]}'):gsub("%%s", function() return value end)
      for _, body in ipairs { problem, nested } do
        respond(body, "400 X")
        try_all()
      end
    end
  end)

  it("is an error when it is malformed, or too deep", function()
    for _, body in ipairs(broken) do
      for _, status in ipairs { "200 OK", "400 X" } do
        respond(body, status)
        local result, err = client:request("GET", "/x")
        assert.is_nil(result, body:sub(1, 20))
        assert.equal(status == "200 OK" and "unexpected_response" or "invalid_request", err.kind)
        assert.is_true(#tostring(err) < 500)
      end
    end
  end)

  it("is read in limited time", function()
    local big = '{"data":[9007199254740993],"x":"%s"}'
    for _, document in ipairs { big:format(("@"):rep(1000000)), big:format(("\\u0040"):rep(100000)),
      '{"data":[9007199254740993' .. (",12345678901234567"):rep(20000) .. "]}",
      '{"title":"' .. ('\\"streamKey\\":\\"'):rep(20000) .. '"}' } do
      for _, status in ipairs { "200 OK", "400 X" } do
        respond(document, status)
        local began = runtime.monotonic()
        client:request("GET", "/x")
        assert.is_true(runtime.monotonic() - began < 30)
      end
    end
  end)

  it("does not follow its links to another server", function()
    local elsewhere = running.responding("200 OK", nil, '{"data":[]}')
    local p
    p = running.serving(function(request)
      local page = tonumber(request.line:match "currentPage=(%d+)")
      return "200 OK", nil, ([[{"data":[{"videoId":"vi%d"}],"next":"%s","pagination":{"itemsTotal":9,"pagesTotal":9,
        "links":[{"rel":"next","uri":"%s/videos"},{"rel":"last","uri":"//127.0.0.1:%d"}],"next":"%s"}}]])
        :format(page, elsewhere.url, elsewhere.url, elsewhere.port, elsewhere.url)
    end)
    local count = 0
    for _ in client_of(p.url).videos:each { pageSize = 1 } do
      count = count + 1
      if count == 20 then break end
    end
    assert.equal(20, #p.requests)
    assert.equal(0, elsewhere.connections)
    for _, request in ipairs(p.requests) do assert.truthy(request.line:find "^GET /videos%?") end
  end)

  describe("is a list that ends,", function()
    -- A client whose pages are created here, so that very many are fast.
    local function stub(page)
      local requests = 0
      return {
        base_url = "http://127.0.0.1:1",
        _account = function() return { credentials = { secrets = {} } } end,
        request = function(_, _, _, arguments)
          requests = requests + 1
          return page(arguments.query.currentPage, requests), nil, { status = 200 }
        end,
      }, function() return requests end
    end

    local endless = {
      ["however many new items come"] = function(_, count) return { data = { { videoId = "vi" .. count } } } end,
      ["with a total that falls with each page"] = function(_, count)
        return { data = { { videoId = "vi" .. count } }, pagination = { itemsTotal = 1e15 - count, pageSize = 1 } }
      end,
    }
    for name, page in pairs(endless) do
      it(name, function()
        local stubbed, requests = stub(page)
        local ok, err = pcall(function()
          for _ in pages.each(stubbed, "/videos", { pageSize = 1 }, {}, "videoId") do end -- luacheck: ignore
        end)
        assert.is_false(ok)
        assert.equal("unexpected_response", err.kind, tostring(err))
        assert.truthy(err.message:find("the list has no end", 1, true), err.message)
        assert.equal(100000, requests())
      end)
    end
  end)
end)
