-- Redirects are not followed, and their targets receive nothing.

local apivideo = require "apivideo"
local running = require "spec.support.running"
local tables = require "apivideo.util.tables"

local STATUSES = { 300, 301, 302, 303, 307, 308 }

describe("a redirect", function()
  after_each(running.stop)

  local function client_of(url, more)
    local options = tables.merge({ api_key = "the-key-of-a-client", base_url = url, retries = 3 }, more)
    return apivideo.client(options)
  end

  for _, status in ipairs(STATUSES) do
    it(("is not followed, for any target: %d"):format(status), function()
      local elsewhere = running.responding("200 OK", nil, '{"data":[]}')
      local host = "127.0.0.1:" .. elsewhere.port
      local targets = { "http://" .. host .. "/webhooks", "https://" .. host, "//" .. host, "gopher://" .. host,
        "/webhooks", "?a", "file:///etc/passwd", "", "\\\\evil\\", "http://[::1" }
      for _, target in ipairs(targets) do
        local p = running.responding(status .. " X", "Location: " .. target .. "\r\n", '{"title":"moved"}')
        for _, call in ipairs {
          function(client) return client.webhooks:list() end,
          function(client) return client.webhooks:delete "webhook_1" end,
          function(client) return client:request("POST", "/videos", { body = { title = "x" } }) end,
        } do
          local before = #p.requests
          local result, err = call(client_of(p.url))
          assert.is_nil(result)
          assert.equal("unexpected_response", err.kind)
          assert.equal(status, err.status)
          assert.equal(1, err.attempts)
          assert.is_false(err.retryable)
          assert.equal(("a redirect to %s, which is not followed"):format(target), err.message)
          assert.equal(before + 1, #p.requests)
        end
      end
      assert.equal(0, elsewhere.connections)
    end)
  end

  it("of a token request does not forward the API key", function()
    local elsewhere = running.responding("200 OK", nil, '{"access_token":"evil"}')
    local p = running.responding("307 X", "Location: " .. elsewhere.url .. "/auth/api-key\r\n")
    local page, err = client_of(p.url, { auth = "bearer" }).webhooks:list()
    assert.is_nil(page)
    assert.equal("unexpected_response", err.kind)
    assert.equal(1, #p.requests)
    assert.equal(0, elsewhere.connections)
  end)

  it("is reported without secrets, and truncated", function()
    local p = running.responding("302 X",
      "Location: https://x/?access_token=the-key-of-a-client&" .. ("x"):rep(5000) .. "\r\n")
    local _, err = client_of(p.url).webhooks:list()
    assert.is_nil(tostring(err):find("the-key-of-a-client", 1, true))
    assert.is_true(#tostring(err) < 500)
  end)

  it("is not reported for a response without a target, or a 304", function()
    for _, case in ipairs { { "302 X" }, { "304 X" } } do
      local p = running.responding(case[1], case[2])
      local _, err = client_of(p.url).webhooks:list()
      assert.equal("unexpected_response", err.kind)
      assert.is_nil(err.message:find("redirect", 1, true))
    end
  end)
end)
