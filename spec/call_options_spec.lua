-- The options of a single call, cancelling, and client:request, which every call goes through.

local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"
local errors = require "apivideo.error"
local peer = require "spec.support.peer"
local retry = require "apivideo.retry"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local ID = "webhook_1"
local WANTED = { url = "https://example.com/", events = { "video.source.recorded" } }

-- Every function that takes the options of a call: its name, and its arguments before them.
local functions = {
  { "webhooks", "list", { {} } }, { "webhooks", "pages", { {} } }, { "webhooks", "each", { {} } },
  { "webhooks", "get", { ID } }, { "webhooks", "create", { WANTED } }, { "webhooks", "delete", { ID } },
  { "webhooks", "sync", { {} } }, { "webhooks", "rotate", { ID } },
  { "videos", "list", { {} } }, { "videos", "pages", { {} } }, { "videos", "each", { {} } },
  { "videos", "get", { "vi1" } }, { "videos", "status", { "vi1" } },
  { "live_streams", "list", { {} } }, { "live_streams", "pages", { {} } }, { "live_streams", "each", { {} } },
  { "live_streams", "get", { "li1" } }, { "captions", "list", { "vi1", {} } },
  { "summaries", "list", { {} } }, { "summaries", "pages", { {} } }, { "summaries", "each", { {} } },
}

