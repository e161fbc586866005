-- The attempts of an entry, as inbox:get shows them.

local apivideo = require "apivideo"
local attempts = require "apivideo.inbox.attempts"
local core = require "apivideo.core"
local inboxes = require "spec.support.inboxes"
local locale = require "spec.support.locale"
local runtime = require "apivideo.runtime"
local working = require "spec.support.working"

local caption = inboxes.caption

describe("the attempts of an entry", function()
  before_each(working.start)
  after_each(working.stop)

  local function entry_of(id) return assert(working.inbox:get(id or 1)) end

  it("have the time, the duration, the process, the error and its traceback", function()
    working.handlers:on("video.*", function(_, delivery)
      if delivery.attempt == 3 then return end
      apivideo.sleep(0.02)
      if delivery.attempt == 2 then return nil, "away" end
      error "a bug"
    end)
    working.deliver(caption "a")
    assert.same({}, entry_of().attempts)
    local before = runtime.now()
    inboxes.printed_by(function()
      working.work()
      working.wait_until("done", 1)
    end)
    local entry = entry_of()
    local first, second, third = entry.attempts[1], entry.attempts[2], entry.attempts[3]
    assert.equal(3, #entry.attempts)
    assert.matches("^spec/inbox/attempts_spec.lua:%d+: a bug; stack: spec/inbox/attempts_spec.lua:%d+ in", first.error)
    assert.matches("spec/inbox/attempts_spec.lua:%d+: in function", first.traceback)
    assert.truthy(first.traceback:find "\n")
    assert.equal("away", second.error)
    assert.is_nil(second.traceback)
    assert.is_nil(third.error)
    for _, attempt in ipairs(entry.attempts) do
      assert.is_true(attempt.at >= before - 0.01 and attempt.at <= runtime.now() + 0.01)
      assert.matches(("^[^/]+/%d$"):format(core.process_id()), attempt.worker)
    end
    assert.is_true(first.seconds >= 0.02 and first.seconds < 5)
    assert.is_true(second.at >= first.at + 0.02)
  end)

  it("of several failed handlers has all tracebacks, of a limited length, without secrets", function()
    local secret = "sig_sec_0123456789abcdefghij"
    local function deep(level)
      if level == 0 then error(secret) end
      return (deep(level - 1))
    end
    -- Its traceback has the text that it was loaded from.
    working.handlers:on("video.*", (loadstring or load)("local key = '" .. secret .. "' error(key)"))
    for _ = 1, 5 do working.handlers:on("video.*", function() deep(150) end) end
    working.deliver(caption "a")
    inboxes.printed_by(function()
      working.work { max_attempts = 1 }
      working.wait_until("dead", 1)
    end)
    local attempt = entry_of().attempts[1]
    assert.is_true(#attempt.error <= 1000)
    assert.is_true(#attempt.traceback <= 4096)
    assert.truthy(attempt.traceback:find "\n\n")
    assert.is_nil((attempt.error .. attempt.traceback):find("0123456789abcdef", 1, true))
  end)

  it("are the last ten, also after a redrive", function()
    local count = 0
    working.handlers:on("video.*", function()
      count = count + 1
      return nil, "failure " .. count
    end)
    working.deliver(caption "a")
    inboxes.printed_by(function()
      working.work { max_attempts = 7 }
      working.wait_until("dead", 1)
      assert.equal(1, working.inbox:redrive())
      working.wait_until("dead", 1)
      assert.equal(14, count)
    end)
    local list = entry_of().attempts
    assert.equal(10, #list)
    assert.equal("failure 5", list[1].error)
    assert.equal("failure 14", list[10].error)
    assert.equal(7, entry_of().attempt)
  end)

  it("of claims without a worker are recorded, too", function()
    for name in ("abc"):gmatch "." do working.deliver(caption(name)) end
    local claims = assert(working.inbox:claim { limit = 3 })
    assert(claims[1]:complete())
    assert(claims[2]:retry(60, "later"))
    assert(claims[3]:dead_letter "never")
    for id, message in ipairs { false, "later", "never" } do
      local list = entry_of(id).attempts
      assert.equal(1, #list)
      assert.equal(message or nil, list[1].error)
    end
  end)

  it("can have bytes that are not UTF-8", function()
    local list = attempts.read(attempts.add(nil, { at = 1, seconds = 0, error = "\255x" }))
    assert.equal("\239\191\189x", list[1].error)
  end)

  it("do not depend on the locale", function()
    assert(locale.within("tr_TR.UTF-8", function()
      local text = attempts.add(nil, { at = 1700000000.25, seconds = 1.5 })
      local list = attempts.read(attempts.add(text, { at = 1700000000.75, seconds = 0.125, error = "x" }))
      assert.equal(1700000000.25, list[1].at)
      assert.equal(1.5, list[1].seconds)
      assert.equal(1700000000.75, list[2].at)
      assert.equal(0.125, list[2].seconds)
    end))
  end)
end)
