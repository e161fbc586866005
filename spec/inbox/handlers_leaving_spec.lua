-- Handlers that return, raise, yield or never end: each claim is settled, and the worker continues.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local memory = require "apivideo.inbox.memory"
local process = require "spec.support.process"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local STACK = "; stack: spec/inbox/handlers_leaving_spec%.lua:%d+ in "
local MINE = "^spec/inbox/handlers_leaving_spec%.lua:%d+: "

local function unprintable(result)
  return setmetatable({}, { __tostring = result or function() error "no text" end })
end

local function overflow(n)
  return 1 + overflow(n + 1)
end

-- Lua raises "not enough memory" without calling a message handler. (Lua 5.1 parses the size differently.)
local function exhaust_memory()
  assert(io.open "/dev/null"):read(1e15)
  local text = ("x"):rep(1e15)
  error(#text == 0 and "not enough memory", 0)
end

-- name -> the handler, and the error of the dead letter.
local failing = {
  { "returns false", function() return false end, "^a handler returned false$" },
  { "returns nil and an error", function() return nil, "no row" end, "^no row$" },
  { "returns false and an error", function() return false, "no commit" end, "^no commit$" },
  { "raises a string", function() error "boom" end, MINE .. "boom" .. STACK },
  { "raises a table", function() error { code = 5, reason = "busy" } end, '^{ code = 5, reason = "busy" }' .. STACK },
  { "raises nil", function() error(nil) end, "^a handler raised nil" .. STACK },
  { "raises an error of the library", function() error(select(2, apivideo.parse "{")) end, "bad_json.*" .. STACK },
  { "raises an object whose __tostring raises", function() error(unprintable()) end,
    "__tostring failed %(spec/inbox/handlers_leaving_spec%.lua:%d+: no text%)" .. STACK },
  { "returns an object whose __tostring does not return a string",
    function() return nil, unprintable(function() return {} end) end, "__tostring failed" },
  { "raises a runtime error", function() return #nil end, MINE .. "attempt to get length of a nil value" .. STACK },
  { "overflows the stack", function() return overflow(0) end, "stack overflow" },
  { "has no memory left", exhaust_memory, "not enough memory" },
  { "makes a cancelled call", function()
    local cancel = apivideo.cancellation()
    cancel:cancel()
    local client = apivideo.client { api_key = "k", base_url = "http://127.0.0.1:9" }
    return client.webhooks:list({}, { cancel = cancel })
  end, "cancelled" },
  { "yields, and nothing resumes it", function() coroutine.yield() end, "yielded to a scheduler other than" },
  { "yields inside of a pcall", function() pcall(coroutine.yield) end,
    _VERSION == "Lua 5.1" and not rawget(_G, "jit") and "^$" or "yielded to a scheduler other than" },
  { "waits for ever", function() runtime.latch():wait() end, "the handlers did not return within 1%.5 s" },
}

describe("a handler that", function()
  local inbox, receiver, handlers, cancel, settlements

  before_each(function()
    inbox = apivideo.inbox { store = memory() }
    receiver = apivideo.receiver { inbox = inbox, secrets = inboxes.SECRET }
    handlers, cancel, settlements = apivideo.handlers(), apivideo.cancellation(), {}
  end)

  local function deliver(id) inboxes.deliver(receiver, inboxes.caption(id)) end

  local function work(more)
    local options = { cancel = cancel, backoff = 0.01, max_attempts = 1, lease = 30, handler_timeout = 1.5,
      on_settled = function(settlement) settlements[#settlements + 1] = settlement end }
    for name, value in pairs(more or {}) do options[name] = value or nil end
    local ended = runtime.latch()
    apivideo.spawn(function() ended:open(inbox:work(handlers, options)) end)
    return ended
  end

  local function wait_until(state, count)
    wait_for(function() return inbox:stats()[state] == count end, count .. " " .. state)
  end

  for _, case in ipairs(failing) do
    local name, fn, expected = case[1], case[2], case[3]
    local is_left_out = expected == "^$" -- the handler raises in Lua 5.1
    it((is_left_out and "(not in Lua 5.1) " or "") .. name .. " has failed", function()
      if is_left_out then return end
      handlers:on("video.*", function(event)
        if event.captionId == "a" then return fn() end
      end)
      deliver "a"
      local ended
      inboxes.printed_by(function()
        ended = work()
        wait_until("dead", 1)
        deliver "b"
        wait_until("done", 1) -- the worker continues
      end)
      local stored = inbox:list({ state = "dead" })[1].error
      assert.truthy(stored:find(expected), stored)
      assert.is_true(#stored <= 1000)
      assert.equal("dead_lettered", settlements[1].disposition)
      assert.equal(1, #settlements[1].errors)
      cancel:cancel()
      assert.is_true(ended:wait(10))
      assert.equal(0, inbox:stats().claimed)
    end)
  end

  for name, fn in pairs {
    ["returns nothing"] = function() end, ["returns nil"] = function() return nil end,
    ["returns true"] = function() return true end, ["returns a value and another"] = function() return 0, "x" end,
    ["raises and catches it"] = function() pcall(error, "caught") end,
  } do
    it(name .. " has succeeded", function()
      handlers:on("video.*", fn)
      deliver "a"
      work()
      wait_until("done", 1)
      assert.equal("completed", settlements[1].disposition)
      assert.is_nil(settlements[1].errors)
    end)
  end

  it("fails in on_error, too, has two errors", function()
    handlers:on("video.*", function() return nil, "first" end)
    handlers:on_error(function() error("second", 0) end)
    deliver "a"
    work()
    wait_until("dead", 1)
    assert.truthy(inbox:list({ state = "dead" })[1].error:find("^first; second" .. STACK))
  end)

  it("is retried after its time limit, and its late result is ignored and logged", function()
    local gate, runs, now, most = runtime.latch(), 0, 0, 0
    handlers:on("video.*", function()
      runs = runs + 1
      if runs == 1 then
        gate:wait()
        return nil, "too late"
      end
      now = now + 1
      most = math.max(most, now)
      apivideo.sleep(0.05)
      now = now - 1
    end)
    deliver "a"
    local printed = inboxes.printed_by(function()
      work { max_attempts = 3 }
      wait_until("done", 1)
      gate:open()
      runtime.sleep(0)
      for i = 1, 4 do deliver(tostring(i)) end
      wait_until("done", 5)
    end)
    assert.equal(6, runs)
    assert.equal(1, most) -- the late task has ended, and another has replaced it
    assert.equal("retried", settlements[1].disposition)
    assert.equal("completed", settlements[2].disposition)
    assert.equal(2, settlements[2].delivery.attempt)
    assert.equal(6, #settlements)
    assert.truthy(printed:find("video.caption.generated (attempt 1) returned after", 1, true), printed)
    assert.truthy(printed:find("the result is ignored: too late", 1, true), printed)
  end)

  it("yields to a scheduler that resumes it later is retried, and its late result is ignored", function()
    local runs, co = 0, nil
    handlers:on("video.*", function()
      runs = runs + 1
      if runs > 1 then return end
      co = coroutine.running()
      coroutine.yield()
    end)
    deliver "a"
    local ended
    local printed = inboxes.printed_by(function()
      ended = work { max_attempts = 3 }
      wait_until("done", 1)
      assert(coroutine.resume(co))
    end)
    assert.is_nil(printed:find("a task failed", 1, true), printed) -- the settlement logs it
    assert.equal(2, #settlements)
    if protected.call == pcall then -- in Lua 5.1 the handler has a separate coroutine
      assert.truthy(settlements[1].tracebacks[1]:find "handlers_leaving_spec.lua:%d+")
    end
    assert.equal("retried", settlements[1].disposition)
    cancel:cancel()
    assert.is_true(ended:wait(10))
  end)

  it("never returns does not prevent the work from ending, at any concurrency", function()
    handlers:on("video.*", function() runtime.latch():wait() end)
    for i = 1, 3 do deliver(tostring(i)) end
    local ended = work { concurrency = 3, max_attempts = 10 }
    wait_until("claimed", 3)
    cancel:cancel()
    assert.is_true(ended:wait(10))
    assert.equal(3, #settlements)
    assert.equal(3, inbox:stats().waiting)
  end)

  it("never returns counts as failed after ten leases by default", function()
    handlers:on("video.*", function() runtime.latch():wait() end)
    deliver "a"
    local started = runtime.monotonic()
    work { lease = 0.1, handler_timeout = false }
    wait_for(function() return settlements[1] end, "the settlement")
    assert.is_true(runtime.monotonic() - started >= 1)
    assert.truthy(tostring(settlements[1].errors[1]):find "within 1 s")
  end)

  it("ends its process loses its event to another process after the lease has expired #process", function()
    local path = os.tmpname()
    local script = ([[
      local apivideo = require "apivideo"
      local inbox = apivideo.inbox { store = require "apivideo.inbox.sqlite" { path = %q } }
      if arg[1] then
        local event = apivideo.events:sample "video.source.recorded"
        assert(inbox:put { event = event, raw = require("cjson").encode(event) })
      end
      local cancel = apivideo.cancellation()
      inbox:work(apivideo.handlers():on("*", function(_, delivery)
        if delivery.attempt == 1 then os.exit(3) end
        print("attempt " .. delivery.attempt)
        cancel:cancel()
      end), { lease = 1, cancel = cancel })
    ]]):format(path .. ".db")
    require("spec.support.file").write(path, script)
    finally(function()
      for _, ending in ipairs { "", ".db", ".db-wal", ".db-shm" } do os.remove(path .. ending) end
    end)
    local _, status = process.run { path, "put" }
    assert.equal(3, status)
    local printed = process.run { path }
    assert.truthy(printed:find("attempt 2", 1, true), printed)
  end)
end)

describe("a store that raises", function()
  for _, method in ipairs { "complete", "retry", "dead_letter" } do
    it("in " .. method .. " loses the claim: the lease expires and the event is handled again", function()
      local store = memory()
      local inbox = apivideo.inbox { store = store }
      local receiver = apivideo.receiver { inbox = inbox, secrets = inboxes.SECRET }
      local original, settlements, cancel = store[method], {}, apivideo.cancellation()
      finally(function() cancel:cancel() end)
      store[method] = function(...)
        if #settlements > 0 then return original(...) end
        error("a bug in " .. method)
      end
      local handlers = apivideo.handlers():on("video.*", function() return method == "complete", "an error" end)
      inboxes.deliver(receiver, inboxes.caption "a")
      local ended = runtime.latch()
      apivideo.spawn(function()
        ended:open(inbox:work(handlers, { cancel = cancel, lease = 0.2, backoff = 0.01,
          max_attempts = method == "dead_letter" and 1 or 2,
          on_settled = function(s) settlements[#settlements + 1] = s end }))
      end)
      wait_for(function() return settlements[2] end, "another attempt")
      assert.equal("lost", settlements[1].disposition)
      assert.truthy(tostring(settlements[1].err):find("a bug in " .. method, 1, true))
      cancel:cancel()
      assert.is_true(ended:wait(10))
      assert.equal(0, inbox:stats().claimed)
    end)
  end
end)
