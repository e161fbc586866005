-- No secret appears in anything that can be printed: objects, errors, hooks' arguments, logs, misuse.

local apivideo = require "apivideo"
local canary = require "spec.support.canary"
local cjson = require "cjson"
local core = require "apivideo.core"
local free_port = require "spec.support.free_port"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local stderr = require "spec.support.stderr"
local tables = require "apivideo.util.tables"

local ID = "webhook_A"
local BODY = '{"type":"video.source.recorded","emittedAt":"2021-01-29T15:46:25.217Z",'
  .. '"videoId":"vi1","liveStreamId":"li1"}'

local function shows_none(value, name)
  local found = canary.find(value, name)
  assert.is_nil(found, found)
end

-- The arguments of an application's hooks, and the library's log.
local observed

local function with_userinfo(url, password)
  local scheme, rest = url:match "^(.-://)(.*)$"
  return scheme .. "user:" .. password .. "@" .. rest
end

local function client_of(url, more)
  local options = tables.merge({
    base_url = url, timeout = 10, retries = 0, rate_limit = false,
    headers = { ["X-Api-Key"] = canary.HEADER },
    on_request = function(request) observed[#observed + 1] = request end,
    on_response = function(response) observed[#observed + 1] = response end,
  }, more)
  return apivideo.client(options)
end

-- The ways in which a client authenticates.
local ways = {
  key = { api_key = canary.KEY },
  token = { access_token = canary.TOKEN },
  bearer = { api_key = canary.KEY, auth = "bearer" },
}

-- The contents of a request, in the forms in which a server may echo them.
local function echo(request)
  local headers = {}
  for line in request.head:gmatch "[^\r\n]+" do headers[#headers + 1] = line end
  local everything = request.head .. request.body
  return cjson.encode {
    type = "about:blank", title = "You sent " .. everything, name = request.line, detail = everything, status = 418,
    [everything] = 1, headers = headers, body = request.body, nested = { { everything } },
    signatureSecret = canary.PLAIN, apiKey = canary.KEY, problems = { { title = everything, name = everything } },
  }
end

-- A server that issues tokens, and echoes all other requests.
local function echoing(status, change)
  return running.serving(function(request)
    if request.line:find "/auth/" then
      return "200 OK", nil, cjson.encode { access_token = canary.TOKEN, refresh_token = canary.REFRESH }
    end
    local text = echo(request)
    local name = change == "redirect" and "Location: http://x/?key=" or "X-Echo: "
    return status, name .. request.head:gsub("[\r\n]+", " ") .. "\r\n",
      change == "text" and "not JSON: " .. text or text
  end)
end

-- Calls of each kind, with secrets where an application may put them.
local function calls_of(client, secret)
  local options = {
    query = { q = secret, metadata = { [secret] = secret } }, headers = { ["X-Token"] = canary.HEADER },
  }
  local wanted = { url = "https://me:" .. canary.USERINFO .. "@example.com/", events = { "video.source.recorded" } }
  return {
    function() return client:request("GET", "/videos", options) end,
    function() return client:request("GET", "/" .. secret) end,
    function() return client:request("POST", "/x", { body = { apiKey = canary.KEY, [secret] = secret } }) end,
    function() return client.webhooks:list() end,
    function() return client.webhooks:get(ID) end,
    function() return client.webhooks:delete(ID) end,
    function() return client.webhooks:create(wanted) end,
    function() return client.webhooks:sync { wanted } end,
    function() return client.webhooks:rotate(ID, { overlap = 0 }) end,
    function() return client.webhooks:secret_source():resolve(ID) end,
    function() return client.videos:get "vi1" end,
  }
end

-- Makes all calls with a client of these options. Nothing observable may contain a secret; with `kind`, the calls
-- must fail with that error kind.
local function assert_silent(url, options, kind)
  local client = client_of(url, options)
  for i, fn in ipairs(calls_of(client, options.access_token or options.api_key)) do
    observed = {}
    apivideo.log { level = "debug", format = i % 2 == 0 and "json" or "text" }
    local result, err
    local written = stderr.of(function() result, err = fn() end)
    if kind then assert.equal(kind, not result and err.kind, tostring(err)) end
    shows_none(err, "the error of call " .. i)
    shows_none(observed, "the arguments of the hooks of call " .. i)
    shows_none(written, "the log of call " .. i)
  end
  apivideo.log {}
  shows_none(client, "the client")
end

describe("no secret appears", function()
  before_each(function() observed = {} end)
  after_each(running.stop)

  for way, credentials in pairs(ways) do
    it("if a server echoes everything to a client with a " .. way, function()
      for status, kind in pairs { ["400 Bad"] = "invalid_request", ["401 No"] = "unauthorized" } do
        assert_silent(echoing(status).url, credentials, kind)
      end
      assert_silent(echoing("302 Found", "redirect").url, credentials, "unexpected_response")
      assert_silent(echoing("500 Broken", "text").url, credentials, "server_error")
    end)

    it("if a server sends invalid responses to a client with a " .. way, function()
      for _, script in ipairs {
        function(connection, request) connection:send(request.head .. "\r\n\r\n") end,
        function(connection, request) connection:send("HTTP/1.1 200 " .. request.head .. "\r\nBad\r\n\r\n") end,
        function(connection, request)
          connection:send("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" .. request.head)
        end,
        function(connection, request)
          connection:send("HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(70000) .. request.head .. "\r\n\r\n")
        end,
        function(connection) connection:reset() end,
      } do
        local p = running.peer(function(connection)
          local request = connection:read_request()
          if request then script(connection, request) end
        end)
        assert_silent(p.url, credentials)
      end
    end)

    it("if there is no server, or another one than expected, for a client with a " .. way, function()
      local p = running.peer(function(connection)
        connection:take(1)
        connection:send "no TLS"
      end)
      assert_silent("http://127.0.0.1:" .. free_port(), credentials, "network")
      assert_silent((p.url:gsub("http", "https")), credentials, "tls")
    end)
  end

  it("of a proxy's URL", function()
    local rejecting = running.serving(function(request)
      return "407 Proxy Authentication Required", "Proxy-Authenticate: Basic\r\n", echo(request)
    end)
    local broken = running.peer(function(connection)
      connection:take(1)
      connection:send "no proxy"
    end)
    for scheme, p in pairs { http = rejecting, https = broken, socks5h = broken } do
      for _, port in ipairs { p.port, free_port(), "port" } do
        for _, password in ipairs { canary.PROXY, canary.RAW } do
          local proxy = with_userinfo(scheme .. "://127.0.0.1:" .. port, password)
          assert_silent("http://host.invalid", { api_key = canary.KEY, proxy = proxy })
        end
      end
    end
  end)

  it("of certificates", function()
    for _, name in ipairs { "ca_file", "client_cert" } do
      local p = running.responding("204 No Content", nil, "")
      assert_silent(p.url, { api_key = canary.KEY, [name] = "/nowhere" })
    end
  end)

  it("of refreshed tokens", function()
    local number = 0
    local p = running.serving(function(request)
      if not request.line:find "/auth/" then return "401 No", nil, echo(request) end
      number = number + 1
      local body = cjson.encode { access_token = canary.TOKEN .. number, refresh_token = canary.REFRESH .. number }
      return number > 3 and "400 Bad" or "200 OK", nil, number > 3 and echo(request) .. body or body
    end)
    assert_silent(p.url, { api_key = canary.KEY, auth = "bearer" }, "unauthorized")
  end)

  it("if a token refresh fails", function()
    for _, body in ipairs { cjson.encode { access_token = canary.TOKEN .. "\n" }, canary.KEY, "{}" } do
      local p = running.responding("200 OK", nil, body)
      assert_silent(p.url, { api_key = canary.KEY, auth = "bearer" }, "unexpected_response")
    end
  end)

  it("in a redirect's truncated target", function()
    local length
    local p = running.serving(function()
      return "302 Found", "Location: http://x/" .. ("y"):rep(length) .. canary.KEY .. ("z"):rep(300) .. "\r\n", ""
    end)
    local client = client_of(p.url, { api_key = canary.KEY })
    for n = 170, 200 do
      length = n
      local _, err = client.webhooks:list()
      assert.equal("unexpected_response", err.kind)
      shows_none(err)
    end
  end)

  it("if a URL with the key leads to an invalid response", function()
    local key = "kanarie-in-the-path"
    local p = running.responding("200 OK", nil, "{}")
    local webhooks = client_of(p.url .. "/" .. key, { api_key = key }).webhooks
    for _, fn in ipairs { webhooks.list, function(self) return self:get(ID) end } do
      local _, err = fn(webhooks)
      assert.equal("unexpected_response", err.kind)
      shows_none(err)
    end
  end)

  it("if hooks fail", function()
    local p = running.responding("404 None", nil, "{}")
    for _, hook in ipairs { "on_request", "on_response" } do
      local client = client_of(p.url, { api_key = canary.KEY, [hook] = function() error(canary.KEY) end })
      local written = stderr.of(function() client.webhooks:list() end)
      assert.truthy(written[1]:find "a hook failed")
      shows_none(written)
    end
  end)
end)

describe("no secret appears in", function()
  local handlers = apivideo.handlers():otherwise(function() end)

  after_each(running.stop)

  -- Receivers with secrets in each form.
  local function receivers(more)
    local list = {}
    for _, secrets in ipairs {
      canary.SECRET, canary.PLAIN, { canary.SECRET, canary.OTHER, canary.PLAIN },
      { [ID] = canary.SECRET, webhook_B = { canary.OTHER, canary.PLAIN } },
      function() return { canary.SECRET, canary.PLAIN } end,
      function() return nil, require("apivideo.error").new("network", "with " .. canary.SECRET) end,
      function() error("with " .. canary.SECRET) end,
      function() return { canary.PLAIN, 5 } end,
    } do
      local options = tables.merge({ handlers = handlers, secrets = secrets }, more)
      list[#list + 1] = apivideo.receiver(options)
    end
    return list
  end

  local requests = {}
  for _, secret in ipairs { canary.SECRET, canary.OTHER, canary.PLAIN, "wrong" } do
    for _, id in ipairs { ID, "webhook_B", "" } do
      requests[#requests + 1] = { method = "POST", body = BODY, headers = {
        ["X-Api-Video-Signature"] = apivideo.sign(BODY, secret), ["X-Api-Video-WebhookID"] = id,
        Authorization = "Bearer " .. canary.TOKEN } }
    end
  end

  it("a receiver, its log and its metrics", function()
    local outcomes = {}
    local function log(outcome)
      local copy = tables.copy(outcome)
      copy.headers = nil -- as the sender has sent them
      outcomes[#outcomes + 1] = copy
    end
    for _, more in ipairs { {}, { on_outcome = log } } do
      for i, receiver in ipairs(receivers(more)) do
        apivideo.log { level = "debug", format = i % 2 == 0 and "json" or "text" }
        local written = stderr.of(function()
          for _, request in ipairs(requests) do pcall(receiver.receive, receiver, request) end
        end)
        apivideo.log {}
        assert.is_true(#written > 0)
        shows_none(written, "the log of receiver " .. i)
        shows_none(receiver, "receiver " .. i)
        shows_none(receiver:metrics(), "the metrics of receiver " .. i)
      end
    end
    assert.is_true(#outcomes > 0)
    shows_none(outcomes, "the log's outcomes")
  end)

  it("failures of handlers", function()
    local failing = apivideo.handlers():otherwise(function() error("with " .. canary.SECRET) end)
    local receiver = apivideo.receiver { handlers = failing, secrets = canary.SECRET }
    local written = stderr.of(function() receiver:receive(requests[1]) end)
    assert.truthy(written[1]:find "a handler of")
    shows_none(written)
  end)

  it("objects", function()
    local api = running.emulator()
    local client = client_of(api.url, { api_key = canary.KEY })
    local store = require "apivideo.inbox.memory" {}
    local inbox = apivideo.inbox { store = store, spool = require "apivideo.inbox.memory" {} }
    local redis = require "apivideo.inbox.redis" { password = canary.PASSWORD }
    local source = client.webhooks:secret_source()
    local receiver = apivideo.receiver { inbox = inbox, secrets = canary.SECRET }
    assert.equal(204, (receiver:receive(requests[1])))
    local known = require("apivideo.resources.webhooks.secrets").new(function(id)
      return { webhookId = id, signatureSecret = canary.SECRET }
    end)
    assert.equal(canary.SECRET, known:resolve(ID))
    for name, object in pairs {
      client = client, webhooks = client.webhooks, source = source, known = known, receiver = receiver, store = store,
      inbox = inbox, redis = redis, redis_inbox = apivideo.inbox { store = redis }, handlers = handlers,
      hmac = core.signature.hmac(canary.SECRET), core = core, apivideo = apivideo,
      entries = inbox:list { state = "waiting" }, claims = inbox:claim(), runtime = runtime,
    } do
      shows_none(object, name)
    end
  end)
end)
