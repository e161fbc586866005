-- The options of a single call.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local locale = require "spec.support.locale"
local misuse = require "spec.support.misuse"
local peer = require "spec.support.peer"
local responses = require "spec.support.responses"
local running = require "spec.support.running"
local waits = require "spec.support.waits"

local ID = "webhook_1"
local ANYTHING, WANTED, stalling = responses.ANYTHING, responses.WANTED, responses.stalling

-- Every function that takes the options of a call: its name, and its arguments before them.
local functions = {
  { "webhooks", "list", { {} } }, { "webhooks", "pages", { {} } }, { "webhooks", "each", { {} } },
  { "webhooks", "get", { ID } }, { "webhooks", "create", { WANTED } }, { "webhooks", "delete", { ID } },
  { "webhooks", "sync", { {} } }, { "webhooks", "rotate", { ID } },
  { "videos", "list", { {} } }, { "videos", "pages", { {} } }, { "videos", "each", { {} } },
  { "videos", "get", { "vi1" } }, { "videos", "status", { "vi1" } },
  { "live_streams", "list", { {} } }, { "live_streams", "pages", { {} } }, { "live_streams", "each", { {} } },
  { "live_streams", "get", { "li1" } }, { "captions", "list", { "vi1", {} } },
  { "captions", "pages", { "vi1", {} } }, { "captions", "each", { "vi1", {} } }, { "captions", "all", { "vi1", {} } },
  { "captions", "get", { "vi1", "en" } }, { "summaries", "source", { "summary_1" } },
  { "summaries", "all", { {} } }, { "videos", "all", { {} } },
  { "summaries", "list", { {} } }, { "summaries", "pages", { {} } }, { "summaries", "each", { {} } },
}

-- Calls one of them: result, err. What iterators raise is their error.
local function invoke(client, fn, options)
  local name, method, arguments = fn[1], fn[2], fn[3]
  local all = { arguments[1], arguments[2] }
  all[#arguments + 1] = options
  local result, err = client[name][method](client[name], all[1], all[2], all[3])
  if type(result) ~= "function" then return result, err end
  local ok, item = pcall(result)
  if ok then return item or true end
  return nil, item
end

describe("call options", function()
  after_each(function()
    running.stop()
    waits.restore()
  end)

  describe("take precedence over the client's, in", function()
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
        waits.set(0.001, 0.001)
        local failing = running.responding("429 X", "Retry-After: 0\r\n")
        client = client_of(failing.url)
        result, err = invoke(client, fn, { retries = 2 })
        assert.is_nil(result)
        assert.equal("rate_limited", err.kind)
        assert.equal(3, err.attempts)
        assert.equal(3, #failing.requests)
        -- headers
        local serving = running.responding("200 OK", nil, ANYTHING)
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
    -- A peer that accepts connections, but does not start TLS.
    local p = running.peer(function(connection) connection:read_request() end)
    local client = client_of("https://127.0.0.1:" .. p.port)
    local _, err = client.videos:list({}, { connect_timeout = 0.05 })
    assert.equal("timeout", err.kind)
    _, err = client_of("https://127.0.0.1:" .. p.port, { connect_timeout = 0.05 }).videos:list()
    assert.equal("timeout", err.kind)
  end)

  it("limit the total time of all attempts and waits", function()
    waits.set(0.01, 0.01)
    local p = running.responding("500 X")
    local _, err = client_of(p.url).videos:list({}, { retries = 100, total_timeout = 0.3 })
    assert.is_true(err.kind == "server_error" or err.kind == "timeout", err) -- whatever it was about
    assert.is_true(err.attempts >= 1 and err.attempts <= 21, err.attempts) -- by time or by the budget
    local unread = err.attempts - #p.requests -- the time may be over before the last is read
    assert.is_true(unread == 0 or unread == 1, unread)
    waits.set(6000, 6000)
    _, err = client_of(p.url).videos:list({}, { retries = 100, total_timeout = 60 })
    assert.equal("server_error", err.kind) -- known at once: the back-off would end too late
  end)

  it("turn retries off, or on, for one call", function()
    waits.set(0.001, 0.001)
    local p = running.responding("503 X")
    local client = client_of(p.url, { retries = 2 })
    client.videos:list({}, { retries = 0 })
    assert.equal(1, #p.requests)
    client.videos:list()
    assert.equal(4, #p.requests)
    client.videos:list({}, { retries = 1 })
    assert.equal(6, #p.requests)
  end)

  it("do not change the given tables", function()
    local p = running.responding("200 OK", nil, ANYTHING)
    local query, headers = { title = "x" }, { ["X-A"] = "b" }
    local options = { timeout = 30, headers = headers }
    assert(client_of(p.url).videos:list(query, options))
    assert.same({ title = "x" }, query)
    assert.same({ timeout = 30, headers = headers }, options)
    assert.same({ ["X-A"] = "b" }, headers)
  end)

  describe("that are wrong raise an error at the call:", function()
    for _, fn in ipairs(functions) do
      it(fn[1] .. ":" .. fn[2], function()
        local p = running.responding("200 OK", nil, ANYTHING)
        local client = client_of(p.url)
        local resource, method, arguments = client[fn[1]], fn[2], fn[3]
        local where = fn[1] .. ":" .. method
        local function message(options)
          local all = { arguments[1], arguments[2] }
          all[#arguments + 1] = options
          return misuse(function() return (resource[method](resource, all[1], all[2], all[3])) end)
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
          says('option "retries" must be an integer from 0 to 100', { retries = value })
        end
        says('option "timeout" must be a number of seconds from 0.001 to 86400, got string', { timeout = "5" })
        says('option "cancel" must come from apivideo.cancellation', { cancel = {} })
        says('option "cancel" must be a table', { cancel = true })
        says('option "headers" must have header names as keys', { headers = { "X-A: b" } })
        says('the header "authorization" is set by the library; use the option api_key or access_token',
          { headers = { authorization = "x" } })
        says('header "X-A" must be a string without control characters',
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
        both(('the header "%s" is set by the library; use the option %s'):format(name, use), { [name] = "x" })
      end
      for _, name in ipairs { "", " ", "a b", "a:b", "a\r\nb", "é", 5 } do
        both("must have header names as keys", { [name] = "x" })
      end
      for _, value in ipairs { "a\nb", "a\r", "\0", "a\tb", 5, true, {} } do
        both('header "X-A" must be a string', { ["X-A"] = value })
      end
    end)
  end)

  describe("headers", function()
    it("are sent empty where their value is", function()
      local p = running.responding("200 OK", nil, "{}")
      local client = client_of(p.url)
      assert(client:request("GET", "/", { headers = { ["X-Empty"] = "", ["X-Blank"] = " " } }))
      assert.same({ "" }, peer.values(p.requests[1], "X-Empty"))
      assert.same({ "" }, peer.values(p.requests[1], "X-Blank"))
    end)

    it("of the library are reserved in every locale", function()
      local client = client_of("http://127.0.0.1:1")
      locale.within("tr_TR.UTF-8", function()
        local err = misuse(function() return (client:request("GET", "/", { headers = { AUTHORIZATION = "x" } })) end)
        assert.matches('the header "AUTHORIZATION" is set by the library', err, 1, true)
      end)
    end)
  end)
end)
