-- Bearer authentication with the emulator.

local cjson = require "cjson"
local emulator = require "apivideo.emulator"
local http = require "apivideo.transport.http"
local tables = require "apivideo.util.tables"
local wait_for = require "spec.support.wait"

describe("emulator, tokens", function()
  local local_api

  local function start(more)
    local options = tables.merge({ api_key = "key" }, more)
    local_api = assert(emulator.start(options))
  end

  after_each(function()
    if local_api then local_api:stop() end
    local_api = nil
  end)

  local function post(path, body)
    local response = assert(http.request { method = "POST", url = local_api.url .. path, body = body,
      headers = { "Content-Type: application/json" } })
    return response.status, cjson.decode(response.body)
  end

  local function status_with(authorization)
    return assert(http.request { method = "GET", url = local_api.url .. "/webhooks",
      headers = { "Authorization: " .. authorization } }).status
  end

  local function authenticate()
    local status, tokens = post("/auth/api-key", '{"apiKey":"key"}')
    assert.equal(200, status)
    return tokens
  end

  local function refresh(token)
    return post("/auth/refresh", cjson.encode { refreshToken = token })
  end

  it("issues tokens for the API key, and accepts them", function()
    start()
    local tokens = authenticate()
    assert.equal("Bearer", tokens.token_type)
    assert.equal(3600, tokens.expires_in)
    assert.truthy(tokens.access_token:find("^eyJ[%w_-]+%.eyJ[%w_-]+%.[%w_-]+$"))
    assert.truthy(tokens.refresh_token:find("^def50200%x+$"))
    for _, scheme in ipairs { "Bearer", "bearer", "BEARER" } do
      assert.equal(200, status_with(scheme .. " " .. tokens.access_token))
    end
    assert.truthy(authenticate().access_token ~= tokens.access_token)
    assert.equal(200, status_with("Bearer " .. tokens.access_token))
  end)

  it("responds 401 to other credentials", function()
    start()
    local tokens = authenticate()
    for _, authorization in ipairs { "Bearer", "Bearer x", "Bearer key", "Basic " .. tokens.access_token,
      "Bearer " .. tokens.refresh_token, "Bearer " .. tokens.access_token .. "x", tokens.access_token,
      "Digest " .. tokens.access_token, "Basic a2V5", "Basic key" } do
      assert.equal(401, status_with(authorization), authorization)
    end
    assert.equal(200, status_with("basic a2V5Og=="))
  end)

  it("issues new tokens for a refresh token, once", function()
    start()
    local first = authenticate()
    local status, second = refresh(first.refresh_token)
    assert.equal(200, status)
    assert.equal(200, status_with("Bearer " .. second.access_token))
    assert.equal(400, (refresh(first.refresh_token)))
    assert.equal(200, (refresh(second.refresh_token)))
    assert.equal(400, (refresh(second.access_token)))
  end)

  it("responds 400 to an invalid key or refresh token, as documented", function()
    start()
    local expected = { type = "https://docs.api.video/reference/authentication-invalid-user-credentials",
      title = "The user credentials were incorrect.", name = "", status = 400 }
    assert.same({ 400, expected }, { post("/auth/api-key", '{"apiKey":"another"}') })
    assert.same({ 400, expected }, { refresh("another") })
    for _, body in ipairs { "", "x", "5", "{}", '{"apiKey":5}', '{"apiKey":null}' } do
      assert.equal(400, (post("/auth/api-key", body)), body)
    end
    local _, problem = post("/auth/refresh", "{}")
    assert.equal("refreshToken", problem.name)
  end)

  it("expires an access token after its lifetime", function()
    start { token_lifetime = 0.05, rate_limits = { reads = 1e6, writes = 1 } }
    local tokens = authenticate()
    assert.equal(1, tokens.expires_in)
    wait_for(function() return status_with("Bearer " .. tokens.access_token) == 401 end, "the access token to expire")
    assert.equal(200, (refresh(tokens.refresh_token)))
  end)

  it("expires all access tokens on request", function()
    start()
    local one, another = authenticate(), authenticate()
    local_api:expire_tokens()
    assert.equal(401, status_with("Bearer " .. one.access_token))
    assert.equal(401, status_with("Bearer " .. another.access_token))
    assert.equal(200, status_with("Basic a2V5Og=="))
    assert.equal(200, (refresh(one.refresh_token)))
  end)
end)
