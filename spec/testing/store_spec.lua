-- The store of the testing kit, which fails on demand.

local apivideo = require "apivideo"
local conformance = require "spec.support.inbox_conformance"
local misuse = require "spec.support.misuse"
local testing = require "apivideo.testing"

local RECORDED, SECRET = "video.source.recorded", "sig_sec_of_a_test"

conformance("testing.store", { open = testing.store, volatile = true })

describe("testing.store", function()
  it("makes the receiver respond 503 while it fails, and nothing is stored", function()
    local store, logged = testing.store(), {}
    local inbox = apivideo.inbox { store = store }
    local receiver = apivideo.receiver { inbox = inbox, secrets = SECRET, health = "/health",
      on_outcome = function(outcome) logged[#logged + 1] = outcome end }
    local delivery = testing.delivery(RECORDED, nil, SECRET)
    local health = { method = "GET", path = "/health", headers = {} }
    store:fail()
    assert.equal(503, (receiver:receive(delivery)))
    assert.equal(503, (receiver:receive(health)))
    assert.equal("store_unavailable", logged[1].err.kind)
    assert.matches("store:recover()", logged[1].err.message, 1, true)
    store:recover()
    assert.equal(200, (receiver:receive(health)))
    assert.equal(0, inbox:stats().waiting)
    assert.equal(204, (receiver:receive(delivery)))
    assert.equal(1, inbox:stats().waiting)
  end)

  it("fails in every method of a store", function()
    local store = testing.store()
    store:fail()
    for _, name in ipairs { "put", "claim", "extend", "complete", "remove", "retry", "dead_letter", "list", "redrive",
      "purge", "pause", "resume", "stats", "acquire", "save", "close" } do
      local result, err = store[name](store)
      assert.is_nil(result, name)
      assert.equal("store_unavailable", err.kind, name)
    end
  end)

  it("has each method of the store in memory, also the optional ones", function()
    local store = testing.store()
    for name, value in pairs(getmetatable(apivideo.inbox.memory()).__index) do
      if type(value) == "function" and not name:find "^_" then assert.is_function(store[name], name) end
    end
  end)

  it("is volatile, and says so", function()
    assert.matches("apivideo.testing.store", tostring(testing.store()), 1, true)
  end)

  it("rejects misuse, and says what is wrong", function()
    local store = testing.store()
    assert.matches("store:fail(…)", misuse(function() store.fail() end), 1, true)
    assert.matches("store:recover(…)", misuse(function() store.recover() end), 1, true)
  end)

end)
