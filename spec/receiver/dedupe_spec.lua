-- The option dedupe of a receiver: the handlers of an event run once, without an inbox.

local apivideo = require "apivideo"
local dictionary = require "apivideo.runtime.dictionary"
local misuse = require "spec.support.misuse"
local published = require "spec.support.published"
local runtime = require "apivideo.runtime"
local stderr = require "spec.support.stderr"

local SECRET, ID, RAW = published.SECRET, published.ID, published.RAW
local request = published.request

-- A dictionary that records the expiry times, and calls a function with each key.
local function recording(on_key)
  local store = { inner = dictionary.new(), exptimes = {} }
  for _, name in ipairs { "get", "set", "add", "delete" } do
    store[name] = function(self, key, value, exptime)
      if on_key then on_key(key) end
      if exptime then self.exptimes[#self.exptimes + 1] = exptime end
      return self.inner[name](self.inner, key, value) -- without exptime: nothing expires
    end
  end
  return store
end

describe("receiver with dedupe", function()
  local outcomes, handlers, runs

  before_each(function()
    outcomes, runs, handlers = {}, 0, apivideo.handlers()
    handlers:on("*", function() runs = runs + 1 end)
  end)

  local function new(dedupe, more)
    local options = { secrets = SECRET, dedupe = dedupe }
    for name, value in pairs(more or {}) do options[name] = value end
    return published.receiver(handlers, outcomes, options)
  end

  local function last() return outcomes[#outcomes] end

  it("acknowledges a duplicate without running the handlers again", function()
    local receiver = new {}
    for _ = 1, 3 do assert.equal(204, (receiver:receive(request()))) end
    assert.equal(1, runs)
    assert.equal(1, outcomes[1].handled)
    assert.is_false(outcomes[2].is_new)
    assert.is_nil(outcomes[2].handled)
    assert.equal("vi0000000000000000000000", outcomes[2].event.videoId)
    local text = receiver:metrics()
    assert.truthy(text:find('handled_total{type="video.encoding.quality.completed"} 1', 1, true))
    assert.truthy(text:find('duplicate_total{type="video.encoding.quality.completed"} 2', 1, true))
    assert.truthy(text:find("received_total 3\n", 1, true))
  end)

  it("handles each event, and types that are not in the catalogue", function()
    local receiver = new {}
    for _, body in ipairs { RAW, (RAW:gsub("720p", "360p")), '{"type":"video.renamed","n":1}',
      '{"type":"video.renamed","n":2}' } do
      for _ = 1, 2 do
        assert.equal(204, (receiver:receive(request { body = body,
          headers = { ["x-api-video-webhookid"] = ID, ["x-api-video-signature"] = apivideo.sign(body, SECRET) } })))
      end
    end
    assert.equal(4, runs)
  end)

  it("recognises events with long fields: a key of a shared dictionary has at most 65535 bytes", function()
    local receiver = new { store = recording(function(key) assert(#key < 300) end) }
    for _, last_byte in ipairs { "a", "b" } do
      local body = RAW:gsub('"vi0+"', '"vi' .. ("0"):rep(70000) .. last_byte .. '"')
      local long = request { body = body, headers = { ["x-api-video-webhookid"] = ID,
        ["x-api-video-signature"] = apivideo.sign(body, SECRET) } }
      for _ = 1, 2 do assert.equal(204, (receiver:receive(long))) end
    end
    assert.equal(2, runs)
  end)

  it("shares a store between receivers", function()
    local store = dictionary.new()
    assert.equal(204, (new { store = store }:receive(request())))
    assert.equal(204, (new { store = store }:receive(request())))
    assert.equal(1, runs)
  end)

  -- A delivery of the event that another webhook, which has another secret, signs.
  local function from(webhook_id, secret)
    return request { headers = { ["x-api-video-webhookid"] = webhook_id,
      ["x-api-video-signature"] = apivideo.sign(RAW, secret) } }
  end

  it("handles an event that two webhooks of an account deliver to a receiver once", function()
    for _, secrets in ipairs { { SECRET, "sig_sec_new" }, { [ID] = SECRET, webhook_new = "sig_sec_new" } } do
      runs = 0
      local receiver = new({}, { secrets = secrets })
      assert.equal(204, (receiver:receive(request())))
      assert.equal(204, (receiver:receive(from("webhook_new", "sig_sec_new"))))
      assert.equal(1, runs)
    end
  end)

  it("keeps the events of receivers with different secrets apart in a shared store", function()
    local store = dictionary.new()
    for _, secrets in ipairs { "sig_sec_other", { SECRET, "sig_sec_other" }, { [ID] = SECRET } } do
      new({ store = store }, { secrets = secrets }):receive(from(ID, "sig_sec_other"))
    end
    assert.equal(2, runs) -- the third receiver does not know the secret
    assert.equal(204, (new({ store = store }, { secrets = { "sig_sec_other", SECRET } }):receive(request())))
    assert.equal(2, runs) -- in any order
    assert.equal(204, (new({ store = store }):receive(request())))
    assert.equal(3, runs)
  end)

  it("keeps the events of different accounts apart in a shared store", function()
    local store = dictionary.new()
    local function receive(api_key)
      local client = apivideo.client { api_key = api_key }
      local source = client.webhooks:secret_source()
      client.webhooks.get = function() return { webhookId = ID, signatureSecret = SECRET } end
      assert.equal(204, (new({ store = store }, { secrets = source }):receive(request())))
    end
    for _, api_key in ipairs { "one", "one", "other", "one" } do receive(api_key) end
    assert.equal(2, runs)
  end)

  it("puts no secret into the keys of a store", function()
    local keys = {}
    local store = recording(function(key) keys[#keys + 1] = key end)
    assert.equal(204, (new { store = store }:receive(request())))
    assert.truthy(#keys > 0)
    assert.is_nil(table.concat(keys):find(SECRET, 1, true))
  end)

  it("runs the handlers again after they have failed", function()
    local failing = true
    handlers:on("*", function() return not failing end)
    local receiver = new {}
    for _ = 1, 2 do assert.equal(500, (receiver:receive(request()))) end
    failing = false
    for _ = 1, 2 do assert.equal(204, (receiver:receive(request()))) end
    assert.equal(3, runs)
  end)

  it("records a success before the log runs, which may wait", function()
    local statuses, receiver = {}, nil
    receiver = new({}, { on_outcome = function(outcome)
      if outcome.handled then statuses[#statuses + 1] = receiver:receive(request()) end
    end })
    assert.equal(204, (receiver:receive(request())))
    assert.same({ 204 }, statuses)
    assert.equal(1, runs)
  end)

  it("records a success before the metrics, whose store may raise", function()
    local counts = dictionary.new()
    local receiver = new({}, { metrics = apivideo.metrics { store = counts } })
    counts.incr = function() error "it broke" end
    assert.is_false((pcall(receiver.receive, receiver, request())))
    counts.incr = nil
    assert.equal(204, (receiver:receive(request())))
    assert.equal(1, runs)
  end)

  it("releases a failed event before the log runs", function()
    local states, receiver = {}, nil
    handlers:on("*", function() return runs > 1 end)
    receiver = new({}, { on_outcome = function(outcome)
      if outcome.errors then states[#states + 1] = receiver:receive(request()) end
    end })
    assert.equal(500, (receiver:receive(request())))
    assert.same({ 204 }, states)
  end)

  it("handles an event again when its entry has expired", function()
    local store = recording()
    local receiver = new { store = store, ttl = 60 }
    assert.equal(204, (receiver:receive(request())))
    assert.same({ 2, 60 }, store.exptimes) -- in progress, done
    store.inner = dictionary.new()
    assert.equal(204, (receiver:receive(request())))
    assert.equal(2, runs)
    store.exptimes = {}
    new { store = store }:receive(request { body = "{}", headers = {
      ["x-api-video-webhookid"] = ID, ["x-api-video-signature"] = apivideo.sign("{}", SECRET) } })
    assert.same({}, store.exptimes) -- not an event
  end)

  it("leaves each of api.video's attempts a chance after an attempt that crashed", function()
    local INTERVAL_S = 3 -- between attempts
    local store, now, expires = recording(), 0, nil
    store.add = function(self, key, value, exptime)
      if expires and expires <= now then self.inner:delete(key) end
      local is_added, problem = self.inner:add(key, value)
      if is_added then expires = now + exptime end
      return is_added, problem
    end
    handlers:on("*", function()
      if runs == 2 then coroutine.yield() end
      return runs > 1
    end)
    local receiver = new { store = store }
    assert.equal(500, (receiver:receive(request())))
    now = now + INTERVAL_S
    coroutine.wrap(function() receiver:receive(request()) end)() -- never resumed
    assert.equal(503, (receiver:receive(request())))
    now = now + INTERVAL_S
    assert.equal(204, (receiver:receive(request())))
    assert.equal(3, runs)
  end)

  describe("while an event is handled", function()
    local gate, store, receiver, statuses

    before_each(function()
      gate, store, statuses = runtime.latch(), recording(), {}
      handlers:on("*", function()
        if not statuses.blocked or runs > 1 then gate:wait() end
      end)
      receiver = new { store = store }
    end)

    local function receive(name)
      apivideo.spawn(function() statuses[name] = receiver:receive(request()) end)
      apivideo.sleep(0)
    end

    local function finish()
      gate:open()
      while statuses.first == nil do apivideo.sleep(0) end
    end

    it("responds 503 to another delivery of it, and 204 afterwards", function()
      apivideo.run(function()
        receive "first"
        assert.equal(503, (receiver:receive(request())))
        assert.equal("in_progress", last().err.kind)
        assert.equal("receiver", last().err.origin)
        assert.is_nil(statuses.first)
        finish()
        assert.equal(204, statuses.first)
        assert.equal(204, (receiver:receive(request())))
      end)
      assert.equal(1, runs)
      assert.truthy(receiver:metrics():find('rejected_total{reason="in_progress"} 1', 1, true))
    end)

    it("hands it to the next delivery if its entry expires, as after a crash", function()
      apivideo.run(function()
        receive "crashed"
        store.inner = dictionary.new()
        receive "first"
        assert.equal(2, runs)
        finish()
      end)
      assert.equal(204, statuses.first)
    end)

    for _, is_finished in ipairs { true, false } do
      it("keeps the entry of a delivery that " .. (is_finished and "has succeeded" or "is running")
        .. " when an earlier one fails", function()
        local slow = runtime.latch()
        handlers:on("*", function()
          if runs == 1 then
            slow:wait()
            return false
          end
        end)
        apivideo.run(function()
          statuses.blocked = true
          receive "slow"
          store.inner = dictionary.new() -- its entry expires
          receive "first"
          if is_finished then finish() end
          slow:open()
          while statuses.slow == nil do apivideo.sleep(0) end
          assert.equal(500, statuses.slow)
          assert.equal(is_finished and 204 or 503, (receiver:receive(request())))
          if not is_finished then finish() end
          assert.equal(204, statuses.first)
        end)
        assert.equal(2, runs)
      end)
    end

    it("claims it if the entry disappears between add and get", function()
      local add = store.add
      store.add = function()
        store.add = add
        return false, "exists"
      end
      gate:open()
      for _ = 1, 2 do assert.equal(204, (receiver:receive(request()))) end
      assert.equal(1, runs)
    end)
  end)

  describe("handles the delivery, and logs the reason, if the store", function()
    for name, break_store in pairs {
      ["cannot add: returned no memory"] = function(store) store.add = function() return nil, "no memory" end end,
      ["cannot add: it broke"] = function(store) store.add = function() error("it broke", 0) end end,
      ["cannot get: it broke"] = function(store)
        store.add = function() return false, "exists" end
        store.get = function() error("it broke", 0) end
      end,
      ["cannot get: lost"] = function(store)
        store.add = function() return false, "exists" end
        store.get = function() return nil, "lost" end
      end,
      ["adds nothing, and says no reason: nothing was added"] = function(store)
        store.add = function() return nil end
      end,
      ["returns values that are not its entries: nothing was added"] = function(store)
        store.add = function() return false, "exists" end
        store.get = function() return io.stderr end -- such as ngx.null
      end,
      ["returns false: nothing was added"] = function(store)
        store.add = function() return false, "exists" end
        store.get = function() return false end
      end,
      ["cannot set: it broke"] = function(store) store.set = function() error("it broke", 0) end end,
      ["cannot set: no memory"] = function(store) store.set = function() return false, "no memory" end end,
    } do
      it(name, function()
        local store = recording()
        break_store(store)
        local receiver = new { store = store }
        local written = stderr.of(function() assert.equal(204, (receiver:receive(request()))) end)
        assert.equal(1, runs)
        local reason = name:match ": (.*)":gsub("^returned ", "")
        assert.truthy(written[1]:find('receiver: option "dedupe.store"', 1, true), written[1])
        assert.truthy(written[1]:find(reason, 1, true), written[1])
      end)
    end

    it("cannot delete", function()
      local store = recording()
      store.delete = function() error("it broke", 0) end
      handlers:on("*", function() return false end)
      local receiver = new { store = store }
      local written = stderr.of(function() assert.equal(500, (receiver:receive(request()))) end)
      assert.truthy(written[1]:find("it broke", 1, true), written[1])
    end)
  end)

  it("logs once that its store works again", function()
    local store = recording()
    local add, set = store.add, store.set
    local receiver = new { store = store }
    local function deliver(number)
      local body = RAW:gsub("720p", number .. "p")
      local delivery = request { body = body, headers = { ["x-api-video-webhookid"] = ID,
        ["x-api-video-signature"] = apivideo.sign(body, SECRET) } }
      return table.concat(stderr.of(function() assert.equal(204, (receiver:receive(delivery))) end))
    end
    store.add = function() error("it broke", 0) end
    assert.truthy(deliver(1):find("it broke", 1, true))
    store.add, store.set = add, function() return false, "no memory" end
    assert.is_nil(deliver(2):find("works again", 1, true))
    store.set = set
    assert.truthy(deliver(3):find('warn apivideo: receiver: option "dedupe.store": it works again, after %d+%.%d s\n'))
    assert.equal("", deliver(4))
    assert.equal(4, runs)
  end)

  it("raises for misuse, with a remedy", function()
    local store = require "apivideo.inbox.memory"()
    for expected, options in pairs {
      ['options "dedupe" and "inbox" exclude each other: an inbox'] = { inbox = apivideo.inbox { store = store } },
      ['options "dedupe" and "defer" exclude each other: a deferred'] = { handlers = handlers, defer = true },
      ['option "dedupe": option "ttl" must be a number of seconds of at least 1, got 0.0005'] = {
        handlers = handlers, dedupe = { ttl = 0.0005 } }, -- a shared dictionary rounds it to 0: no expiry
      ['option "dedupe": unknown option "tll"; did you mean "ttl"?'] = { handlers = handlers, dedupe = { tll = 1 } },
      ['option "dedupe.store" must have get, set, add, delete, as nginx'] = { handlers = handlers,
        dedupe = { store = {} } },
      ['option "dedupe" must be a table, got boolean'] = { handlers = handlers, dedupe = true },
    } do
      options.dedupe = options.dedupe == nil and {} or options.dedupe
      options.secrets = SECRET
      local message = misuse(function()
        local receiver = apivideo.receiver(options)
        return receiver
      end)
      assert.truthy(message:find("receiver: " .. expected, 1, true), message)
    end
  end)
end)