-- Calls one of them: result, err. What iterators raise is their error.
local function invoke(client, fn, options)
  local name, method, arguments = fn[1], fn[2], fn[3]
  local given = { arguments[1], arguments[2] }
  given[#arguments + 1] = options
  local result, err = client[name][method](client[name], given[1], given[2], given[3])
  if type(result) ~= "function" then return result, err end
  local ok, item = pcall(result)
  if ok then return item or true end
  return nil, item
end

describe("call options", function()
  local stops, policy

  before_each(function()
    stops = {}
    policy = { base = retry.policy.base, cap = retry.policy.cap }
  end)

  after_each(function()
    for _, stop in ipairs(stops) do stop() end
    retry.policy.base, retry.policy.cap = policy.base, policy.cap
  end)

  local function client_of(url, more)
    local given = { api_key = "key", base_url = url, timeout = 60, retries = 0, rate_limit = false }
    for name, value in pairs(more or {}) do given[name] = value end
    return (apivideo.client(given))
  end

  local function scripted(script)
    local p = peer.start(script)
    stops[#stops + 1] = p.stop
    return p
  end

  local function answering(status, headers, body)
    local p = peer.answering(status, headers, body)
    stops[#stops + 1] = p.stop
    return p
  end

  -- A peer that reads requests, and answers none.
  local function stalling()
    local p
    p = scripted(function(connection)
      while true do
        local request = connection:read_request()
        if not request then return end
        p.requests[#p.requests + 1] = request
      end
    end)
    return p
  end

  local ANYTHING = '{"webhookId":"webhook_1","videoId":"vi1","liveStreamId":"li1","url":"https://example.com/",'
    .. '"events":["x"],"data":[]}'

  describe("stand before the client's, in", function()
    for _, fn in ipairs(functions) do
      it(fn[1] .. ":" .. fn[2], function()
        -- timeout: the client would wait for a minute
        local p = stalling()
        local client = client_of(p.url)
        local result, err = invoke(client, fn, { timeout = 0.02 })
        assert.is_nil(result)
        assert.equal("timeout", err.kind)
        assert.equal(1, err.attempts)
        -- total_timeout
        result, err = invoke(client, fn, { total_timeout = 0.02 })
        assert.is_nil(result)
        assert.equal("timeout", err.kind)
        -- retries: the client makes none
        retry.policy.base, retry.policy.cap = 0.001, 0.001
        local failing = answering("429 X", "Retry-After: 0\r\n")
        client = client_of(failing.url)
        result, err = invoke(client, fn, { retries = 2 })
        assert.is_nil(result)
        assert.equal("rate_limited", err.kind)
        assert.equal(3, err.attempts)
        assert.equal(3, #failing.requests)
        -- headers
        local serving = answering("200 OK", nil, ANYTHING)
        invoke(client_of(serving.url), fn, { headers = { ["X-Call"] = "this one" },
          overlap = fn[2] == "rotate" and 0 or nil })
        assert.is_true(#serving.requests > 0)
        for _, request in ipairs(serving.requests) do
          assert.truthy(request.head:find("X-Call: this one\r\n", 1, true))
        end
        -- cancel
        local cancel = apivideo.cancellation()
        cancel:cancel()
        local count = #serving.requests
        result, err = invoke(client_of(serving.url), fn, { cancel = cancel })
        assert.is_nil(result)
        assert.equal("cancelled", err.kind)
        assert.equal(count, #serving.requests)
      end)
    end

    it("client:request", function()
      local p = stalling()
      local client = client_of(p.url, { retries = 2 })
      local _, err = client:request("GET", "/x", { timeout = 0.02, retries = 0 })
      assert.equal("timeout", err.kind)
      assert.equal(1, err.attempts)
      _, err = client:request("GET", "/x", { total_timeout = 0.02 })
      assert.equal("timeout", err.kind)
    end)
  end)

  it("limit the time for a connection", function()
    -- A peer that accepts, but never gets to TLS.
    local p = scripted(function(connection) connection:read_request() end)
    local client = client_of("https://127.0.0.1:" .. p.port)
    local _, err = client.videos:list({}, { connect_timeout = 0.05 })
    assert.equal("timeout", err.kind)
    _, err = client_of("https://127.0.0.1:" .. p.port, { connect_timeout = 0.05 }).videos:list()
    assert.equal("timeout", err.kind)
  end)

  it("limit the time of all attempts and waits together", function()
    retry.policy.base, retry.policy.cap = 0.01, 0.01
    local p = answering("500 X")
    local _, err = client_of(p.url).videos:list({}, { retries = 100, total_timeout = 0.3 })
    assert.is_true(err.kind == "server_error" or err.kind == "timeout", err) -- whatever it was about
    assert.is_true(err.attempts >= 1 and err.attempts <= 21, err.attempts) -- by time or by the budget
    assert.equal(err.attempts, #p.requests)
    retry.policy.base, retry.policy.cap = 6000, 6000
    _, err = client_of(p.url).videos:list({}, { retries = 100, total_timeout = 60 })
    assert.equal("server_error", err.kind) -- known at once: the back-off would end too late
  end)

  it("turn retries off, or on, for one call", function()
    retry.policy.base, retry.policy.cap = 0.001, 0.001
    local p = answering("503 X")
    local client = client_of(p.url, { retries = 2 })
    client.videos:list({}, { retries = 0 })
    assert.equal(1, #p.requests)
    client.videos:list()
    assert.equal(4, #p.requests)
    client.videos:list({}, { retries = 1 })
    assert.equal(6, #p.requests)
  end)

  it("leave the tables that were given as they are", function()
    local p = answering("200 OK", nil, ANYTHING)
    local query, headers = { title = "x" }, { ["X-A"] = "b" }
    local given = { timeout = 30, headers = headers }
    assert(client_of(p.url).videos:list(query, given))
    assert.same({ title = "x" }, query)
    assert.same({ timeout = 30, headers = headers }, given)
    assert.same({ ["X-A"] = "b" }, headers)
  end)

  describe("that are wrong raise where they stand:", function()
    local function misuse(fn)
      local ok, err = pcall(fn)
      assert.is_false(ok)
      assert.is_string(err)
      assert.truthy(err:find("call_options_spec.lua", 1, true), err)
      return err
    end

    for _, fn in ipairs(functions) do
      it(fn[1] .. ":" .. fn[2], function()
        local p = answering("200 OK", nil, ANYTHING)
        local client = client_of(p.url)
        local resource, method, arguments = client[fn[1]], fn[2], fn[3]
        local where = fn[1] .. ":" .. method
        local function message(options)
          local given = { arguments[1], arguments[2] }
          given[#arguments + 1] = options
          return misuse(function() return (resource[method](resource, given[1], given[2], given[3])) end)
        end
        local function says(text, options)
          local err = message(options)
          assert.truthy(err:find(where .. ": " .. text, 1, true), err)
        end
        says('unknown option "timout"; did you mean "timeout"?', { timout = 5 })
        says("a table of options expected, got number", 5)
        for _, value in ipairs { 0, -1, 0.0001, 86401, 0 / 0, math.huge } do
          for _, name in ipairs { "timeout", "connect_timeout", "total_timeout" } do
            says(('option "%s" must be a number of seconds from 0.001 to 86400'):format(name), { [name] = value })
          end
        end
        for _, value in ipairs { -1, 1.5, 101, 0 / 0, math.huge } do
          says('option "retries" must be a whole number from 0 to 100', { retries = value })
        end
        says('option "timeout" must be a number, got string', { timeout = "5" })
        says('option "cancel" must come from apivideo.cancellation', { cancel = {} })
        says('option "cancel" must be a table', { cancel = true })
        says('option "headers" must have names of headers as keys', { headers = { "X-A: b" } })
        says('the header "authorization" is written by the library; use api_key or access_token',
          { headers = { authorization = "x" } })
        says('header "X-A" must be a string, not empty, without control characters',
          { headers = { ["X-A"] = "a\r\nB: c" } })
        assert.equal(0, p.connections)
      end)
    end

    it("headers, of calls and of clients", function()
      local client = client_of("http://127.0.0.1:1")
      local function both(text, headers)
        for _, err in ipairs {
          misuse(function() return (client.videos:list({}, { headers = headers })) end),
          misuse(function() return (apivideo.client { api_key = "key", headers = headers }) end),
          misuse(function() return (client:request("GET", "/", { headers = headers })) end),
        } do
          assert.truthy(err:find(text, 1, true), err)
        end
      end
      for name, use in pairs { Authorization = "api_key or access_token", ["User-Agent"] = "app",
        ["AV-Origin-Client"] = "app or sdk", ["av-origin-app"] = "app", ["AV-ORIGIN-SDK"] = "sdk",
        ["Content-Type"] = "body", ["content-length"] = "body" } do
        both(('the header "%s" is written by the library; use %s'):format(name, use), { [name] = "x" })
      end
      for _, name in ipairs { "", " ", "a b", "a:b", "a\r\nb", "é", 5 } do
        both("must have names of headers as keys", { [name] = "x" })
      end
      -- An empty one would not be sent at all.
      for _, value in ipairs { "", " ", "a\nb", "a\r", "\0", "a\tb", 5, true, {} } do
        both('header "X-A" must be a string', { ["X-A"] = value })
      end
    end)
  end)

  describe("cancel", function()
    -- Cancels as soon as a condition holds.
    local function when(condition, cancel)
      apivideo.spawn(function()
        wait_for(condition, "the moment to cancel")
        cancel:cancel()
      end)
    end

    it("before the call: nothing is sent, and no place in the rate limit is used", function()
      local p = answering("200 OK", "X-RateLimit-Limit: 10\r\nX-RateLimit-Remaining: 9\r\n"
        .. "X-RateLimit-Retry-After: 60\r\n", ANYTHING)
      local observed = 0
      local client = client_of(p.url, { rate_limit = {}, on_request = function() observed = observed + 1 end })
      assert(client.videos:list())
      local cancel = apivideo.cancellation()
      assert.is_false(cancel:is_cancelled())
      cancel:cancel()
      assert.is_true(cancel:is_cancelled())
      local page, err, response = client.videos:list({}, { cancel = cancel })
      assert.is_nil(page)
      assert.is_true(errors.is(err))
      assert.equal("cancelled", err.kind)
      assert.equal(0, err.attempts)
      assert.is_false(err.retryable)
      assert.equal(p.url .. "/videos", err.request.url)
      assert.is_nil(response)
      assert.same({ 1, 1 }, { #p.requests, observed })
      assert.equal(9, client.rate_limit.reads.remaining)
    end)

    it("during the answer", function()
      local p = stalling()
      local cancel = apivideo.cancellation()
      when(function() return #p.requests == 1 end, cancel)
      local page, err = client_of(p.url, { retries = 3 }).videos:list({}, { cancel = cancel })
      assert.is_nil(page)
      assert.equal("cancelled", err.kind)
      assert.equal(1, err.attempts)
      assert.is_nil(err.in_doubt) -- a GET changes nothing
      assert.equal(1, #p.requests)
    end)

    it("during the answer to what may have been carried out, which stays in doubt", function()
      local p = stalling()
      for method, in_doubt in pairs { PATCH = true, DELETE = false } do
        local cancel, count = apivideo.cancellation(), #p.requests
        when(function() return #p.requests == count + 1 end, cancel)
        local _, err = client_of(p.url):request(method, "/x", { cancel = cancel })
        assert.equal("cancelled", err.kind)
        assert.equal(in_doubt or nil, err.in_doubt)
      end
      local cancel, count = apivideo.cancellation(), #p.requests
      when(function() return #p.requests == count + 1 end, cancel)
      local _, err = client_of(p.url).webhooks:create(WANTED, { cancel = cancel })
      assert.equal("cancelled", err.kind)
      assert.is_true(err.in_doubt)
      assert.equal(count + 1, #p.requests)
    end)

    it("during a back-off", function()
      retry.policy.base, retry.policy.cap = 3000, 3000
      for _, headers in ipairs { "", "Retry-After: 50\r\n" } do
        local p = answering("503 X", headers)
        local cancel = apivideo.cancellation()
        when(function() return #p.requests == 1 end, cancel)
        local page, err, response = client_of(p.url, { retries = 3, total_timeout = 86400 }).videos
          :list({}, { cancel = cancel })
        assert.is_nil(page)
        assert.equal("cancelled", err.kind)
        assert.equal(1, err.attempts)
        assert.equal(503, response.status)
        assert.equal(1, #p.requests)
      end
    end)

    it("during a wait for the rate limit", function()
      local p = answering("200 OK", "X-RateLimit-Limit: 1\r\nX-RateLimit-Remaining: 0\r\n"
        .. "X-RateLimit-Retry-After: 50\r\n", ANYTHING)
      local client = client_of(p.url, { rate_limit = {} })
      assert(client.videos:list())
      local cancel = apivideo.cancellation()
      apivideo.spawn(function() cancel:cancel() end)
      local page, err = client.videos:list({}, { cancel = cancel })
      assert.is_nil(page)
      assert.equal("cancelled", err.kind)
      assert.equal(0, err.attempts)
      assert.equal(1, #p.requests)
    end)

    it("several calls at once, and those to come", function()
      local p = stalling()
      local client, cancel = client_of(p.url), apivideo.cancellation()
      when(function() return #p.requests == 5 end, cancel)
      local results, failed = apivideo.parallel(5, { 1, 2, 3, 4, 5, 6, 7 }, function(item)
        return client.videos:get("vi" .. item, { cancel = cancel })
      end)
      assert.same({}, results)
      for item = 1, 7 do
        assert.equal("cancelled", failed[item].kind)
        assert.equal(item <= 5 and 1 or 0, failed[item].attempts)
      end
      assert.equal(5, #p.requests)
    end)

    it("not what goes on without it", function()
      local go_on = runtime.latch()
      local p
      p = scripted(function(connection)
        p.requests[#p.requests + 1] = connection:read_request()
        go_on:wait()
        connection:respond("200 OK", nil, ANYTHING)
      end)
      local client, cancel = client_of(p.url), apivideo.cancellation()
      local results, failed = apivideo.parallel(3, { 1, 2, 3 }, function(item)
        if item == 3 then
          wait_for(function() return #p.requests == 2 end, "two requests")
          cancel:cancel()
          go_on:open()
          return "cancelled the first"
        end
        return client.videos:get("vi" .. item, { cancel = item == 1 and cancel or nil })
      end)
      assert.equal("cancelled", failed[1].kind)
      assert.equal("vi1", results[2].videoId)
      assert.is_nil(failed[2])
    end)

    it("after the answer, which changes nothing, and twice, which is as once", function()
      local p = answering("200 OK", nil, ANYTHING)
      local client, cancel = client_of(p.url), apivideo.cancellation()
      local video = assert(client.videos:get("vi1", { cancel = cancel }))
      cancel:cancel()
      cancel:cancel()
      assert.equal("vi1", video.videoId)
      assert.equal("vi1", assert(client.videos:get("vi1")).videoId)
      local _, err = client.videos:get("vi1", { cancel = cancel })
      assert.equal("cancelled", err.kind)
    end)

    it("between two pages of a list", function()
      local p = answering("200 OK", nil, '{"data":[{"videoId":"a"},{"videoId":"b"}]}')
      local cancel = apivideo.cancellation()
      local seen = {}
      local ok, err = pcall(function()
        for video in client_of(p.url).videos:each({ pageSize = 2 }, { cancel = cancel }) do
          seen[#seen + 1] = video.videoId
          cancel:cancel()
        end
      end)
      assert.is_false(ok)
      assert.equal("cancelled", err.kind)
      assert.same({ "a", "b" }, seen)
      assert.equal(1, #p.requests)
    end)

    it("inside tasks and outside, and the connection is good for others", function()
      local api = assert(emulator.start { api_key = "key" })
      stops[#stops + 1] = function() api:stop() end
      local client = client_of(api.url)
      for i = 1, 2 do
        api:fault { latency = 50 }
        local cancel = apivideo.cancellation()
        when(function() return #api.requests == 2 * i - 1 end, cancel)
        local function run()
          local _, err = client.videos:list({}, { cancel = cancel })
          assert.equal("cancelled", err.kind)
          assert(client.videos:list())
        end
        if i == 1 then run() else apivideo.run(run) end
      end
      assert.equal(4, #api.requests)
    end)
  end)
end)

describe("client:request", function()
  local p

  after_each(function() p.stop() end)

  local function client_of(body, status)
    p = peer.answering(status or "200 OK", nil, body or '{"a":1}')
    return apivideo.client { api_key = "key", base_url = p.url, timeout = 60, retries = 0 }
  end

  it("sends a query", function()
    local client = client_of()
    local result, err, response = client:request("GET", "/players", { query = {
      b = "x y&z=é", a = 5, c = true, big = 2 ^ 53, half = 0.5, list = { "one", "two" }, map = { k = "v", ["l]"] = 3 },
    } })
    assert.same({ a = 1 }, result)
    assert.is_nil(err)
    assert.equal(200, response.status)
    assert.equal("GET /players?a=5&b=x%20y%26z%3D%C3%A9&big=9007199254740992&c=true&half=0.5&list%5B%5D=one"
      .. "&list%5B%5D=two&map%5Bk%5D=v&map%5Bl%5D%5D=3 HTTP/1.1", p.requests[1].line)
    assert.equal("", p.requests[1].body)
    assert.is_nil(p.requests[1].head:find("Content-Type", 1, true))
    assert(client:request("GET", "/players", { query = {} }))
    assert.equal("GET /players HTTP/1.1", p.requests[2].line)
  end)

  it("sends a table as JSON, and a string as it is", function()
    local client = client_of()
    assert(client:request("POST", "/players", { body = { text = "é\"\\/", n = 9007199254740992, nothing = apivideo.null,
      list = { 1, 2 } } }))
    local sent = require("apivideo.json").decode(p.requests[1].body)
    assert.same({ text = "é\"\\/", n = 9007199254740992, nothing = apivideo.null, list = { 1, 2 } }, sent)
    assert.truthy(p.requests[1].body:find("9007199254740992", 1, true))
    assert.truthy(p.requests[1].head:find("Content-Type: application/json\r\n", 1, true))
    for _, body in ipairs { "", "{}", ' { "a" : 1.0 } ', "no JSON at all\0" } do
      assert(client:request("POST", "/players", { body = body }))
      assert.equal(body, p.requests[#p.requests].body)
      assert.truthy(p.requests[#p.requests].head:find("Content-Type: application/json\r\n", 1, true))
    end
    assert(client:request("POST", "/players", { body = {} }))
    assert.equal("{}", p.requests[#p.requests].body)
  end)

  it("sends any method, with or without a body", function()
    local client = client_of()
    for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" } do
      for _, body in ipairs { false, '{"x":1}' } do
        local result = assert(client:request(method, "/players/pl1", { body = body or nil }))
        assert.same(method == "DELETE" or { a = 1 }, result)
        local request = p.requests[#p.requests]
        assert.equal(method .. " /players/pl1 HTTP/1.1", request.line)
        assert.equal(body or "", request.body)
      end
    end
  end)

  it("gives true where there is no body, and after a DELETE", function()
    local client = client_of("", "204 No Content")
    for _, method in ipairs { "POST", "PATCH", "DELETE", "HEAD" } do
      local result, err, response = client:request(method, "/x")
      assert.is_true(result)
      assert.is_nil(err)
      assert.equal(204, response.status)
    end
    p.stop()
    client = client_of("<html>")
    assert.is_true((client:request("DELETE", "/x")))
  end)

  it("gives lists, too, and refuses what is neither", function()
    local client = client_of("[1,2]")
    assert.same({ 1, 2 }, (client:request("GET", "/x")))
    p.stop()
    for _, body in ipairs { "5", "null", "true", '"x"', "<html>", "{" } do
      client = client_of(body)
      local result, err, response = client:request("GET", "/x")
      assert.is_nil(result)
      assert.equal("unexpected_response", err.kind)
      assert.equal(200, err.status)
      assert.equal(body, response.body)
      p.stop()
    end
    client_of()
  end)

  it("gives the raw answer and its error for whatever is no success", function()
    local client = client_of('{"title":"No.","status":418}', "418 X")
    local result, err, response = client:request("GET", "/x")
    assert.is_nil(result)
    assert.equal("invalid_request", err.kind)
    assert.equal(418, err.status)
    assert.equal("No.", err.problem.title)
    assert.equal('{"title":"No.","status":418}', response.body)
    assert.equal("GET", err.request.method)
    assert.equal(p.url .. "/x", err.request.url)
  end)

  it("goes below the base URL's path, however it ends", function()
    client_of('{"videoId":"vi1"}')
    for _, ending in ipairs { "/proxy", "/proxy/", "/proxy//" } do
      local client = apivideo.client { api_key = "key", base_url = p.url .. ending, timeout = 60 }
      assert.equal(p.url .. "/proxy", client.base_url)
      assert(client.videos:get("vi1"))
      assert.equal("GET /proxy/videos/vi1 HTTP/1.1", p.requests[#p.requests].line)
    end
  end)

  it("keeps the path as it is given", function()
    local client = client_of()
    for _, path in ipairs { "/", "/a/b", "/a//b", "/a%20b", "/a/./b", "/a;b,c", "/%c3%A9" } do
      assert(client:request("GET", path))
      assert.equal("GET " .. path .. " HTTP/1.1", p.requests[#p.requests].line)
    end
  end)

  it("raises for misuse, naming the argument", function()
    local client = client_of()
    local function message(...)
      local given = { ... }
      local ok, err = pcall(function() return (client:request(given[1], given[2], given[3])) end)
      assert.is_false(ok)
      assert.truthy(tostring(err):find("call_options_spec.lua", 1, true), err)
      return err
    end
    for _, method in ipairs { "get", "", "GET ", "G-T", "GET /x", "GET\r\n", 5, true } do
      assert.truthy(message(method, "/x"):find('client:request: method must be a string such as "GET"', 1, true))
    end
    for _, path in ipairs { "", "x", "https://elsewhere/x", "/a b", "/a?b=c", "/a#b", "/a\r\nX: y", "/a\0", 5, true } do
      assert.truthy(message("GET", path):find("client:request: path must be a string that begins with /", 1, true))
    end
    assert.truthy(message("GET"):find("path must be a string", 1, true))
    assert.truthy(message("GET", "/x", 5):find("a table of options expected, got number", 1, true))
    assert.truthy(message("GET", "/x", { query = "a=b" }):find('"query" must be a table', 1, true))
    assert.truthy(message("POST", "/x", { body = 5 }):find('"body" must be a table or a string', 1, true))
    assert.truthy(message("POST", "/x", { body = { print } }):find('option "body" is no JSON', 1, true))
    assert.truthy(message("POST", "/x", { body = { n = 0 / 0 } }):find('option "body" is no JSON', 1, true))
    assert.truthy(message("POST", "/x", { boddy = {} }):find('did you mean "body"?', 1, true))
    assert.truthy(message("POST", "/x", { timeout = 0 }):find('"timeout" must be a number of seconds', 1, true))
    assert.equal(0, p.connections)
  end)

  -- The values of a header in a request, in the order of its lines.
  local function sent(request, name)
    local values = {}
    for line in request.head:gmatch("[^\r\n]+") do
      local header, value = line:match("^([^:]*): *(.*)$")
      if header and header:lower() == name then values[#values + 1] = value end
    end
    return values
  end

  it("sends each header once: the call's stands before the client's, and that before the library's", function()
    local other = peer.answering("200 OK", nil, '{"data":[],"pagination":{}}')
    local client = apivideo.client { api_key = "k-k-k-k", base_url = other.url, retries = 0,
      headers = { ["X-Tenant"] = "client", Accept = "application/vnd.x+json" } }
    assert(client.webhooks:list())
    assert(client.webhooks:list(nil, { headers = { ["x-tenant"] = "call", accept = "text/json" } }))
    other.stop()
    assert.same({ "client" }, sent(other.requests[1], "x-tenant"))
    assert.same({ "application/vnd.x+json" }, sent(other.requests[1], "accept"))
    assert.same({ "call" }, sent(other.requests[2], "x-tenant"))
    assert.same({ "text/json" }, sent(other.requests[2], "accept"))
  end)

  it("sends a POST without a body as one of no bytes, and whole numbers whole", function()
    local other = peer.answering("202 Accepted")
    local client = apivideo.client { api_key = "k-k-k-k", base_url = other.url, retries = 0 }
    for _, method in ipairs { "POST", "PUT", "PATCH" } do
      local result, _, response = client:request(method, "/x", { query = { n = math.maxinteger or 2 ^ 53 } })
      assert.is_true(result)
      assert.equal(1, response.attempts)
    end
    other.stop()
    for _, request in ipairs(other.requests) do
      assert.same({ "0" }, sent(request, "content-length"))
      assert.same({}, sent(request, "content-type"))
      assert.truthy(request.line:find(math.maxinteger and "n=9223372036854775807 " or "n=9007199254740992 ", 1, true))
    end
  end)

  it("refuses queries that say nothing, or what is no text", function()
    local client = apivideo.client { api_key = "k", base_url = "http://127.0.0.1:1", retries = 0 }
    for _, value in ipairs { {}, print, apivideo.null, 0 / 0, 1 / 0, { {} } } do
      local ok, message = pcall(function() return (client:request("GET", "/x", { query = { name = value } })) end)
      assert.is_false(ok)
      assert.truthy(message:find("call_options_spec.lua", 1, true), message)
      assert.truthy(message:find('option "query": name', 1, true), message)
    end
  end)

  it("helps who calls with a dot", function()
    local client = apivideo.client { api_key = "k", base_url = "http://127.0.0.1:1" }
    local ok, message = pcall(function() return (client.request("GET", "/x")) end)
    assert.is_false(ok)
    assert.truthy(message:find("call it with a colon", 1, true), message)
  end)
end)
