-- What an application's hooks receive for each attempt, without secrets.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local libcurl = require "spec.support.libcurl"
local mime = require "mime"
local misuse = require "spec.support.misuse"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local stderr = require "spec.support.stderr"
local tables = require "apivideo.util.tables"
local version = require "apivideo.version"
local wait_for = require "spec.support.wait"
local waits = require "spec.support.waits"

local KEY = "observed.key-77"
local BASIC = mime.b64(KEY .. ":")
local WANTED = { url = "https://example.com/", events = { "video.source.recorded" } }

-- Where a value contains a text, or nil.
local function search(value, text, path)
  path = path or "value"
  if type(value) == "string" then
    return value:find(text, 1, true) and path .. ": " .. value or nil
  elseif type(value) == "table" then
    for key, item in pairs(value) do
      local found = search(key, text, path .. " key") or search(item, text, path .. "." .. tostring(key))
      if found then return found end
    end
    if errors.is(value) then return search(tostring(value), text, path .. " tostring") end
  end
end

local function has_none(value, ...)
  for _, secret in ipairs { ... } do
    local found = search(value, secret)
    assert.is_nil(found, found)
  end
end

describe("hooks", function()
  local requests, responses

  before_each(function()
    requests, responses = {}, {}
    waits.set(0.002, 0.002)
  end)

  after_each(function()
    running.stop()
    waits.restore()
  end)

  -- A client whose hooks record their arguments.
  local function client_of(url, more)
    local options = tables.merge({
      api_key = KEY, base_url = url, timeout = 60, retries = 0, rate_limit = false,
      on_request = function(request) requests[#requests + 1] = request end,
      on_response = function(response) responses[#responses + 1] = response end,
    }, more)
    if options.api_key == "none" then options.api_key = nil end
    return apivideo.client(options)
  end

  it("see the request as it is sent, and its response", function()
    local p = running.responding("201 Created", "X-One: 1\r\nX-Two: a\r\nX-Two: b\r\n", '{"webhookId":"webhook_1"}')
    local client = client_of(p.url, { headers = { ["X-Client"] = "c" } })
    assert(client.webhooks:create(WANTED, { headers = { ["X-Call"] = "d" } }))
    assert.equal(1, #requests)
    local request = requests[1]
    assert.equal("POST", request.method)
    assert.equal(p.url .. "/webhooks", request.url)
    assert.equal(1, request.attempt)
    assert.equal(p.requests[1].body, request.body)
    assert.same({
      Accept = "application/json", Authorization = "Basic ***", ["User-Agent"] = "apivideo-lua/" .. version,
      ["AV-Origin-Client"] = "lua:" .. version, ["Content-Type"] = "application/json", ["X-Client"] = "c",
      ["X-Call"] = "d",
    }, request.headers)
    for name, value in pairs(request.headers) do
      if name ~= "Authorization" then
        assert.truthy(p.requests[1].head:find(name .. ": " .. value .. "\r\n", 1, true), name)
      end
    end
    assert.equal(1, #responses)
    local response = responses[1]
    assert.equal(request, response.request)
    assert.equal(201, response.status)
    assert.same({ ["x-one"] = "1", ["x-two"] = { "a", "b" }, ["content-length"] = "25" }, response.headers)
    assert.equal('{"webhookId":"webhook_1"}', response.body)
    assert.is_true(response.seconds >= 0 and response.seconds < 60)
    assert.is_nil(response.err)
  end)

  it("are called before and after the attempt", function()
    local order = {}
    local p = running.peer(function(connection)
      connection:read_request()
      order[#order + 1] = "served"
      connection:respond("200 OK", nil, '{"data":[]}')
    end)
    assert(client_of(p.url, {
      on_request = function() order[#order + 1] = "request" end,
      on_response = function() order[#order + 1] = "response" end,
    }).videos:list())
    assert.same({ "request", "served", "response" }, order)
  end)

  it("may be set separately", function()
    local p = running.responding("200 OK", nil, '{"data":[]}')
    local count = 0
    local function hook(fact)
      count = count + 1
      assert(fact.url or fact.request.url)
    end
    local written = stderr.of(function()
      for _, name in ipairs { "on_request", "on_response" } do
        assert(apivideo.client({ api_key = KEY, base_url = p.url, [name] = hook }).videos:list())
      end
    end)
    assert.equal(2, count)
    assert.same({}, written)
  end)

  it("may raise a value that cannot be printed", function()
    local p = running.responding("200 OK", nil, '{"data":[]}')
    local unprintable = setmetatable({}, { __tostring = function() return {} end })
    local client = apivideo.client { api_key = KEY, base_url = p.url, on_response = function() error(unprintable) end }
    local written = stderr.of(function() assert(client.videos:list()) end)
    assert.truthy(written[1]:find("a hook failed: an error object whose __tostring failed", 1, true), written[1])
  end)

  it("see each attempt, with its number", function()
    libcurl.needs(pending, "7.80.0", "repeats no GET by itself")
    local api = running.emulator { api_key = KEY }
    api:fault { status = 500, times = 1 }
    api:fault { rate_limited = { seconds = 0 }, times = 1 }
    api:fault { reset = "before", times = 1 }
    assert(client_of(api.url, { retries = 3 }).videos:list())
    assert.same({ 1, 2, 3, 4 },
      { requests[1].attempt, requests[2].attempt, requests[3].attempt, requests[4].attempt })
    assert.equal(4, #requests)
    assert.same({ 500, 429, 200 }, { responses[1].status, responses[2].status, responses[4].status })
    assert.is_nil(responses[3].status)
    assert.is_nil(responses[3].headers)
    assert.is_nil(responses[3].body)
    assert.equal("network", responses[3].err.kind)
    for i = 1, 4 do assert.equal(requests[i], responses[i].request) end
  end)

  it("see nothing of a call that is never sent", function()
    local cancel = apivideo.cancellation()
    cancel:cancel()
    local client = client_of("http://127.0.0.1:1")
    client.videos:get("vi1", { cancel = cancel })
    client.videos:get("no/id")
    pcall(client.videos.list, client.videos, { pageSize = "x" })
    assert.equal(0, #requests + #responses)
  end)

  it("see token requests, and renewals", function()
    local api = running.emulator { api_key = KEY }
    local client = client_of(api.url, { auth = "bearer" })
    assert(client.videos:list())
    api:expire_tokens()
    assert(client.videos:list())
    local lines = {}
    for i, response in ipairs(responses) do
      lines[i] = ("%s %s %d"):format(response.request.method, response.request.url:sub(#api.url + 1), response.status)
    end
    assert.same({ "POST /auth/api-key 200", "GET /videos 200", "GET /videos 401", "POST /auth/refresh 200",
      "GET /videos 200" }, lines)
    assert.equal('{"apiKey":"***"}', requests[1].body)
    assert.is_nil(requests[1].headers.Authorization)
    assert.equal("Bearer ***", requests[2].headers.Authorization)
    assert.equal('{"refreshToken":"***"}', requests[4].body)
    for _, place in ipairs { 1, 4 } do
      assert.truthy(responses[place].body:find('"access_token":"***"', 1, true), responses[place].body)
      assert.truthy(responses[place].body:find('"refresh_token":"***"', 1, true))
    end
    has_none({ requests, responses }, KEY, "eyJ")
  end)

  describe("see no secret:", function()
    it("the key, in any encoding", function()
      local body = ('{"title":"%s","detail":"Authorization: Basic %s","problems":[{"title":"%s"}]}')
        :format(KEY, BASIC, KEY)
      local p = running.responding("400 Bad Request",
        ("X-Echo: %s\r\nX-Auth: Basic %s\r\nX-%s: 1\r\n"):format(KEY, BASIC, KEY), body)
      local client = client_of(p.url, {
        headers = { ["X-Key"] = KEY, ["X-Token"] = "pin", ["X-Proxy-Auth"] = "Basic " .. BASIC },
      })
      local _, err = client:request("POST", "/videos/" .. KEY,
        { query = { k = KEY }, body = { apiKey = "other-secret", note = KEY } })
      has_none({ requests, responses, err }, KEY, BASIC, "other-secret")
      assert.equal(400, responses[1].status)
      assert.equal(p.url .. "/videos/***?k=***", requests[1].url)
      assert.equal("***", requests[1].headers["X-Key"])
      assert.equal("***", requests[1].headers["X-Token"])
      -- The request that was sent and the raw response are unchanged.
      assert.truthy(p.requests[1].line:find("/videos/" .. KEY .. "?k=" .. KEY, 1, true))
      assert.truthy(p.requests[1].head:find("Authorization: Basic " .. BASIC .. "\r\n", 1, true))
      assert.equal(body, err.response.body)
      assert.equal(KEY, err.response.headers["x-echo"])
    end)

    it("a token", function()
      local token = "eyJ0eXAi.eyJ1c2Vy.c2ln-_x"
      local p = running.responding("403 Forbidden", "X-Echo: Bearer other.token\r\n",
        '{"title":"' .. token .. ' and bearer other.token"}')
      local client = client_of(p.url, { api_key = "none", access_token = token })
      local _, err = client.videos:list()
      assert.equal("Bearer ***", requests[1].headers.Authorization)
      has_none({ requests, responses, err }, token, "other.token")
    end)

    it("secret members of JSON, of requests and responses", function()
      local body = [[{"apiKey":"s-1","access_token" : "s-2","refresh_token":"s-3\"s-4","refreshToken":
        "s-5\\","signatureSecret":"s-6","streamKey":"s-7\u0022s-8","restreams":[{"streamKey":"s-9"}],
        "title":"apiKey","text":"sig_sec_s-10","kept":"\"quoted\"","empty":"","last":{"streamKey":""}}]]
      local p = running.responding("200 OK", nil, body)
      local _, _, raw = client_of(p.url):request("POST", "/live-streams", { body = body })
      has_none({ requests, responses }, "s-1", "s-2", "s-3", "s-4", "s-5", "s-6", "s-7", "s-8", "s-9", "s-10")
      for _, shown in ipairs { requests[1].body, responses[1].body } do
        assert.truthy(shown:find('"kept":"\\"quoted\\"","empty":"","last":{"streamKey":"***"}}', 1, true), shown)
        assert.truthy(shown:find('"title":"apiKey"', 1, true))
        assert.truthy(shown:find('"restreams":[{"streamKey":"***"}]', 1, true))
      end
      assert.equal(body, raw.body)
      assert.equal(body, p.requests[1].body)
    end)

    it("of JSON that is malformed, truncated, or in a string", function()
      local bodies = {
        '{"streamKey":"s-1', '{"streamKey":"s-1\\', '{"streamKey":"s-1\\"s-1', '"streamKey":"s-1",,,',
        '{"a":{"apiKey":"s-1"', '<html>"apiKey":"s-1"', 'x{"signatureSecret":  "s-1" "x', '{"streamKey"\n:\t"s-1"}',
        [[{"detail":"{\"streamKey\":\"s-1\",\"a\":1}"}]], [[{"detail":"{\"streamKey\" : \"s-1\\\"s-1\"}"}]],
        [[{"detail":"{\"streamKey\":\"s-1]], [["{\"a\":\"{\\\"apiKey\\\":\\\"s-1\\\"}\"}"]],
        [[{"detail":"{\"streamKey\":\"s-1\\\\\",\"a\":\"b\"}"}]],
      }
      for _, body in ipairs(bodies) do
        local p = running.responding("500 X", nil, body)
        local _, err = client_of(p.url).live_streams:get("li1")
        has_none({ requests, responses, err }, "s-1")
        assert.truthy(responses[#responses].body:find("***", 1, true), body)
      end
    end)

    it("in a URL", function()
      local p = running.peer(function(connection) connection:read_request() end)
      local client = client_of(p.url, { headers = { ["X-Link"] = "https://a:pass2@b/" } })
      local _, err = client.live_streams:list { streamKey = "cc1b4df0-d1c5", name = "shown" }
      has_none({ requests, responses, err }, "cc1b4df0", "pass2")
      assert.truthy(requests[1].url:find("name=shown&streamKey=***", 1, true), requests[1].url)
      assert.equal("network", responses[1].err.kind)
      client_of(p.url):request("GET", "/x", { query = { k = KEY } })
      has_none({ requests, responses }, KEY)
    end)

    it("in headers of the response", function()
      local p = running.responding("200 OK", "Set-Cookie: session=s-1\r\nSet-Cookie: b=s-1\r\nX-A: sig_sec_s-1\r\n"
        .. "Location: https://x/?access_token=s-1&a=b\r\n", '{"data":[]}')
      assert(client_of(p.url).videos:list())
      has_none(responses, "s-1")
      assert.equal("https://x/?access_token=***&a=b", responses[1].headers.location)
    end)

    it("in error objects", function()
      local p = running.responding("400 Bad Request", nil,
        ('{"title":"sig_sec_s-1 %s","name":"Bearer s-1","streamKey":"s-1",'
        .. '"problems":[{"title":"Basic %s","apiKey":"s-1"}],"access_token":"s-1"}'):format(KEY, BASIC))
      local _, err = client_of(p.url).live_streams:list { streamKey = "s-1" }
      assert.equal("invalid_request", err.kind)
      has_none({ err, tostring(err), "context: " .. err }, "s-1", KEY, BASIC)
      assert.equal("***", err.problem.streamKey)
    end)
  end)

  describe("cannot do harm:", function()
    it("an error of a hook is logged in a line without secrets", function()
      local p = running.responding("200 OK", nil, '{"data":[]}')
      for _, raised in ipairs { "two\nlines " .. KEY .. " Basic " .. BASIC .. " sig_sec_abc", { "a table" }, false } do
        for _, hook in ipairs { "on_request", "on_response" } do
          local page
          local written = stderr.of(function()
            page = client_of(p.url, { [hook] = function() error(raised, 0) end }).videos:list()
          end)
          assert.same({}, page.data)
          assert.equal(1, #written)
          assert.truthy(written[1]:find("^%S+ error apivideo: a hook failed: [^\n]+\n$"), written[1])
          has_none(written, KEY, BASIC, "sig_sec_abc")
        end
      end
    end)

    it("an attempt is logged in a line without secrets, at the level debug", function()
      local p = running.responding("200 OK", nil, '{"data":[]}')
      local client = apivideo.client { api_key = KEY, base_url = p.url .. "/" .. KEY }
      for level, count in pairs { debug = 1, info = 0 } do
        apivideo.log { level = level }
        local written = stderr.of(function() assert(client.videos:list()) end)
        assert.equal(count, #written)
        has_none(written, KEY, BASIC)
        assert.equal(count == 1 and "debug apivideo: client: GET /***/videos: 200 attempt=1\n" or "",
          table.concat(written):gsub("^%S+ ", ""):gsub("http://[^/]+", ""))
      end
      apivideo.log {}
    end)

    it("a hook that waits delays only its own call", function()
      local p = running.responding("200 OK", nil, '{"data":[]}')
      local client = client_of(p.url, { on_request = function() apivideo.sleep(0.002) end,
        on_response = function() apivideo.sleep(0.002) end })
      local written = stderr.of(function()
        local results, failed = apivideo.parallel(3, { 1, 2, 3, 4 }, function() return client.videos:list() end)
        assert.equal(4, #results)
        assert.is_nil(failed)
      end)
      assert.same({}, written)
    end)

    it("hooks that wait for each other delay nothing else", function()
      local p = running.responding("200 OK", nil, '{"data":[]}')
      local first, second, done = runtime.latch(), runtime.latch(), 0
      local function call(hook)
        assert(client_of(p.url, { on_response = hook }).videos:list())
        done = done + 1
      end
      apivideo.run(function()
        apivideo.spawn(call, function()
          first:wait()
          apivideo.sleep(0.01)
          second:open(true)
        end)
        apivideo.spawn(call, function()
          first:open(true)
          second:wait()
        end)
        wait_for(function() return done == 2 end, "both calls")
      end)
    end)

    it("a hook that changes its argument changes nothing else", function()
      local p = running.responding("200 OK", nil, '{"webhookId":"webhook_1","signatureSecret":"sig_sec_1"}')
      local client = client_of(p.url, {
        on_request = function(request)
          request.method, request.url, request.body = "DELETE", "http://127.0.0.1:1/", "x"
          for name in pairs(request.headers) do request.headers[name] = nil end
          request.headers["X-New"] = "1"
        end,
        on_response = function(response)
          response.status, response.body = 500, "x"
          for name in pairs(response.headers) do response.headers[name] = nil end
        end,
      })
      local webhook, err, raw = client.webhooks:create(WANTED)
      assert.is_nil(err)
      assert.equal("sig_sec_1", webhook.signatureSecret)
      assert.equal(200, raw.status)
      assert.equal("55", raw.headers["Content-Length"])
      assert.equal("POST /webhooks HTTP/1.1", p.requests[1].line)
      assert.truthy(p.requests[1].head:find("Authorization: Basic " .. BASIC, 1, true))
      assert.is_nil(p.requests[1].head:find("X-New", 1, true))
      local closing = running.peer(function(connection) connection:read_request() end)
      local _, failure = client_of(closing.url, { on_response = function(response)
        response.err.kind, response.err.message = "changed", "changed"
      end }).videos:list()
      assert.equal("network", failure.kind)
    end)
  end)

  it("leave the raw response unchanged: status, headers, body, connections, timings", function()
    local body = '{"webhookId":"webhook_1","signatureSecret":"sig_sec_1"}'
    local p = running.responding("200 OK",
      "X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 99\r\nSet-Cookie: a=b\r\n", body)
    local client = client_of(p.url)
    for i = 1, 2 do
      local webhook, _, response = client.webhooks:get("webhook_1")
      assert.equal("sig_sec_1", webhook.signatureSecret)
      assert.equal(200, response.status)
      assert.equal("1.1", response.http_version)
      assert.equal(body, response.body)
      assert.equal("100", response.headers["X-RateLimit-Limit"])
      assert.equal("99", response.headers["x-ratelimit-remaining"])
      assert.equal("a=b", response.headers["Set-Cookie"])
      assert.equal(i == 1 and 1 or 0, response.connections)
      for _, name in ipairs { "name_lookup", "connect", "tls", "first_byte", "total" } do
        assert.is_number(response.timings[name])
      end
    end
  end)

  it("must be functions", function()
    for _, hook in ipairs { "on_request", "on_response" } do
      local err = misuse(function() return (apivideo.client { api_key = KEY, [hook] = "print" }) end)
      assert.truthy(err:find('"' .. hook .. '" must be a function', 1, true))
    end
  end)
end)
