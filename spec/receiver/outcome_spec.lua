local apivideo = require "apivideo"
local published = require "spec.support.published"
local stderr = require "spec.support.stderr"
local tables = require "apivideo.util.tables"
local testing = require "apivideo.testing"
local wait_for = require "spec.support.wait"

describe("the outcome of a request", function()
  local outcomes, handlers

  before_each(function()
    stderr.catch()
    outcomes, handlers = {}, apivideo.handlers():otherwise(function() end)
  end)

  after_each(function() stderr.release() end)

  -- Sends the published delivery, with other fields, to a receiver with other options.
  local function receive(options, more)
    local request = published.request(more)
    local receiver = published.receiver(not options.inbox and handlers or nil, outcomes,
      tables.merge({ secrets = published.SECRET }, options))
    receiver:receive(request)
    return outcomes[#outcomes], request, receiver
  end

  it("has the headers and the bytes, whatever became of it", function()
    local failing = apivideo.handlers():otherwise(function() error "broken" end)
    local store = testing.store()
    store:fail()
    local broken = { inbox = apivideo.inbox { store = store } }
    local inbox = { inbox = apivideo.inbox { store = apivideo.inbox.memory() } }
    for _, case in ipairs {
      { {}, 204 }, { { handlers = failing }, 500 }, { { dedupe = {} }, 204 }, { inbox, 204 }, { inbox, 204 },
      { broken, 503 }, { {}, 401, { body = "forged" } },
      { { freshness = { max_age = 10, action = "reject" } }, 401 } } do
      local outcome, request = receive(case[1], case[3])
      assert.equal(case[2], outcome.status)
      assert.equal(request.headers, outcome.headers)
      assert.equal(request.body, outcome.raw)
    end
  end)

  it("has them after the response, too", function()
    local _, request = receive { defer = true }
    wait_for(function() return outcomes[1] end)
    assert.equal(request.headers, outcomes[1].headers)
    assert.equal(request.body, outcomes[1].raw)
  end)

  it("has the bytes of a signed body that cannot be parsed", function()
    local headers = { ["X-Api-Video-Signature"] = apivideo.sign("no JSON", published.SECRET) }
    assert.equal("no JSON", (receive({}, { body = "no JSON", headers = headers })).raw)
  end)

  it("has no bytes of a body that is too large", function()
    assert.is_nil((receive { max_body = 5 }).raw)
    assert.is_nil((receive({}, { body = "", size = 1e9 })).raw)
  end)

  it("goes to observers before on_outcome, and to both if one fails", function()
    local _, request, receiver = receive {}
    local seen = {}
    receiver:_observe(function(outcome) seen[#seen + 1] = outcome.status .. " " .. #outcomes end)
    receiver:_observe(function() error "broken" end)
    receiver:receive(request)
    assert.same({ "204 1" }, seen)
    assert.equal(2, #outcomes)
  end)
end)
