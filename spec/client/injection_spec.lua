-- An application's arguments may come from untrusted input: they cannot change the target of a request, or anything else
-- in it.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local misuse = require "spec.support.misuse"
local peer = require "spec.support.peer"
local running = require "spec.support.running"
local tables = require "apivideo.util.tables"

local unpack = table.unpack or unpack

-- Text that no id, name or option may add to a request.
local hostile = { "a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\0b", "\r\n\r\nGET /evil HTTP/1.1", "a\127",
  "\27[31m" }

describe("a client sends nothing that was injected through", function()
  local p, client

  before_each(function()
    p = running.responding("200 OK", nil, '{"data":[]}')
    client = client_of(p.url)
  end)

  after_each(running.stop)

  -- Creates a client with more options, so that errors for misuse name this file.
  local function make(more)
    local options = tables.merge({ api_key = "key", base_url = p.url }, more)
    local made = apivideo.client(options)
    return made
  end

  -- Fails if the error does not name the option, or if the peer received anything.
  local function assert_misuse(option, fn)
    local message = misuse(fn)
    assert.truthy(message:find(option, 1, true), message)
    assert.equal(0, p.connections)
  end

  it("an id", function()
    local ids = { "", ".", "..", "../webhooks", "a/b", "a\\b", "a?b=c", "a#b", "a%2fb", "%2e%2e", "a b", "a+b", "é",
      "a;b", "a@b", ("a"):rep(101), unpack(hostile) }
    for _, id in ipairs(ids) do
      for _, call in ipairs {
        function() return client.webhooks:get("webhook_" .. id) end,
        function() return client.webhooks:delete("webhook_" .. id) end,
        function() return client.webhooks:rotate("webhook_" .. id) end,
        function() return client.videos:get(id) end,
        function() return client.videos:status(id) end,
        function() return client.captions:list(id) end,
        function() return client.captions:get("vi1", id) end,
        function() return client.summaries:source(id) end,
        function() return client.live_streams:get(id) end,
      } do
        local result, err = call()
        assert.is_nil(result, id)
        assert.equal("invalid_request", err.kind)
        assert.equal(0, err.attempts)
        assert.is_nil(err.message:find "%c")
      end
    end
    assert.equal(0, p.connections)
  end)

  it("a filter: it is escaped", function()
    for _, text in ipairs { "a&events=b", "a=b#c?d", "a b+c", "é\"'<>", "%41", "../..", unpack(hostile) } do
      assert(client.videos:list { title = text, tags = { text }, metadata = { [text] = text } })
      local line = p.requests[#p.requests].line
      assert.truthy(line:find "^GET /videos%?[%w%%&=._~-]+ HTTP/1%.1$", line)
      local escaped = text:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end)
      assert.truthy(line:find("title=" .. escaped .. " ", 1, true), line)
      assert.truthy(line:find("tags%5B%5D=" .. escaped .. "&", 1, true), line)
      assert.truthy(line:find("metadata%5B" .. escaped .. "%5D=" .. escaped .. "&", 1, true), line)
    end
    for _, request in ipairs(p.requests) do assert.same({}, peer.values(request, "X-Evil")) end
  end)

  it("a body: it is JSON, or as it was given", function()
    for _, text in ipairs(hostile) do
      assert(client:request("POST", "/videos", { body = { title = text } }))
      assert.is_nil(p.requests[#p.requests].body:find "%c")
      assert(client:request("POST", "/videos", { body = text }))
      local request = p.requests[#p.requests]
      assert.equal(text, request.body)
      assert.same({ tostring(#text) }, peer.values(request, "Content-Length"))
    end
  end)

  it("a method, a path, a name or a value of a header", function()
    for _, text in ipairs(hostile) do
      assert_misuse("method", function() return (client:request("GET" .. text, "/x")) end)
      assert_misuse("path", function() return (client:request("GET", "/" .. text)) end)
      for name, headers in pairs { headers = { ["X-" .. text] = "a" }, header = { ["X-A"] = text } } do
        assert_misuse(name, function() return (client:request("GET", "/x", { headers = headers })) end)
      end
      assert_misuse("header", function() return (make { headers = { ["X-A"] = text } }) end)
    end
    for _, path in ipairs { "//evil.example/x", "/../x", "/a/../../x" } do
      assert(client:request("GET", path))
      assert.equal("GET " .. path .. " HTTP/1.1", p.requests[#p.requests].line)
      assert.same({ "127.0.0.1:" .. p.port }, peer.values(p.requests[#p.requests], "Host"))
    end
  end)

  it("the headers that it sets itself", function()
    for _, name in ipairs { "Authorization", "host", "Content-Length", "transfer-encoding", "Connection", "Expect" } do
      assert_misuse(name, function() return (client:request("GET", "/x", { headers = { [name] = "x" } })) end)
    end
  end)

  it("its credentials", function()
    for _, text in ipairs { " a", "a b", "é", unpack(hostile) } do
      for _, option in ipairs { "api_key", "access_token" } do
        assert_misuse(option, function() return (apivideo.client { [option] = text, base_url = p.url }) end)
      end
    end
  end)

  it("its base URL", function()
    local host = "127.0.0.1:" .. p.port
    for _, url in ipairs { "", host, "file:///etc/passwd", "gopher://" .. host, "ftp://" .. host, "ws://" .. host,
      "https:/" .. host, "https:" .. host, "http:///" .. host, "https://", "http://?x", "http://" .. host .. "?x=y",
      "http://" .. host .. "/#x", "http://" .. host .. "/a b", "javascript:alert(1)", " http://" .. host,
      "http://api.video\\@" .. host, "http://" .. host .. "\\x",
      "http://" .. host .. "/a\\..\\b" } do
      assert_misuse("base_url", function() return (make { base_url = url }) end)
    end
    for _, text in ipairs(hostile) do
      for _, url in ipairs { "http://" .. host .. "/" .. text, "http://" .. text .. host, "http://" .. host .. text } do
        assert_misuse("base_url", function() return (make { base_url = url }) end)
      end
    end
    for _, user in ipairs { "ws.api.video@", "user:password@", "@", ":@", "ws.api.video:443@" } do
      local url = "http://" .. user .. host
      local message = misuse(function() return (make { base_url = url }) end)
      assert.truthy(message:find("must not contain a user or a password", 1, true), message)
    end
    assert_misuse("base_url", function() return (make { base_url = "http://127.0.0.1:x" }) end)
    assert(client_of(p.url:gsub("^http", "HTTP") .. "/a@b:c").webhooks:list())
    assert.equal("GET /a@b:c/webhooks HTTP/1.1", p.requests[1].line)
  end)

  it("its proxy, or the names of its files", function()
    for _, text in ipairs(hostile) do
      assert_misuse("proxy", function() return (make { proxy = "http://127.0.0.1:1/" .. text }) end)
      for _, option in ipairs { "ca_file", "client_cert" } do
        assert_misuse(option, function() return (make { [option] = text }) end)
      end
      assert_misuse("client_key", function()
        return (make { client_cert = "x", client_key = text })
      end)
    end
    for _, proxy in ipairs { "127.0.0.1:3128", "//127.0.0.1", "http://" } do
      assert_misuse("proxy", function() return (make { proxy = proxy }) end)
    end
    for _, proxy in ipairs { "file:///etc/passwd", "ftp://127.0.0.1", "socks4://127.0.0.1", "javascript://x" } do
      local page, err = client_of(p.url, { proxy = proxy }).webhooks:list()
      assert.is_nil(page)
      assert.equal("invalid_request", err.kind)
    end
    assert.equal(0, p.connections)
  end)

  it("invalid numbers", function()
    for _, number in ipairs { 0 / 0, 1 / 0, -1 / 0, -1, 0 } do
      for _, option in ipairs { "timeout", "connect_timeout", "total_timeout" } do
        assert_misuse(option, function() return (make { [option] = number }) end)
        assert_misuse(option, function() return (client.webhooks:list({}, { [option] = number })) end)
      end
      assert_misuse("pageSize", function() return (client.webhooks:list { pageSize = number }) end)
      assert_misuse("currentPage", function() return (client.webhooks:list { currentPage = number }) end)
      if number ~= 0 then
        assert_misuse("retries", function() return (make { retries = number }) end)
      end
    end
    for _, value in ipairs { "5", true, {} } do
      assert_misuse("timeout", function() return (make { timeout = value }) end)
      assert_misuse("pageSize", function() return (client.webhooks:list { pageSize = value }) end)
    end
    assert_misuse("query", function() return (client:request("GET", "/x", { query = { a = 0 / 0 } })) end)
  end)
end)
