local apivideo = require "apivideo"
local json = require "apivideo.util.json"
local misuse = require "spec.support.misuse"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
local tables = require "apivideo.util.tables"
local wait_for = require "spec.support.wait"
local waits = require "spec.support.waits"

local PAGE = '{"data":[],"pagination":{"links":[]}}'

describe("credentials", function()
  local listening

  after_each(function()
    if listening then listening:stop() end
    listening = nil
  end)

  -- An api.video that issues the tokens "token-1", "token-2" … and accepts the last one. `auth` has the
  -- bodies that /auth was sent, `shown` the Authorization headers of other calls.
  local function start(behaviour)
    local self = { auth = {}, shown = {}, made = 0, behaviour = behaviour or {} }
    local function tokens()
      self.made = self.made + 1
      self.valid = "Bearer token-" .. self.made
      return 200, {}, json.encode {
        token_type = "Bearer", access_token = "token-" .. self.made, refresh_token = "refresh-" .. self.made,
        expires_in = self.behaviour.lifetime or 3600,
      }
    end
    listening = assert(server.listen {
      handler = function(request)
        if request.path:find "^/auth/" then
          self.auth[#self.auth + 1] = { path = request.path, body = json.decode(request.body),
            authorization = request.headers.authorization }
          if self.behaviour.pause then runtime.sleep(self.behaviour.pause) end
          local status = self.behaviour[request.path]
          if status then return status, {}, '{"title":"The user credentials were incorrect."}' end
          return tokens()
        end
        self.shown[#self.shown + 1] = request.headers.authorization
        if self.behaviour.refuse_all or request.headers.authorization ~= self.valid then
          return 401, {}, '{"title":"no"}'
        end
        return 200, {}, PAGE
      end,
    })
    self.url = listening.url
    return self
  end

  local function client_of(api, more)
    local options = tables.merge({ api_key = "the-key", auth = "bearer", base_url = api.url, retries = 0 }, more)
    return apivideo.client(options)
  end

  it("request a token with the key once, and send it", function()
    local api = start()
    local client = client_of(api)
    for _ = 1, 3 do assert(client.webhooks:list()) end
    assert.equal(1, #api.auth)
    assert.equal("/auth/api-key", api.auth[1].path)
    assert.same({ apiKey = "the-key" }, api.auth[1].body)
    assert.is_nil(api.auth[1].authorization)
    assert.same({ "Bearer token-1", "Bearer token-1", "Bearer token-1" }, api.shown)
  end)

  it("are renewed before they expire, with each refresh token once", function()
    local api = start { lifetime = 60 } -- not longer than the margin: renewed in the middle of its life
    local client = client_of(api)
    local monotonic, offset = runtime.monotonic, 0
    runtime.monotonic = function() return monotonic() + offset end
    finally(function() runtime.monotonic = monotonic end)
    assert(client.webhooks:list())
    assert(client.webhooks:list())
    assert.equal(1, #api.auth)
    for i = 1, 2 do
      offset = offset + 31
      assert(client.webhooks:list()) -- does not wait: the token is good for a while
      wait_for(function() return client.webhooks:list() and api.shown[#api.shown] == "Bearer token-" .. i + 1 end)
      assert.equal(i + 1, #api.auth)
      assert.equal("/auth/refresh", api.auth[i + 1].path)
      assert.same({ refreshToken = "refresh-" .. i }, api.auth[i + 1].body)
    end
    api.behaviour.lifetime = 3600
    offset = offset + 31
    assert(client.webhooks:list())
    wait_for(function() return client.webhooks:list() and api.shown[#api.shown] == "Bearer token-4" end)
    offset = offset + 3539
    assert(client.webhooks:list())
    assert.equal(4, #api.auth)
    offset = offset + 2 -- a minute before its end
    assert(client.webhooks:list())
    wait_for(function() return #api.auth == 5 end)
  end)

  it("fall back to the key when the refresh token is rejected", function()
    for _, status in ipairs { 400, 401, 500 } do
      local api = start { ["/auth/refresh"] = status }
      local client = client_of(api)
      assert(client.webhooks:list())
      api.valid = "Bearer another"
      assert(client.webhooks:list())
      assert.equal(3, #api.auth)
      assert.equal("/auth/refresh", api.auth[2].path)
      assert.equal("/auth/api-key", api.auth[3].path)
      listening:stop()
    end
  end)

  it("are renewed once on 401, and no more", function()
    local api = start()
    local client = client_of(api)
    assert(client.webhooks:list())
    api.valid = "Bearer another"
    assert(client.webhooks:list())
    assert.equal(2, #api.auth)
    assert.equal(3, #api.shown)
    api.behaviour.refuse_all = true
    local page, err = client.webhooks:list()
    assert.is_nil(page)
    assert.equal("unauthorized", err.kind)
    assert.equal(2, err.attempts)
    assert.equal(3, #api.auth)
    assert.equal(5, #api.shown)
  end)

  it("are renewed by one call, however many wait for it", function()
    local api = start { pause = 0.02 }
    local client = client_of(api)
    local function all()
      local _, errors = apivideo.parallel(50, (function()
        local list = {}
        for i = 1, 50 do list[i] = i end
        return list
      end)(), function() return client.webhooks:list() end)
      assert.is_nil(errors)
    end
    all()
    assert.equal(1, #api.auth)
    api.valid = "Bearer another"
    all()
    assert.equal(2, #api.auth)
  end)

  it("report a failure to all waiting calls, and are requested again after it", function()
    local api = start { pause = 0.02, ["/auth/api-key"] = 400 }
    local client = client_of(api)
    local results, errors = apivideo.parallel(10, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function()
      return client.webhooks:list()
    end)
    assert.same({}, results)
    for i = 1, 10 do
      assert.equal("unauthorized", errors[i].kind)
      assert.truthy(errors[i].message:find("sandbox and production have different ones", 1, true))
      assert.is_nil(tostring(errors[i]):find("the-key", 1, true))
    end
    assert.equal(1, #api.auth)
    assert.equal(0, #api.shown)
    api.behaviour["/auth/api-key"] = nil
    assert(client.webhooks:list())
  end)

  it("are waited for until the total timeout of the call, or until it is cancelled", function()
    local api = start { pause = 0.3 }
    local client = client_of(api)
    local cancel = apivideo.cancellation()
    local calls = { { cancel = cancel }, { total_timeout = 0.05 }, {} }
    local results, errors = apivideo.parallel(4, calls, function(options)
      if options.cancel then apivideo.spawn(function() apivideo.sleep(0.05) cancel:cancel() end) end
      return client.webhooks:list(nil, options)
    end)
    assert.equal("cancelled", errors[1].kind)
    assert.equal("timeout", errors[2].kind)
    assert.is_table(results[3])
    assert.equal(1, #api.auth)
    assert.equal(1, #api.shown)
  end)

  it("are used until they expire when the renewal fails", function()
    local api = start { lifetime = 100 }
    local client = client_of(api)
    local monotonic, offset = runtime.monotonic, 0
    runtime.monotonic = function() return monotonic() + offset end
    finally(function() runtime.monotonic = monotonic end)
    assert(client.webhooks:list())
    api.behaviour["/auth/refresh"], api.behaviour["/auth/api-key"] = 503, 503
    offset = 60
    assert(client.webhooks:list())
    assert.equal("Bearer token-1", api.shown[2])
    offset = 101
    local page, err = client.webhooks:list()
    assert.is_nil(page)
    assert.equal("server_error", err.kind)
  end)

  it("are requested again after token requests have failed", function()
    waits.set(0.01)
    finally(waits.restore)
    local api = start { ["/auth/api-key"] = 503 }
    local client = client_of(api, {
      retries = 3, on_response = function() if #api.auth == 2 then api.behaviour["/auth/api-key"] = nil end end,
    })
    assert(client.webhooks:list())
    assert.equal(3, #api.auth)
  end)

  it("are not taken from a response without a token", function()
    for _, body in ipairs { "{}", '{"access_token":5}', '{"access_token":"a\\r\\nX: y"}', "<html>" } do
      local responding = assert(server.listen { handler = function() return 200, {}, body end })
      local page, err = client_of(responding).webhooks:list()
      responding:stop()
      assert.is_nil(page)
      assert.equal("unexpected_response", err.kind)
      assert.same({ method = "POST", url = responding.url .. "/auth/api-key" }, err.request)
    end
  end)

  it("are not in the URL of such an error", function()
    local responding = assert(server.listen { handler = function() return 200, {}, "{}" end })
    local page, err = client_of({ url = responding.url .. "/the-key" }).webhooks:list()
    responding:stop()
    assert.is_nil(page)
    assert.equal(responding.url .. "/***/auth/api-key", err.request.url)
  end)

  it("can be a given token, which is not renewed", function()
    local api = start()
    api.valid = "Bearer ready"
    local client = apivideo.client { access_token = "ready", base_url = api.url, retries = 0 }
    assert(client.webhooks:list())
    api.valid = "another"
    local page, err = client.webhooks:list()
    assert.is_nil(page)
    assert.equal("unauthorized", err.kind)
    assert.equal(0, #api.auth)
    assert.equal(2, #api.shown)
  end)

  it("are the key itself by default", function()
    local api = start()
    api.valid = "Basic dGhlLWtleTo="
    assert(client_of(api, { auth = "basic" }).webhooks:list())
    assert(apivideo.client({ api_key = "the-key", base_url = api.url }).webhooks:list())
    assert.equal(0, #api.auth)
  end)

  it("are checked", function()
    for options, expected in pairs {
      [{ api_key = "a", access_token = "b" }] = "exclude each other",
      [{ api_key = "a", auth = "oauth" }] = '"basic" or "bearer"',
      [{ access_token = "a", auth = "basic" }] = "remove option",
      [{ access_token = "a b" }] = "access_token",
    } do
      local message = misuse(function() return (apivideo.client(options)) end)
      assert.truthy(message:find(expected, 1, true), message)
    end
  end)

  it("are those that are valid when the request is sent, not when the call began to wait", function()
    local api = start()
    local client = client_of(api)
    assert(client.webhooks:list())
    local account = client._account()
    local acquire = account.rate_limiter.acquire
    -- While the call waits for the rate limit, another call's token is rejected.
    account.rate_limiter.acquire = function(...)
      account.credentials:reject("token-1")
      return acquire(...)
    end
    api.valid = nil
    assert(client.webhooks:list())
    assert.same({ "Bearer token-1", "Bearer token-2" }, api.shown)
  end)

  it("that are rejected give each call its own error", function()
    local api = start { pause = 0.02, ["/auth/api-key"] = 400 }
    local client = client_of(api)
    local _, errors = apivideo.parallel(2, { 1, 2 }, function() return client.webhooks:list() end)
    assert.is_true(errors[1] ~= errors[2])
    assert.equal(1, errors[1].attempts)
  end)

  it("are not taken from a response without a body", function()
    local responding = assert(server.listen { handler = function() return 200, {}, "" end })
    local page, err = client_of(responding).webhooks:list()
    responding:stop()
    assert.is_nil(page)
    assert.equal("unexpected_response", err.kind)
  end)

  it("may not be empty", function()
    for _, name in ipairs { "api_key", "access_token" } do
      local message = misuse(function() return (apivideo.client { [name] = "" }) end)
      assert.truthy(message:find('"' .. name .. '"', 1, true), message)
    end
  end)
end)
