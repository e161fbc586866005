local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"
local errors = require "apivideo.error"
local misuse = require "spec.support.misuse"
local process = require "spec.support.process"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"

local ID = "webhook_XXXXXXXXXXXXXXX"

local function client_of(url, more)
  local options = tables.merge({ api_key = "test-key", base_url = url, timeout = 60, retries = 0 }, more)
  return apivideo.client(options)
end

describe("client", function()
  after_each(running.stop)

  local function responding(...)
    local p = running.responding(...)
    return client_of(p.url), p
  end

  -- The error of a call that receives this response.
  local function error_of(status, headers, body)
    local client, p = responding(status, headers, body)
    local result, err = client.webhooks:get(ID)
    assert.is_nil(result)
    assert.is_true(errors.is(err))
    assert.equal(1, #p.requests)
    return err
  end

  it("sends the key, the User-Agent and JSON", function()
    local client, p = responding("201 Created", nil, '{"webhookId":"webhook_1"}')
    local webhook = assert(client.webhooks:create { url = "https://example.com/a?b=c",
      events = { "video.source.recorded" } })
    assert.equal("webhook_1", webhook.webhookId)
    local request = p.requests[1]
    assert.equal("POST /webhooks HTTP/1.1", request.line)
    assert.truthy(request.head:find("Authorization: Basic dGVzdC1rZXk6\r\n", 1, true))
    assert.truthy(request.head:find("Content-Type: application/json\r\n", 1, true))
    assert.truthy(request.head:find("User%-Agent: apivideo%-lua/%d"))
    assert.truthy(request.body:find('"events":["video.source.recorded"]', 1, true))
  end)

  it("has the URLs of both environments", function()
    assert.equal("https://ws.api.video", apivideo.client { api_key = "k" }.base_url)
    assert.equal("https://sandbox.api.video",
      apivideo.client { api_key = "k", environment = "sandbox" }.base_url)
    assert.equal("http://127.0.0.1:1", -- takes precedence
      apivideo.client { api_key = "k", environment = "sandbox", base_url = "http://127.0.0.1:1" }.base_url)
    assert.equal("http://127.0.0.1:1", client_of("http://127.0.0.1:1/").base_url)
  end)

  for environment, host in pairs { production = "ws.api.video", sandbox = "sandbox.api.video" } do
    it("goes to " .. host .. " by TLS in the environment " .. environment .. " #process", function()
      -- A proxy sees the name and port to which the client wants to connect.
      local line
      local p = running.peer(function(connection)
        local request = connection:read_request()
        line = request and request.line
      end)
      local output, status = process.run({ "-e", ([[
        local client = require("apivideo").client { api_key = "k", environment = "%s", timeout = 5 }
        local result, err = client.webhooks:list()
        print(result, err.kind)]]):format(environment) }, "https_proxy=" .. p.url)
      assert.equal("CONNECT " .. host .. ":443 HTTP/1.1", line)
      assert.equal(0, status)
      assert.truthy(output:find("nil%s+network"), output)
    end)
  end

  it("explains a 401 of the other environment's key", function()
    local sandbox = assert(emulator.start { api_key = "sandbox-key" })
    local production = assert(emulator.start { api_key = "production-key" })
    for _, case in ipairs { { sandbox, "sandbox-key", true }, { sandbox, "production-key", false },
      { production, "production-key", true }, { production, "sandbox-key", false } } do
      local page, err = client_of(case[1].url, { api_key = case[2] }).webhooks:list()
      assert.equal(case[3], page ~= nil)
      if not page then
        assert.equal("unauthorized", err.kind)
        assert.equal(401, err.status)
        assert.truthy(err.message:find("sandbox and production have different ones", 1, true))
        assert.is_nil(tostring(err):find(case[2], 1, true))
      end
    end
    sandbox:stop()
    production:stop()
  end)

  it("accepts JSON with any content type", function()
    for _, header in ipairs { "Content-Type: application/json; charset=utf-8\r\n",
      "Content-Type: application/problem+json\r\n", "content-type: text/plain\r\n", "" } do
      local client = responding("200 OK", header, '{"webhookId":"webhook_1","new":{"field":true}}')
      assert.is_true(assert(client.webhooks:get(ID)).new.field)
    end
  end)

  it("accepts a 204 with a content type, and any other success of a DELETE", function()
    local p = running.peer(function(connection)
      connection:read_request()
      connection:send("HTTP/1.1 204 No Content\r\nContent-Type: application/json\r\n\r\n")
    end)
    assert.is_true((client_of(p.url).webhooks:delete(ID)))
    for _, body in ipairs { "", "null", "<html>" } do
      local client = responding("200 OK", nil, body)
      assert.is_true((client.webhooks:delete(ID)))
    end
  end)

  describe("creates errors from the documented bodies:", function()
    local JSON = "Content-Type: application/problem+json\r\n"

    it("a missing attribute, whose title is in the field with its name", function()
      local err = error_of("400 Bad Request", JSON,
        [[{"type":"https://docs.api.video/reference/attribute-required","events":"This attribute is required.",
        "name":"events","status":400,"problems":[{"type":"t","title":"This attribute is required.","name":"events"},
        {"type":"t","title":"This attribute is required.","name":"url"},
        {"type":"t","title":"This attribute must be an array.","name":"events"}]}]])
      assert.equal("invalid_request", err.kind)
      assert.equal(400, err.status)
      assert.equal(3, #err.problem.problems)
      assert.equal("events: This attribute is required. url: This attribute is required."
        .. " events: This attribute must be an array.", err.message)
      assert.equal("GET", err.request.method)
      assert.equal(1, err.attempts)
      assert.is_false(err.retryable)
      assert.is_nil(tostring(err):find("\n"))
    end)

    it("an object that does not exist", function()
      local err = error_of("404 Not Found", JSON,
        [[{"type":"https://docs.api.video/reference/resource-not-found",
        "title":"The requested resource could not be found.","name":"webhookId","status":404}]])
      assert.equal("not_found", err.kind)
      assert.equal("webhookId", err.problem.name)
    end)

    it("too many requests", function()
      local err = error_of("429 Too Many Requests", JSON,
        '{"type":"https://docs.api.video/reference/too-many-requests","title":"Too many requests.","status":429}')
      assert.equal("rate_limited", err.kind)
      assert.is_true(err.retryable)
    end)

    it("a range, without a type", function()
      local err = error_of("400 Bad Request", JSON,
        [[{"title":"This parameter is out of the allowed range of values.","name":"page","status":400,
        "range":{"min":1},"problems":[]}]])
      assert.equal(1, err.problem.range.min)
      assert.equal("page: This parameter is out of the allowed range of values.", err.message)
    end)

    it("every status, whatever the body is", function()
      for status, kind in pairs { ["401"] = "unauthorized", ["403"] = "forbidden", ["404"] = "not_found",
        ["408"] = "timeout", ["409"] = "conflict", ["422"] = "invalid_request", ["500"] = "server_error",
        ["503"] = "server_error", ["302"] = "unexpected_response", ["304"] = "unexpected_response" } do
        for _, body in ipairs { "", "{}", "[]", '"x"', '{"title":5,"name":[],"problems":"x"}', "<html>" } do
          local err = error_of(status .. " X", "", body)
          assert.equal(kind, err.kind, status .. body)
          assert.equal(tonumber(status), err.status)
        end
      end
    end)
  end)

  it("keeps the status when a proxy responds with HTML", function()
    local err = error_of("502 Bad Gateway", "Content-Type: text/html\r\n", "<html>Bad Gateway</html>")
    assert.equal("server_error", err.kind)
    assert.equal(502, err.status)
    assert.is_nil(err.problem)
    assert.truthy(err.message:find("not JSON %(text/html%)"))
  end)

  it("rejects 2xx responses without a result", function()
    for _, body in ipairs { "", "<html>", "5", "{", "null", "[]", "{}", '{"webhookId":5}' } do
      local client = responding("200 OK", nil, body)
      local result, err = client.webhooks:get(ID)
      assert.is_nil(result)
      assert.equal("unexpected_response", err.kind)
    end
    for _, body in ipairs { "{}", '{"data":5}', '{"data":[null]}', '{"data":[5]}' } do
      local client = responding("200 OK", nil, body)
      local page, err = client.webhooks:list()
      assert.is_nil(page)
      assert.equal("unexpected_response", err.kind)
    end
    local client = responding("204 No Content")
    for _, call in ipairs { "get", "list" } do
      local result, err = client.webhooks[call](client.webhooks, call == "get" and ID or nil)
      assert.is_nil(result)
      assert.equal("unexpected_response", err.kind)
    end
  end)

  it("returns transport failures in the same form", function()
    local p = running.peer(function(connection) connection:read_request() end)
    local result, err = client_of(p.url).webhooks:get(ID)
    assert.is_nil(result)
    assert.equal("network", err.kind)
    assert.equal(p.url .. "/webhooks/" .. ID, err.request.url)
    local stalling = running.peer(function(connection)
      connection:read_request()
      connection:read_request()
    end)
    result, err = client_of(stalling.url, { timeout = 0.05 }).webhooks:get(ID)
    assert.is_nil(result)
    assert.equal("timeout", err.kind)
  end)

  it("keeps secrets out of everything that is printed", function()
    local err = error_of("400 Bad Request", nil, [[{"title":"Bad: test-key and Basic dGVzdC1rZXk6",
      "signatureSecret":"sig_sec_abcDEF123","sig_sec_abcDEF123":"x"}]])
    local function search(value)
      if type(value) == "string" then
        return value:find("sig_sec_abc", 1, true) or value:find("test-key", 1, true)
          or value:find("dGVzdC1rZXk6", 1, true)
      elseif type(value) == "table" then
        for k, v in pairs(value) do if search(k) or search(v) then return true end end
      end
      return nil
    end
    assert.is_nil((search(err)))
    assert.is_nil((search(tostring(err))))
    local client = client_of "http://127.0.0.1:1"
    assert.is_nil(tostring(client):find("test-key", 1, true))
    for _, value in pairs(client) do assert.is_true(value ~= "test-key") end
  end)

  it("never sends an invalid id", function()
    local client, p = responding("200 OK", nil, "{}")
    for _, id in ipairs { "../videos", "webhook_/../../videos", "webhook_a?b", "webhook_a b", "",
      "webhook_", "webhook_a\r\nX: y", "webhook_\0", "vi0000000000000000000000", "webhook_%2e%2e",
      "webhook_" .. ("a"):rep(200) } do
      for _, method in ipairs { "get", "delete" } do
        local result, err = client.webhooks[method](client.webhooks, id)
        assert.is_nil(result)
        assert.equal("invalid_request", err.kind)
        assert.equal(0, err.attempts)
      end
    end
    assert.equal(0, p.connections)
  end)

  it("raises for misuse, naming the argument", function()
    local client = client_of "http://127.0.0.1:1"
    local webhooks = client.webhooks
    assert.truthy(misuse(function() return (apivideo.client {}) end):find("APIVIDEO_API_KEY"))
    for option, value in pairs { api_key = " key\n", environment = "staging", base_url = "ftp://x",
      timeout = 0, connect_timeout = -1 } do
      local options = { api_key = "key" }
      options[option] = value
      assert.truthy(misuse(function() return (apivideo.client(options)) end):find(option))
    end
    assert.truthy(misuse(function() return (apivideo.client { api_key = "k", timeot = 1 }) end)
      :find('did you mean "timeout"?', 1, true))
    for options, expected in pairs {
      [{ apikey = "k" }] = 'unknown option "apikey"; did you mean "api_key"?',
      [{ api_key = "" }] = 'option "api_key" is empty; is the environment variable set from which it is read?',
      [{ api_key = "k\n" }] = 'option "api_key" must not end in whitespace (the last byte is a newline); read the file'
        .. ' with :gsub("%s+$", "")',
      [{ access_token = " k" }] = 'option "access_token" must not begin with whitespace (the first byte is a space)',
      [{ api_key = "k", environment = "sandbx" }] = 'option "environment" must be "production" or "sandbox", got'
        .. ' "sandbx"; did you mean "sandbox"?',
      [{ api_key = "a b" }] = 'option "api_key" must be printable ASCII characters without whitespace',
    } do
      assert.truthy(misuse(function() return (apivideo.client(options)) end):find("client: " .. expected, 1, true))
    end
    assert.truthy(misuse(function() return (webhooks:create "https://x") end)
      :find("a table of options expected, got string; write { events = {…}, url = \"…\" }", 1, true))
    assert.truthy(misuse(function() return (webhooks:create { url = "https://x" }) end):find("events"))
    assert.truthy(misuse(function() return (webhooks:create { events = { "a" } }) end):find("url"))
    assert.truthy(misuse(function() return (webhooks:create { url = "x", events = { "a" } }) end):find("url"))
    assert.truthy(misuse(function() return (webhooks:create { url = "https://x", events = {} }) end)
      :find("at least one"))
    assert.truthy(misuse(function() return (webhooks:create { url = "https://x", events = { 1 } }) end)
      :find("strings"))
    assert.truthy(misuse(function() return (webhooks:list { pagesize = 5 }) end)
      :find('did you mean "pageSize"?', 1, true))
    assert.truthy(misuse(function() return (webhooks:get()) end):find("webhookId must be a string"))
    assert.truthy(misuse(function() return (webhooks:delete {}) end):find("webhookId must be a string"))
  end)

  it("iterates by number, ends with a short page, and raises a failure", function()
    local pages = { '{"data":[{"webhookId":"a"},{"webhookId":"b"}],"pagination":{"pagesTotal":1,"itemsTotal":0}}',
      '{"data":[{"webhookId":"c"}],"pagination":{"pagesTotal":99,"links":{"next":"http://elsewhere"}}}' }
    local lines = {}
    local p = running.peer(function(connection)
      while true do
        local request = connection:read_request()
        if not request then return end
        lines[#lines + 1] = request.line
        local page = tonumber(request.line:match("currentPage=(%d+)"))
        connection:respond(pages[page] and "200 OK" or "500 X", nil, pages[page])
      end
    end)
    local seen = {}
    for hook in client_of(p.url).webhooks:each { events = "video.*&x=y", pageSize = 2 } do
      seen[#seen + 1] = hook.webhookId
    end
    assert.same({ "a", "b", "c" }, seen)
    assert.equal(2, #lines)
    assert.truthy(lines[1]:find("events=video.%2A%26x%3Dy", 1, true))
    assert.truthy(lines[1]:find("pageSize=2", 1, true))
    pages[2] = nil
    local ok, err = pcall(function()
      for _ in client_of(p.url).webhooks:each { pageSize = 2 } do runtime.sleep(0) end
    end)
    assert.is_false(ok)
    assert.equal("server_error", err.kind)
  end)
end)
