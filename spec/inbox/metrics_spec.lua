-- The metrics of an inbox, of its worker and of its store.

local apivideo = require "apivideo"
local dictionary = require "apivideo.runtime.dictionary"
local errors = require "apivideo.error"
local inboxes = require "spec.support.inboxes"
local memory = require "apivideo.inbox.memory"
local samples_of = require "spec.support.samples_of"
local server = require "apivideo.server"
local http = require "apivideo.transport.http"
local testing = require "apivideo.testing"

local CAPTION = "video.caption.generated"

describe("the metrics of an inbox", function()
  local store, handlers

  before_each(function() store, handlers = inboxes.failing(memory()), apivideo.handlers() end)

  local function put(inbox, id)
    local raw = inboxes.caption(id)
    return inbox:put { event = apivideo.parse(raw), raw = raw }
  end

  local function value(inbox, name) return samples_of(inbox:metrics())["apivideo_inbox_" .. name] end

  local function attempts(inbox, outcome, type)
    return value(inbox, ('attempts_total{type="%s",outcome="%s"}'):format(type or CAPTION, outcome))
  end

  it("count attempts by type and outcome, in memory and in a dictionary", function()
    for _, options in ipairs { {}, { store = dictionary.new() } } do
      local inbox = apivideo.inbox { store = memory(), metrics = apivideo.metrics(options) }
      handlers = apivideo.handlers()
      handlers:on(CAPTION, function(event)
        event.type = "changed"
        if event.captionId == "bad" then error "no" end
        if event.captionId == "never" then return apivideo.permanent "no" end
      end)
      for _, id in ipairs { "a", "b", "bad", "never" } do put(inbox, id) end
      inboxes.printed_by(function() assert.equal(4, testing.drain(inbox, handlers)) end)
      assert.equal(2, attempts(inbox, "completed"))
      assert.equal(1, attempts(inbox, "retried"))
      assert.equal(1, attempts(inbox, "dead_lettered"))
      assert.equal(0, attempts(inbox, "lost"))
      assert.equal(0, attempts(inbox, "completed", "video.source.recorded"))
      assert.equal(4, value(inbox, "handler_seconds_count"))
      assert.equal(4, value(inbox, "wait_seconds_count"))
      assert.equal(1, value(inbox, 'events{state="dead"}'))
      assert.equal(1, value(inbox, 'events{state="waiting"}'))
      assert.is_nil(inbox:metrics():find("changed", 1, true))
    end
  end)

  it("count what is put, duplicates, and the calls of the store with their errors", function()
    local inbox = apivideo.inbox { store = store }
    put(inbox, "a") put(inbox, "a") put(inbox, "b")
    store.down = true
    assert.is_nil(put(inbox, "c"))
    local samples = samples_of(inbox:metrics())
    for name, expected in pairs { ['puts_total{result="stored"}'] = 2, ['puts_total{result="duplicate"}'] = 1,
      ['puts_total{result="failed"}'] = 1, ['store_seconds_count{operation="put"}'] = 4, store_up = 0,
      ['store_errors_total{operation="put"}'] = 1, ['store_errors_total{operation="claim"}'] = 0 } do
      assert.equal(expected, samples["apivideo_inbox_" .. name], name)
    end
    store.down = false
    assert.equal(1, value(inbox, "store_up"))
    assert.equal(1, value(inbox, 'store_errors_total{operation="stats"}'))
  end)

  it("count attempts that were lost, renewals, and those that are under way", function()
    local inbox = apivideo.inbox { store = memory() }
    local cancel, started, go_on = apivideo.cancellation(), 0, false
    handlers:on(CAPTION, function()
      started = started + 1
      repeat apivideo.sleep(0.01) until go_on
    end)
    put(inbox, "a") put(inbox, "b")
    local printed = inboxes.printed_by(function()
      apivideo.run(function()
        apivideo.spawn(inbox.work, inbox, handlers, { lease = 10, concurrency = 2, cancel = cancel })
        repeat apivideo.sleep(0.01) until started >= 2 and value(inbox, 'lease_renewals_total{result="renewed"}') >= 2
        assert.equal(2, value(inbox, 'in_flight{worker="0"}'))
        assert.is_true(value(inbox, "last_claim_seconds") < 60)
        inbox._store:close() -- what follows is lost
        cancel:cancel()
        go_on = true
        repeat apivideo.sleep(0.01) until attempts(inbox, "lost") == 2
        assert.equal(0, value(inbox, 'in_flight{worker="0"}'))
        assert.is_true(value(inbox, "handler_seconds_sum") > 0.2)
      end)
    end)
    assert.truthy(printed:find("will be handled again", 1, true))
  end)

  it("count an attempt once, as the store has it, although on_settled takes too long", function()
    local inbox, cancel, go_on, returned = apivideo.inbox { store = memory() }, apivideo.cancellation(), false, false
    handlers:on(CAPTION, function() end)
    put(inbox, "a")
    inboxes.printed_by(function()
      apivideo.run(function()
        apivideo.spawn(inbox.work, inbox, handlers, { lease = 0.05, handler_timeout = 0.2, cancel = cancel,
          on_settled = function()
            repeat apivideo.sleep(0.01) until go_on
            returned = true
          end })
        repeat apivideo.sleep(0.01) until value(inbox, "handler_seconds_count") == 1
        go_on = true
        repeat apivideo.sleep(0.01) until returned
        apivideo.sleep(0.05)
        cancel:cancel()
      end)
    end)
    assert.same({ 1, 0 }, { attempts(inbox, "completed"), attempts(inbox, "lost") })
    assert.equal(1, value(inbox, "handler_seconds_count"))
    assert.equal(1, inbox:stats().done)
    assert.is_true(value(inbox, "handler_seconds_sum") < 0.2) -- without the time of on_settled
  end)

  it("have the waiting time of first attempts only", function()
    local inbox = apivideo.inbox { store = memory() }
    handlers:on(CAPTION, function(_, delivery)
      if delivery.attempt == 1 then return nil, "no" end
    end)
    put(inbox, "a")
    inboxes.printed_by(function()
      repeat
        testing.drain(inbox, handlers, { backoff = 0.01 })
        apivideo.sleep(0.01)
      until inbox:stats().done == 1
    end)
    assert.equal(2, value(inbox, "handler_seconds_count"))
    assert.equal(1, value(inbox, "wait_seconds_count"))
  end)

  it("tell renewals of lost leases from failures of the store", function()
    local inbox, cancel, go_on = apivideo.inbox { store = store }, apivideo.cancellation(), false
    handlers:on(CAPTION, function() repeat apivideo.sleep(0.01) until go_on end)
    put(inbox, "a")
    local function renewals(result) return value(inbox, ('lease_renewals_total{result="%s"}'):format(result)) end
    inboxes.printed_by(function()
      apivideo.run(function()
        store.extend = function() return false end
        apivideo.spawn(inbox.work, inbox, handlers, { lease = 0.1, cancel = cancel })
        repeat apivideo.sleep(0.01) until renewals "lost" >= 1
        assert.equal(0, renewals "failed")
        store.extend = function() return nil, errors.new("store_unavailable", "no space") end
        repeat apivideo.sleep(0.01) until renewals "failed" >= 1
        cancel:cancel()
        go_on = true
      end)
    end)
  end)

  it("have no lost lease of an attempt that is settled while its lease is renewed", function()
    local inbox, cancel, go_on, renewals = apivideo.inbox { store = store }, apivideo.cancellation(), false, 0
    handlers:on(CAPTION, function() repeat apivideo.sleep(0.01) until go_on end)
    put(inbox, "a")
    apivideo.run(function()
      store.extend = function()
        go_on = true
        repeat apivideo.sleep(0.01) until inbox:stats().done == 1
        renewals = renewals + 1
        return false
      end
      apivideo.spawn(inbox.work, inbox, handlers, { lease = 0.1, cancel = cancel })
      repeat apivideo.sleep(0.01) until renewals == 1
      cancel:cancel()
    end)
    assert.equal(0, value(inbox, 'lease_renewals_total{result="lost"}'))
    assert.equal(1, value(inbox, ('attempts_total{type="%s",outcome="completed"}'):format(CAPTION)))
  end)

  it("have the types that are paused, until they are resumed", function()
    local inbox = apivideo.inbox { store = memory() }
    assert(inbox:pause { type = CAPTION })
    assert(inbox:pause { type = "video.source.*" })
    assert.equal(1, value(inbox, ('type_paused{type="%s"}'):format(CAPTION)))
    assert(inbox:resume { type = CAPTION })
    assert.is_nil(value(inbox, ('type_paused{type="%s"}'):format(CAPTION)))
    assert.equal(1, value(inbox, 'type_paused{type="video.source.*"}'))
  end)

  it("have the events of a spool", function()
    local inbox = apivideo.inbox { store = store, spool = memory() }
    inboxes.printed_by(function()
      store.down = true
      assert.is_true(put(inbox, "a"))
      assert.equal(1, value(inbox, 'events{state="spooled"}'))
      assert.equal(0, value(inbox, "store_up"))
      inbox:close()
    end)
  end)

  it("share one text with the receiver, a client and a reconciliation", function()
    local metrics = apivideo.metrics()
    local inbox = apivideo.inbox { store = memory(), metrics = metrics }
    local receiver = apivideo.receiver { inbox = inbox, secrets = inboxes.SECRET }
    local client = apivideo.client { api_key = "key", base_url = "http://127.0.0.1:9", retries = 0, metrics = metrics }
    local reconciliation = apivideo.reconcile { client = client, inbox = inbox }
    assert.equal(204, inboxes.deliver(receiver, inboxes.caption "a"))
    assert.is_nil(reconciliation:once())
    local samples = samples_of(receiver:metrics())
    for name, expected in pairs { inbox_store_up = 1, ['reconcile_passes_total{result="failed"}'] = 1,
      ['api_requests_total{status="network"}'] = 1, deliveries_received_total = 1, api_request_seconds_count = 1,
      ['reconcile_passes_total{result="completed"}'] = 0, reconcile_pass_seconds_count = 1 } do
      assert.equal(expected, samples["apivideo_" .. name], name)
    end
    assert.same(samples_of(inbox:metrics()).apivideo_deliveries_received_total, 1)
  end)

  it("are served with one call", function()
    local inbox = apivideo.inbox { store = memory() }
    local listening = assert(server.listen { handler = function(request) return inbox:monitor(request) end })
    finally(function() listening:stop() end)
    local function ask(method, path) return assert(http.request { method = method, url = listening.url .. path }) end
    local response = ask("GET", "/metrics")
    assert.equal(200, response.status)
    assert.equal("text/plain; version=0.0.4; charset=utf-8", response.headers["content-type"])
    assert.equal(1, samples_of(response.body).apivideo_inbox_store_up)
    assert.equal(404, ask("GET", "/").status)
    assert.equal(405, ask("POST", "/metrics").status)
    assert.equal(200, ask("HEAD", "/internal/health").status)
    inbox:pause()
    response = ask("GET", "/health")
    assert.equal(503, response.status)
    assert.equal('{"ok":false,"reasons":{"paused":"the inbox is paused; inbox:resume() continues"}}',
      (response.body:gsub('{"reasons":(.*),"ok":false}', '{"ok":false,"reasons":%1}'):gsub("\n$", "")))
  end)
end)
