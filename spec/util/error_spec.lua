local apivideo = require "apivideo"
local errors = require "apivideo.error"
local memory = require "apivideo.inbox.memory"
local server = require "apivideo.server"

describe("errors", function()
  it("are shown in one line", function()
    local err = errors.new("not_found", "no\nsuch\tthing", { status = 404,
      request = { method = "GET", url = "https://x/webhooks/y" } })
    assert.equal("api.video: not_found (404): no such thing [GET https://x/webhooks/y]", tostring(err))
    assert.equal("context: " .. tostring(err), "context: " .. err)
    assert.is_true(errors.is(err))
    assert.is_false(errors.is {})
    assert.is_false(errors.is "text")
  end)

  it("begin with their origin, which is api.video only for its responses", function()
    for _, case in ipairs {
      { "api.video: not_found: m", "not_found" }, { "api.video: timeout (504): m", "timeout", { status = 504 } },
      { "http: network: m", "network" }, { "http: tls: m", "tls" }, { "http: timeout: m", "timeout" },
      { "client: cancelled: m", "cancelled" }, { "runtime: wrong_phase: m", "wrong_phase" },
      { "event: bad_json: m", "bad_json" }, { "event: bad_event: m", "bad_event" },
      { "signature: bad_signature: m", "bad_signature" }, { "inbox: store_unavailable: m", "store_unavailable" },
      { "inbox: claim_lost: m", "claim_lost" },
      { "sqlite: store_unavailable: m", "store_unavailable", { origin = "sqlite" } },
    } do
      local err = errors.new(case[2], "m", case[3])
      assert.equal(case[1], tostring(err))
      assert.equal(case[1], tostring(errors.new(err.kind, err.message, err))) -- a copy
    end
  end)

  it("are shown in one line whatever the types of their fields", function()
    for expected, err in pairs {
      ["http: network (true): a b  [7 false]"] =
        errors.new("network", "a\0b\r\n", { origin = "http", status = true, request = { method = 7, url = false } }),
      ["client: nil: nil"] = setmetatable({ origin = "client" }, getmetatable(errors.new("network", ""))),
    } do
      assert.equal(expected, tostring(err))
      assert.equal(expected .. "!", err .. "!")
    end
  end)

  it("name the module that creates them as their origin", function()
    local client = apivideo.client { api_key = "k", base_url = "http://127.0.0.1:1", retries = 0 }
    local _, err = client.webhooks:list()
    assert.equal("http", err.origin)
    _, err = client.webhooks:get "no/id"
    assert.equal("client", err.origin)
    _, err = apivideo.parse(("["):rep(100))
    assert.equal("event", err.origin)
    _, err = server.listen { port = 1, host = "192.0.2.1", handler = print }
    assert.equal("server", err.origin)
    local store = memory()
    store:close()
    _, err = store:stats()
    assert.equal("inbox", err.origin)
  end)
end)
