-- The method activity of an inbox. The conformance suite checks the numbers of the stores.

local apivideo = require "apivideo"
local core = require "apivideo.core"
local inboxes = require "spec.support.inboxes"
local misuse = require "spec.support.misuse"
local runtime = require "apivideo.runtime"
local testing = require "apivideo.testing"

describe("the activity of an inbox", function()
  local inbox, store, skipped, monotonic

  before_each(function()
    store = testing.store()
    inbox = apivideo.inbox { store = store, retention = 0 }
    monotonic, skipped = core.monotonic, 0
    core.monotonic = function() return monotonic() + skipped end
    skipped = 62 - select(2, store:activity()) -- a minute has just begun
  end)

  after_each(function() core.monotonic = monotonic end)

  local function put(id, fields)
    local raw = inboxes.caption(id)
    local delivery = { event = assert(apivideo.parse(raw)), raw = raw }
    for name, value in pairs(fields or {}) do delivery[name] = value end
    assert.is_true(inbox:put(delivery))
  end

  it("has a step for each minute of the last hour, the current one last", function()
    put "a"
    local steps = assert(inbox:activity())
    assert.equal(60, #steps)
    assert.same({ 1, 0, 0 }, { steps[60].received, steps[60].handled, steps[60].failed })
    assert.is_nil(steps[60].latency)
    for i = 2, 60 do assert(math.abs(steps[i].at - steps[i - 1].at - 60) < 0.001) end
    local age = runtime.now() - steps[60].at
    assert(age >= 2 and age < 30, age)
  end)

  it("has the mean latency, without that of replays", function()
    inbox = apivideo.inbox { store = store, retain_bodies = true }
    put "a"
    skipped = skipped + 30
    put "b"
    skipped = skipped + 10
    for _, claim in ipairs(inbox:claim { limit = 2 }) do assert(claim:complete()) end
    local function current() return inbox:activity()[60] end
    assert(math.abs(current().latency - 25) < 1, current().latency)
    skipped = skipped + 2
    assert.equal(1, inbox:replay { id = 1 })
    assert(inbox:claim()[1]:complete())
    assert.equal(3, current().handled)
    assert(math.abs(current().latency - 25) < 1, current().latency)
  end)

  it("sums the minutes of a step", function()
    for i = 1, 9 do
      for n = 1, i do put(("%d %d"):format(i, n)) end
      if i < 9 then skipped = skipped + 60 end
    end
    local claims = inbox:claim { limit = 3 }
    assert(claims[1]:complete())
    assert(claims[2]:retry(1, "x"))
    assert(claims[3]:dead_letter "x")
    local steps = assert(inbox:activity { seconds = 900, step = 300 })
    assert.equal(3, #steps)
    assert.same({ 0, 10, 35 }, { steps[1].received, steps[2].received, steps[3].received })
    assert.same({ 1, 2 }, { steps[3].handled, steps[3].failed })
    assert(math.abs(steps[3].latency - 480) < 30, steps[3].latency)
    assert(math.abs(steps[3].at - steps[1].at - 600) < 0.001)
    assert.equal(45, inbox:activity({ step = 3600 })[1].received)
    assert.same({ 9 }, { inbox:activity({ seconds = 60 })[1].received })
  end)

  it("counts events that no retention keeps", function()
    for i = 1, 3 do put(tostring(i)) end
    local cancel, handled = apivideo.cancellation(), 0
    inbox:work(apivideo.handlers():otherwise(function()
      handled = handled + 1
      if handled == 3 then cancel:cancel() end
    end), { cancel = cancel })
    assert(inbox:purge { state = "done" })
    assert.equal(0, inbox:stats().done)
    assert.same({ 3, 3 }, { inbox:activity()[60].received, inbox:activity()[60].handled })
  end)

  it("rejects other options", function()
    for message, options in pairs {
      ["step must be a multiple of 60, got 90"] = { step = 90 },
      ["seconds must be a multiple of step (120), and at most 3600, got 180"] = { step = 120, seconds = 180 },
      ["and at most 3600, got 7200"] = { seconds = 7200 },
      ["option \"step\" must be"] = { step = 30 },
      ["unknown option \"minutes\""] = { minutes = 5 },
    } do
      local text = misuse(function() inbox:activity(options) end)
      assert(text:find(message, 1, true), text)
    end
  end)

  it("returns the error of the store", function()
    store:fail()
    local steps, err = inbox:activity()
    assert.is_nil(steps)
    assert.equal("store_unavailable", err.kind)
  end)
end)
