-- The store in Redis, on real servers.

local conformance = require "spec.support.inbox_conformance"
local core = require "apivideo.core"
local docs = require "spec.support.docs"
local hiredis = require "apivideo.inbox.redis.hiredis"
local misuse = require "spec.support.misuse"
local redis = require "apivideo.inbox.redis"
local redis_stores = require "spec.support.redis_stores"
local runtime = require "apivideo.runtime"
local scripts = require "apivideo.inbox.redis.scripts"
local stderr = require "spec.support.stderr"

local WINDOW, open, item, items = redis_stores.WINDOW, redis_stores.open, redis_stores.item, redis_stores.items
local put, claim, claim_soon = redis_stores.put, redis_stores.claim, redis_stores.claim_soon
local unavailable = redis_stores.unavailable

local server

redis_stores.describe("inbox store redis", function()
  setup(function() server = redis_stores.server() end)

  -- Sets the store's clock, as if the server's clock had been ahead until now.
  local function advance(seconds)
    server:command("HSET", "{apivideo}:meta", "clock", ("%.0f"):format((runtime.now() + seconds) * 1000))
  end

  conformance("redis", {
    open = function() return redis { port = server.port } end,
    again = function() return redis { port = server.port } end,
    unwritable = function(fn)
      server:command("REPLICAOF", "127.0.0.1", 1)
      local ok, problem = pcall(fn)
      server:command("REPLICAOF", "NO", "ONE")
      assert(ok, problem)
    end,
    advance = advance,
    inherited = "works",
  })

  -- With the user of docs/guides/inbox.md, as documented.
  describe("with a user that has only the documented permissions,", function()
    local function user()
      server:command("ACL", "SETUSER", "inbox", "reset")
      local words = {}
      for word in docs.read("docs/guides/inbox.md"):match "\nACL (SETUSER inbox [^\n]+)\n":gmatch "%S+" do
        words[#words + 1] = word
      end
      assert.equal("OK", server:command("ACL", (table.unpack or unpack)(words)))
      return redis { port = server.port, username = "inbox", password = "PASSWORD" }
    end

    conformance("redis, restricted", { open = user, again = user, advance = advance })

    it("logs no warning, and needs each command of the list", function()
      local line = docs.read("docs/guides/inbox.md"):match "\nACL (SETUSER inbox [^\n]+)\n"
      assert.same({}, stderr.of(function() put(user(), "a") end))
      assert.is_nil(line:find("@", 1, true))
      local used = {}
      for name in pairs(scripts) do
        for command in tostring(type(scripts[name]) == "string" and scripts[name] or ""):gmatch 'p?call%("(%u+)"' do
          used[command:lower()] = true
        end
        for command in (type(scripts[name]) == "string" and scripts[name] or ""):gmatch '{ "(%u+)"' do
          used[command:lower()] = true
        end
      end
      for _, command in ipairs { "eval", "evalsha", "script", "select" } do used[command] = true end
      local listed = {}
      for command in line:gmatch "%+(%w+)" do listed[command] = true end
      assert.same(used, listed)
      server:command("ACL", "DELUSER", "inbox")
    end)
  end)

  it("has the origin webhook for an event that was stored without one", function()
    local store = open()
    assert.same({ 1 }, store.runner:call("put",
      { "0", "a", "", "", "", "0", "", "raw", "1 1700000000000000 webhook_1", "", "", "", "" }))
    local entry = claim(store)
    assert.equal("webhook", entry.origin)
    assert.equal("webhook_1", entry.webhook_id)
    assert.equal(1700000000, entry.received_at)
  end)

  describe("many entries", function()
    it("are all waiting again after their leases have expired", function()
      local store = open()
      local results = assert(store:put(items(2500), WINDOW))
      assert.equal(2500, #results)
      local first = {}
      for _ = 1, 3 do -- one call returns at most a thousand
        for _, entry in ipairs(assert(store:claim(1000, 0.3))) do first[entry.id] = entry end
      end
      local again, last = {}, nil
      for _ = 1, 2500 do
        local entry = claim_soon(store)
        assert.is_nil(again[entry.id])
        assert.is_true(entry.attempt >= 2)
        again[entry.id], last = entry, entry
      end
      assert.is_false(store:complete(last.id, first[last.id].token))
      assert.is_true(store:complete(last.id, last.token))
      assert.equal(2499, assert(store:stats()).claimed)
    end)

    it("do not delay the recovery of a later expired claim", function()
      local store = open()
      assert(store:put(items(2101), WINDOW))
      for limit in ("1000 1000 100"):gmatch "%d+" do assert(store:claim(tonumber(limit), 600)) end
      local entry = claim(store, 0.01)
      assert.equal(entry.id, claim_soon(store).id)
    end)

    it("are redriven and purged", function()
      local store = open()
      assert(store:put(items(1200), WINDOW))
      for _ = 1, 2 do
        for _, entry in ipairs(assert(store:claim(1000, 60))) do
          assert(store:dead_letter(entry.id, entry.token, "x"))
        end
      end
      local count, following = store:redrive({}, { limit = 1000 })
      assert.equal(1000, count)
      assert.equal(200, store:redrive({}, { limit = 1000, after = following }))
      for _ = 1, 2 do
        for _, entry in ipairs(assert(store:claim(1000, 60))) do
          assert(store:complete(entry.id, entry.token))
        end
      end
      assert.equal(1000, store:expire(0))
      assert.equal(200, store:expire(0))
      put(store, "dead", { occurrence = "a" })
      local entry = claim(store)
      assert.is_true(store:dead_letter(entry.id, entry.token, "x"))
      assert.equal("1", server:command("XLEN", "{apivideo}:stream"))
      assert.equal(1, store:purge({ state = "dead", ended_for = 0 }, { limit = 1000 }))
      assert.equal("0", server:command("XLEN", "{apivideo}:stream"))
      assert.equal("{apivideo}:activity\n{apivideo}:meta\n{apivideo}:stream", (function()
        local keys = {}
        for key in server:command("KEYS", "*"):gmatch "[^\n]+" do keys[#keys + 1] = key end
        table.sort(keys)
        return table.concat(keys, "\n")
      end)())
    end)
  end)

  describe("a lane", function()
    it("makes an older event that returns its current one", function()
      local store = open()
      for i = 1, 3 do put(store, "a" .. i, { lane = "a" }) end
      local first = claim(store)
      assert.is_true(store:dead_letter(first.id, first.token, "x"))
      assert.equal(1, store:redrive({ id = first.id }, { limit = 1 }))
      assert.equal(3, assert(store:stats()).waiting)
      for i = 1, 3 do
        local entry = claim(store)
        assert.equal("a" .. i, entry.raw)
        assert.is_nil(claim(store))
        assert.is_true(store:complete(entry.id, entry.token))
      end
      assert.is_nil(claim(store))
    end)

    it("preserves the delay of an event that another one has replaced as the current one", function()
      local store = open()
      put(store, "a1", { lane = "a" })
      put(store, "a2", { lane = "a" })
      local first = claim(store)
      assert.is_true(store:dead_letter(first.id, first.token, "x"))
      local second = claim(store)
      assert.is_true(store:retry(second.id, second.token, 60, "x"))
      assert.equal(1, store:redrive({}, { limit = 1000 }))
      first = claim(store)
      assert.equal("a1", first.raw)
      assert.is_true(store:complete(first.id, first.token))
      assert.is_nil(claim(store))
      assert.equal(1, assert(store:stats()).waiting)
    end)

    it("continues after the lease of its current event has expired", function()
      local store = open()
      put(store, "a1", { lane = "a" })
      put(store, "a2", { lane = "a" })
      claim(store, 0.05)
      local again = claim_soon(store)
      assert.equal("a1", again.raw)
      assert.is_true(store:complete(again.id, again.token))
      assert.equal("a2", claim(store).raw)
    end)
  end)

  describe("consumers", function()
    local function count()
      return select(2, server:command("XINFO", "CONSUMERS", "{apivideo}:stream", "workers"):gsub("name", ""))
    end

    it("have a new name in a forked process", function()
      local store, process_id = open(), core.process_id
      put(store, "a")
      put(store, "b")
      claim(store)
      core.process_id = function() return process_id() + 1 end
      local ok, problem = pcall(claim, store)
      core.process_id = process_id
      assert(ok, problem)
      assert.equal(2, count())
    end)

    it("have unique names, and are removed when they are idle without claims", function()
      local one, other, third = open(), open(), open()
      put(one, "a")
      put(one, "b")
      claim(one)
      local entry = claim(other)
      assert.is_true(other:complete(entry.id, entry.token))
      assert.equal(2, count())
      third:expire(60)
      assert.equal(2, count())
      local expire = scripts.expire
      scripts.expire = expire:gsub("local HOUR = %d+", "local HOUR = -1")
      open():expire(60)
      scripts.expire = expire
      assert.equal(1, count())
      assert.equal(1, assert(one:stats()).claimed)
      assert.is_nil(claim(other))
    end)
  end)

  describe("a client of the application", function()
    local ends

    -- An object with the functions of lua-resty-redis; `ends` has the ends of its uses.
    local function connect()
      local client = assert(hiredis.connect { host = "127.0.0.1", port = server.port })
      local object = {}
      function object.set_keepalive() ends[#ends + 1] = "kept" client:close() return 1 end
      function object.close() ends[#ends + 1] = "closed" client:close() return 1 end
      return setmetatable(object, { __index = function(_, word)
        return function(_, ...) return client:ask(word, ...) end
      end })
    end

    before_each(function() ends = {} end)

    it("goes to its pool after each call, and is closed after a failure", function()
      local store = redis { client = connect }
      assert.is_true(put(store, "a"))
      assert.is_true(put(store, "b"))
      server:command("SET", "{apivideo}:seen", "no hash")
      assert.truthy(unavailable(store:put({ item "c" }, WINDOW)):find("WRONGTYPE", 1, true))
      assert.same({ "kept", "kept", "closed" }, ends)
    end)

    it("is released with the option release", function()
      local released = {}
      local store = redis {
        client = connect,
        release = function(client, broken)
          released[#released + 1] = broken
          client:close()
        end,
      }
      assert.is_true(put(store, "a"))
      assert.is_true(put(store, "b"))
      server:command("SET", "{apivideo}:seen", "no hash")
      assert.truthy(unavailable(store:put({ item "c" }, WINDOW)):find("WRONGTYPE", 1, true))
      assert.same({ false, false, true }, released)
    end)

    it("can be unavailable", function()
      assert.truthy(unavailable(redis { client = function() error "no way" end }:stats()):find("no way", 1, true))
      local text = unavailable(redis { client = function() return nil, "not today" end }:stats())
      assert.truthy(text:find("not today", 1, true))
    end)
  end)

  it("raises for misuse at the caller", function()
    assert.truthy(misuse(function() local _ = redis { prot = 1 } end):find("did you mean \"port\"?", 1, true))
    assert.truthy(misuse(function() local _ = redis { name = "a{b}" } end):find("option \"name\"", 1, true))
    assert.truthy(misuse(function() local _ = redis { release = print } end):find("option \"release\"", 1, true))
    assert.truthy(misuse(function() local _ = redis { port = 0 } end):find("integer from 1 to 65535, got 0", 1, true))
    assert.truthy(misuse(function() local _ = redis { username = "x" } end):find("needs \"password\"", 1, true))
    assert.truthy(misuse(function() local _ = redis { client = print, port = 1 } end):find("option \"port\"", 1, true))
    assert.truthy(misuse(function() local _ = redis { path = "x", tls = true } end):find("is a Unix socket", 1, true))
    assert.truthy(misuse(function() local _ = redis { ca_file = "x" } end):find("needs \"tls\"", 1, true))
  end)
end)
