-- The small modules that the others share.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local memory = require "apivideo.inbox.memory"
local options = require "apivideo.util.options"
local redact = require "apivideo.util.redact"
local server = require "apivideo.server"
local url = require "apivideo.util.url"

describe("redact", function()
  it("takes secrets out of text", function()
    for text, expected in pairs {
      ["a sig_sec_abc123 b"] = "a sig_sec_*** b",
      ["sig_sec_a_b-c"] = "sig_sec_***",
      ["Authorization: Basic dGVzdDo="] = "Authorization: Basic ***",
      ["bearer eyJ0.eyJ1-_x=="] = "bearer ***",
      ["https://user:pass@host/a@b"] = "https://***@host/a@b",
      ["nothing here"] = "nothing here",
    } do
      assert.equal(expected, redact.text(text))
    end
    assert.equal("*** and ***", redact.text("k%.y and k%.y", "k%.y"))
    assert.equal("x", redact.text("x", ""))
  end)

  it("takes them out of tables, keys included, without changing the original", function()
    local original = { a = { "sig_sec_1" }, ["sig_sec_2"] = 5, n = 1 }
    assert.same({ a = { "sig_sec_***" }, ["sig_sec_***"] = 5, n = 1 }, redact.value(original))
    assert.equal("sig_sec_1", original.a[1])
  end)
end)

describe("errors", function()
  it("are one readable line", function()
    local err = errors.new("not_found", "no\nsuch\tthing", { status = 404,
      request = { method = "GET", url = "https://x/webhooks/y" } })
    assert.equal("api.video: not_found (404): no such thing [GET https://x/webhooks/y]", tostring(err))
    assert.equal("context: " .. tostring(err), "context: " .. err)
    assert.is_true(errors.is(err))
    assert.is_false(errors.is {})
    assert.is_false(errors.is "text")
  end)

  it("begin with their origin: api.video only for what its response said", function()
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

  it("are readable whatever they hold", function()
    for expected, err in pairs {
      ["http: network (true): a b  [7 false]"] =
        errors.new("network", "a\0b\r\n", { origin = "http", status = true, request = { method = 7, url = false } }),
      ["client: nil: nil"] = setmetatable({ origin = "client" }, getmetatable(errors.new("network", ""))),
    } do
      assert.equal(expected, tostring(err))
      assert.equal(expected .. "!", err .. "!")
    end
  end)

  it("name the origin in every module that creates them", function()
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

describe("options", function()
  it("suggest what was meant", function()
    local known = { "timeout", "max_body", "api_key" }
    assert.equal("timeout", options.nearest("timeuot", known))
    assert.equal("max_body", options.nearest("maxbody", known))
    assert.is_nil(options.nearest("completely_different", known))
  end)
end)

describe("headers", function()
  it("are found in any spelling, and counted", function()
    assert.same({ "1", 1 }, { headers.get({ ["X-A"] = "1" }, "x-a") })
    assert.same({ "1", 2 }, { headers.get({ ["x-a"] = { "1", "2" } }, "x-a") })
    assert.same({ nil, 0 }, { headers.get({ [1] = "x" }, "x-a") })
    local any = headers.any_case { ["x-a"] = "1", ["x-b"] = { "2", "3" } }
    assert.equal("1", any["X-A"])
    assert.is_nil(any["X-C"])
    assert.is_nil(any[1])
    assert.same({ "2", 2 }, { headers.get(any, "x-b") })
  end)

  it("are found in capitals under a locale whose small letter of I is not i, such as tr_TR", function()
    local lower = string.lower
    string.lower = function(text) return (lower(text):gsub("i", "I")) end -- luacheck: ignore
    local value, count = headers.get({ ["X-API-VIDEO-WEBHOOKID"] = "1" }, "x-api-video-webhookid")
    local any = headers.any_case({ ["x-id"] = "2" })["X-ID"]
    local lines = headers.lines({ ["X-ID"] = "3" }, { ["x-id"] = "4" })
    string.lower = lower -- luacheck: ignore
    assert.same({ "1", 1, "2", { "x-id: 4" } }, { value, count, any, lines })
  end)
end)

describe("url", function()
  it("writes and reads queries", function()
    assert.equal("a=1&b%5Bc%5D=x%20%26%C3%A9", url.encode_query { a = 1, ["b[c]"] = "x &\195\169" })
    assert.equal("", url.encode_query {})
    assert.same({ ["b[c]"] = "x &\195\169" }, url.decode_query(url.encode_query { ["b[c]"] = "x &\195\169" }))
    assert.same({ "/a", "b?c" }, { url.split "/a?b?c" })
    assert.same({ "/a", "" }, { url.split "/a" })
  end)
end)
