-- The store in Redis, on real servers.

local apivideo = require "apivideo"
local docs = require "spec.support.docs"
local core = require "apivideo.core"
local conformance = require "spec.support.inbox_conformance"
local misuse = require "spec.support.misuse"
local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"
local redis = require "apivideo.inbox.redis"
local redis_server = require "spec.support.redis"
local runtime = require "apivideo.runtime"
local scripts = require "apivideo.inbox.redis.scripts"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"

local WINDOW = 20

local missing = redis_server.missing()
local describe_redis = missing and function(name) pending(name .. ": " .. missing) end or describe
local no_nginx = nginx_lua.missing()
local describe_nginx = no_nginx and function(name) pending(name .. ": " .. no_nginx) end or describe

local server, stores

-- A store on the server; it is closed after the test.
local function open(given)
  local options = { port = server.port }
  for name, value in pairs(given or {}) do options[name] = value end
  stores[#stores + 1] = redis(options)
  return stores[#stores]
end

local function item(key, fields)
  local result = { key = key, raw = key, verified = true, received_at = 1700000000 }
  for name, value in pairs(fields or {}) do result[name] = value end
  return result
end

local function put(store, key, fields)
  return assert(store:put({ item(key, fields) }, WINDOW))[1]
end

local function items(count)
  local list = {}
  for i = 1, count do list[i] = item(("%d"):format(i)) end
  return list
end

local function claim(store, lease)
  return assert(store:claim(1, lease or 60))[1]
end

local function claim_soon(store)
  return wait_for(function() return claim(store) end, "an entry")
end

-- A field of the store's key "meta".
local function set(name, value)
  server:command("HSET", "{apivideo}:meta", name, value)
end

local function unavailable(result, err)
  assert.is_nil(result)
  assert.equal("store_unavailable", err.kind)
  return tostring(err)
end

describe_redis("inbox store redis", function()
  setup(function() server = redis_server.start() end)
  teardown(function() server:stop() end)

  before_each(function()
    stores = {}
    server:command "FLUSHALL"
    server:command("CLIENT", "KILL", "TYPE", "normal") -- inherited connections of a "child" in an earlier test
  end)

  after_each(function()
    for _, store in ipairs(stores) do store:close() end
  end)

  conformance("redis", {
    open = function() return redis { port = server.port } end,
    again = function() return redis { port = server.port } end,
    unwritable = function(fn)
      server:command("REPLICAOF", "127.0.0.1", 1)
      local ok, problem = pcall(fn)
      server:command("REPLICAOF", "NO", "ONE")
      assert(ok, problem)
    end,
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

    conformance("redis, restricted", { open = user, again = user })

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

  describe("its server", function()
    it("can crash: no event and no claim is lost", function()
      local store = open()
      assert(store:put(items(50), WINDOW))
      local held, done = claim(store), claim(store)
      assert.is_true(store:complete(done.id, done.token))
      server:crash()
      unavailable(store:put({ item "late" }, WINDOW))
      unavailable(store:claim(1, 60))
      server:start()
      assert.is_true(store:complete(held.id, held.token))
      assert.is_false(put(store, "1"))
      assert.is_false(put(store, "50"))
      assert.equal(48, #assert(store:claim(100, 60)))
      assert.is_true(put(store, "late"))
    end)

    it("can lose its data: an old claim is not valid for another event with the same id", function()
      local before, after = open(), open()
      put(before, "a")
      local lost = claim(before)
      server:command("FLUSHALL")
      put(after, "b")
      local entry = claim(after)
      assert.equal(lost.id, entry.id)
      assert.is_false(before:complete(lost.id, lost.token))
      assert.is_true(after:complete(entry.id, entry.token))
    end)

    it("can be paused: calls fail in time, and succeed after it", function()
      local store = open()
      put(store, "a")
      server:pause()
      local started = runtime.monotonic()
      local ok, results = pcall(function()
        return { unavailable(store:put({ item "b" }, WINDOW)), unavailable(store:claim(1, 60)) }
      end)
      local took = runtime.monotonic() - started
      server:resume()
      assert(ok, results)
      assert.is_true(took < 8)
      assert.equal("a", claim_soon(store).raw)
      put(store, "b") -- the server may have processed the first attempt after the pause
      assert.equal("b", claim_soon(store).raw)
    end)

    it("can lose scripts and connections between two calls", function()
      local store = open()
      put(store, "a")
      server:command("SCRIPT", "FLUSH")
      assert.is_true(put(store, "b"))
      server:command("CLIENT", "KILL", "TYPE", "normal")
      assert.is_true(put(store, "c"))
      assert.equal(3, #assert(store:claim(10, 60)))
    end)

    it("gets a new connection from a forked process", function()
      local store, process_id = open(), core.process_id
      put(store, "a")
      core.process_id = function() return process_id() + 1 end
      local ok, problem = pcall(put, store, "b")
      core.process_id = process_id
      assert(ok, problem)
      assert.equal(2, select(2, server:command("CLIENT", "LIST"):gsub("cmd=evalsha", "")))
    end)

    if rawget(_G, "jit") then -- LuaJIT can fork without another library
      it("serves parent and child at the same time #process", function()
        local output = process.run { "-e", ([[
          local ffi = require "ffi"
          ffi.cdef "int fork(void); int waitpid(int, int *, int); void _exit(int);"
          local store = require "apivideo.inbox.redis" { port = %d }
          local function put(key)
            return assert(store:put({ { key = key, raw = key, verified = true, received_at = 1 } }, 20))[1]
          end
          put "a"
          io.stdout:setvbuf "no"
          local child = ffi.C.fork()
          local name, new = child == 0 and "child" or "parent", 0
          for i = 1, 300 do
            if put(name .. i) then new = new + 1 end
          end
          print(name, new)
          if child == 0 then ffi.C._exit(0) end
          ffi.C.waitpid(child, nil, 0)
          print(assert(store:stats()).waiting)
        ]]):format(server.port) }
        assert.truthy(output:find("child\t300", 1, true), output)
        assert.truthy(output:find("parent\t300", 1, true), output)
        assert.truthy(output:find("\n601\n", 1, true), output)
      end)
    end

    it("gets all calls on one connection", function()
      local store = open()
      for i = 1, 10 do put(store, tostring(i)) end
      assert.equal(1, select(2, server:command("CLIENT", "LIST"):gsub("cmd=evalsha", "")))
      store:close()
      assert.is_nil(server:command("CLIENT", "LIST"):find "cmd=evalsha")
    end)

    it("can require a username and a password", function()
      server:command("ACL", "SETUSER", "inbox", "on", ">a-secret-word", "~*", "+@all")
      assert.is_true(put(open { username = "inbox", password = "a-secret-word" }, "a"))
      local text = unavailable(open { username = "inbox", password = "another-word" }:stats())
      assert.truthy(text:find("WRONGPASS", 1, true))
      assert.is_nil(text:find("another", 1, true))
      server:command("ACL", "DELUSER", "inbox")
    end)

    it("can forbid INFO: one warning is logged, and the inbox works", function()
      server:command("ACL", "SETUSER", "inbox", "on", ">word", "~*", "+@all", "-@dangerous")
      local written = stderr.of(function()
        local store = open { username = "inbox", password = "word" }
        assert.is_true(put(store, "a"))
        assert.equal("a", claim(store).raw)
        assert.equal(0, store:purge("done", 0))
      end)
      server:command("ACL", "DELUSER", "inbox")
      assert.equal(1, #written)
      assert.truthy(written[1]:find("does not allow INFO", 1, true), written[1])
      assert.truthy(written[1]:find("appendonly yes", 1, true))
    end)

    it("can require a password, which is not in messages", function()
      server:set_password "a-secret-word"
      local ok, problem = pcall(function()
        assert.is_true(put(open { password = "a-secret-word" }, "a"))
        local text = unavailable(open { password = "another-word" }:stats())
        assert.truthy(text:find("WRONGPASS", 1, true))
        assert.is_nil(text:find("another", 1, true))
        assert.truthy(unavailable(open():stats()):find("NOAUTH", 1, true))
      end)
      server:set_password ""
      assert(ok, problem)
    end)

    it("has databases, names and a Unix socket", function()
      local one, other, socket = open { database = 1 }, open { name = "other" }, open { path = server.path }
      assert.is_true(put(one, "a"))
      assert.is_true(put(other, "a"))
      assert.is_true(put(socket, "a"))
      assert.is_false(put(open(), "a"))
      assert.is_false(put(open { database = 1 }, "a"))
      assert.is_false(put(open { name = "other" }, "a"))
    end)

    it("is named in the error if it cannot be reached", function()
      local text = unavailable(redis { port = 1 }:stats())
      assert.truthy(text:find("127.0.0.1:1", 1, true))
      assert.truthy(text:lower():find("connection refused", 1, true))
      unavailable(redis { path = "/nowhere/redis.sock" }:stats())
    end)

    it("must be version 7.0 or newer", function()
      local client = { eval = function() return { "6.2.14", "1", "noeviction" } end }
      local old = redis { client = function() return client end }
      local text = unavailable(old:stats())
      assert.truthy(text:find("version 7.0 or newer is needed, and this is 6.2.14; update Redis", 1, true))
    end)

    it("causes one warning if its settings can lose events", function()
      server:command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
      local written = stderr.of(function()
        local store = open()
        put(store, "a")
        server:command("SET", "{apivideo}:lanes", "no sorted set")
        unavailable(store:put({ item("b", { lane = "b" }) }, WINDOW))
        put(store, "c")
      end)
      server:command("CONFIG", "SET", "maxmemory-policy", "noeviction")
      assert.equal(1, #written)
      assert.truthy(written[1]:find("set maxmemory-policy noeviction", 1, true))

      server:command("CONFIG", "SET", "appendonly", "no")
      written = stderr.of(function() put(open(), "c") end)
      server:command("CONFIG", "SET", "appendonly", "yes")
      assert.equal(1, #written)
      assert.truthy(written[1]:find("set appendonly yes", 1, true))
    end)

    it("can fail in the middle of a script: a key is not known before its event is stored", function()
      local store = open()
      server:command("SET", "{apivideo}:ready", "no sorted set")
      assert.truthy(unavailable(store:put({ item("a", { occurrence = "a" }) }, WINDOW)):find("WRONGTYPE", 1, true))
      server:command("DEL", "{apivideo}:ready")
      assert.is_true(put(store, "a"))
    end)

    it("is read-only as a replica: nothing is acknowledged, and events can be counted", function()
      local store = open()
      put(store, "a")
      server:command("REPLICAOF", "127.0.0.1", 1)
      local ok, problem = pcall(function()
        assert.truthy(unavailable(store:put({ item "b" }, WINDOW)):find("READONLY", 1, true))
        assert.truthy(unavailable(store:claim(1, 60)):find("READONLY", 1, true))
        assert.equal(1, assert(store:stats()).waiting)
      end)
      server:command("REPLICAOF", "NO", "ONE")
      assert(ok, problem)
      assert.is_true(put(store, "b"))
    end)

    it("can still load its data after a start: nothing is acknowledged until then", function()
      local store = open()
      assert(store:put(items(8000), WINDOW))
      server:crash()
      server.arguments = "--key-load-delay 500" -- microseconds; it replies once in 1024 commands
      server:start "-LOADING"
      server.arguments = ""
      local text
      wait_for(function()
        local results, err = store:put({ item "late" }, WINDOW)
        text = text or tostring(err)
        return results
      end, "the end of loading")
      assert.truthy(text:find("LOADING", 1, true), text)
      server:command("CONFIG", "SET", "key-load-delay", 0)
      assert.equal(8001, assert(store:stats()).waiting)
    end)

    it("rejects new events when its memory is full, and lets stored events be handled", function()
      local store = open()
      put(store, "a")
      put(store, "b")
      server:command("CONFIG", "SET", "maxmemory", 1)
      local ok, problem = pcall(function()
        assert.truthy(unavailable(store:put({ item "c" }, WINDOW)):find("OOM", 1, true))
        local done, dead = claim(store), claim(store)
        assert.is_true(store:complete(done.id, done.token))
        assert.is_true(store:dead_letter(dead.id, dead.token, "x"))
        assert.equal(1, store:purge("done", 0))
      end)
      server:command("CONFIG", "SET", "maxmemory", 0)
      assert(ok, problem)
      assert.is_true(put(store, "c"))
    end)
  end)

  describe("several processes #process", function()
    -- Waits for the end of the pause, and then runs code with `store` and `number`.
    local function start(number, text)
      return process.start { "-e", ([[
        local store = require "apivideo.inbox.redis" { port = %d }
        local number = %d
        assert(store:stats())
        print "ready"
        io.stdout:flush()
        while assert(store:stats()).paused do end
        %s
      ]]):format(server.port, number, text) }
    end

    -- Runs it in several processes at once; their output after "ready".
    local function run(count, text)
      local gate, children, printed = open(), {}, {}
      gate:pause()
      for i = 1, count do children[i] = start(i, text) end
      for _, child in ipairs(children) do child:wait_for "ready" end
      gate:resume()
      for i, child in ipairs(children) do
        child:wait_for "the end"
        printed[i] = child:output():match "ready%s*(.-)%s*the end"
        child:wait()
      end
      return table.concat(printed, " ")
    end

    it("get true for one of two hundred duplicates of an event", function()
      local printed = run(8, [[
        for i = 1, 25 do
          local results = assert(store:put({ { key = "same", raw = "{}", verified = true, received_at = 1 } }, 20))
          if results[1] then print "new" end
        end
        print "the end"
      ]])
      assert.equal("new", (printed:gsub("%s", "")))
      assert.equal(1, assert(open():stats()).waiting)
    end)

    it("share the events", function()
      assert(open():put(items(300), WINDOW))
      local printed = run(4, [[
        while true do
          local entries = assert(store:claim(2, 60))
          if #entries == 0 then break end
          for _, entry in ipairs(entries) do
            print(entry.raw)
            assert(store:complete(entry.id, entry.token))
          end
        end
        print "the end"
      ]])
      local seen, count = {}, 0
      for raw in printed:gmatch "%d+" do
        assert.is_nil(seen[raw], raw)
        seen[raw], count = true, count + 1
      end
      assert.equal(300, count)
      assert.equal(300, assert(open():stats()).done)
    end)
  end)

  describe("time", function()
    local HOUR = 3600

    -- Sets the store's clock as if the server's clock had been ahead by an hour until now.
    local function set_back()
      set("clock", ("%.0f"):format((runtime.now() + HOUR) * 1000))
    end

    it("continues if the clock is set back: leases expire in time", function()
      local store = open()
      put(store, "a")
      set_back()
      local first = claim(store, 5)
      assert.is_nil(claim(store))
      assert.is_true(store:extend(first.id, first.token, 1))
      assert.is_nil(claim(store))
      local second = claim_soon(store)
      assert.equal(first.id, second.id)
      assert.is_false(store:complete(first.id, first.token))
      assert.is_true(store:complete(second.id, second.token))
      put(store, "b")
      local over = claim(store, 0)
      assert.is_false(store:extend(over.id, over.token, 60))
      assert.is_false(store:complete(over.id, over.token))
    end)

    it("continues if the clock is set back: delays end in time, ages are unchanged", function()
      local store = open()
      set_back()
      put(store, "a", { occurrence = "o" })
      assert.equal("occurrence", put(store, "b", { occurrence = "o" }))
      local entry = claim(store)
      assert.is_true(store:retry(entry.id, entry.token, 0.1, "x"))
      entry = claim_soon(store)
      assert.is_true(store:complete(entry.id, entry.token))
      assert.equal(0, store:purge("done", 60))
      assert.equal(1, store:purge("done", 0))
    end)

    it("leaves claims valid if the clock is set back", function()
      local store = open()
      put(store, "a")
      local entry = claim(store, 2 * HOUR)
      set_back()
      assert.is_nil(claim(store))
      assert.is_true(store:complete(entry.id, entry.token))
    end)

    it("is the server's clock again when that has caught up", function()
      local store = open()
      put(store, "a")
      set_back()
      local held = claim(store, 60)
      assert.not_equal("0", server:command("HGET", "{apivideo}:meta", "offset"))
      set("clock", 1)
      assert.is_nil(claim(store))
      assert.equal("0", server:command("HGET", "{apivideo}:meta", "offset"))
      assert.is_true(store:complete(held.id, held.token))
    end)
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
      assert.equal(1200, store:redrive())
      for _ = 1, 2 do
        for _, entry in ipairs(assert(store:claim(1000, 60))) do
          assert(store:complete(entry.id, entry.token))
        end
      end
      assert.equal(1000, store:purge("done", 0))
      assert.equal(200, store:purge("done", 0))
      put(store, "dead", { occurrence = "a" })
      local entry = claim(store)
      assert.is_true(store:dead_letter(entry.id, entry.token, "x"))
      assert.equal("1", server:command("XLEN", "{apivideo}:stream"))
      assert.equal(1, store:purge("dead", 0))
      assert.equal("0", server:command("XLEN", "{apivideo}:stream"))
      assert.equal("{apivideo}:meta\n{apivideo}:stream", (function()
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
      assert.equal(1, store:redrive(first.id))
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
      assert.equal(1, store:redrive())
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
      assert.is_nil(claim(store))
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
      third:purge("done", 60)
      assert.equal(2, count())
      local purge = scripts.purge
      scripts.purge = purge:gsub("local HOUR = %d+", "local HOUR = -1")
      open():purge("done", 60)
      scripts.purge = purge
      assert.equal(1, count())
      assert.equal(1, assert(one:stats()).claimed)
      assert.is_nil(claim(other))
    end)
  end)

  describe("a client of the application", function()
    local function connect()
      return require("redis").connect("127.0.0.1", server.port)
    end

    it("is reused, and replaced after a failure", function()
      local made = 0
      local store = redis { client = function() made = made + 1 return connect() end }
      assert.is_true(put(store, "a"))
      assert.is_true(put(store, "b"))
      assert.equal(1, made)
      server:command("CLIENT", "KILL", "TYPE", "normal")
      assert.is_true(put(store, "c"))
      assert.equal(2, made)
      store:close()
    end)

    it("is released with the option release", function()
      local given = {}
      local store = redis {
        client = connect,
        release = function(client, broken)
          given[#given + 1] = broken
          client:quit()
        end,
      }
      assert.is_true(put(store, "a"))
      assert.is_true(put(store, "b"))
      server:command("SET", "{apivideo}:seen", "no hash")
      assert.truthy(unavailable(store:put({ item "c" }, WINDOW)):find("WRONGTYPE", 1, true))
      assert.same({ false, false, true }, given)
    end)

    it("can be unavailable", function()
      assert.truthy(unavailable(redis { client = function() error "no way" end }:stats()):find("no way", 1, true))
      local text = unavailable(redis { client = function() return nil, "not today" end }:stats())
      assert.truthy(text:find("not today", 1, true))
    end)
  end)

  describe_nginx("in nginx #process", function()
    local nginx

    local APP = [[
      local errors = require "apivideo.error"
      local app = { store = require "apivideo.inbox.redis" { port = @port@, password = "secret", database = 2 } }

      -- Prints the result of a call of the store.
      function app.say(result, err)
        if not result then return ngx.print(errors.is(err) and err.kind or "raised", ": ", tostring(err)) end
        local entry = type(result) == "table" and result[1]
        ngx.print(tostring(type(entry) == "table" and entry.raw or entry))
      end

      function app.put(key)
        return app.store:put({ { key = key, raw = key, verified = true, received_at = ngx.now() } }, 20)
      end

      return app
    ]]

    local SERVER = [[
      location /put/ { content_by_lua_block { local app = require "app"; app.say(app.put(ngx.var.uri)) } }
      location /claim { content_by_lua_block { local app = require "app"; app.say(app.store:claim(1, 60)) } }
      location /init { content_by_lua_block { ngx.print(in_init) } }
      location /filter {
        content_by_lua_block { ngx.print "body" }
        header_filter_by_lua_block { ngx.header.said = tostring(select(2, require("app").store:stats())) }
      }
    ]]

    setup(function()
      server:set_password "secret"
      nginx = nginx_lua.start {
        workers = 2, files = { ["app.lua"] = APP:gsub("@port@", tostring(server.port)) }, server = SERVER,
        http = [[init_by_lua_block { in_init = tostring(select(2, require("app").store:stats())) }]],
      }
    end)

    teardown(function()
      nginx:stop()
      server:set_password ""
    end)

    -- The total number of connections that the server has accepted.
    local function connections()
      return tonumber(server:command("INFO", "stats"):match "total_connections_received:(%d+)")
    end

    it("puts and claims, on reused connections", function()
      local said = {}
      apivideo.parallel(8, (("x"):rep(40)):gmatch "x", function(_, place)
        local word = nginx:get("/put/" .. place % 20)
        said[word] = (said[word] or 0) + 1
      end)
      assert.same({ ["true"] = 20, ["false"] = 20 }, said)
      local before = connections()
      local raws = {}
      for _ = 1, 20 do raws[nginx:get "/claim"] = true end
      assert.equal("nil", nginx:get "/claim")
      for i = 0, 19 do assert.is_true(raws["/put/" .. i]) end
      assert.is_true(connections() - before < 10)
    end)

    it("has no store before its workers start, nor in phases that cannot wait", function()
      assert.truthy(nginx:get("/init"):find("init_by_lua comes before nginx's workers", 1, true))
      local said = assert(nginx:request "/filter").headers.said
      assert.truthy(said:find("store_unavailable", 1, true))
      assert.truthy(said:find("header_filter", 1, true))
    end)

    it("gets an error in time while the server is stopped, and continues afterwards", function()
      server:pause()
      local ok, said = pcall(nginx.get, nginx, "/put/late")
      server:resume()
      assert(ok, said)
      assert.truthy(said:find("^store_unavailable: .*timeout"))
      assert.truthy(nginx:get("/put/later"):find "^true")
    end)
  end)

  it("raises for misuse at the caller", function()
    assert.truthy(misuse(function() local _ = redis { prot = 1 } end):find("did you mean \"port\"?", 1, true))
    assert.truthy(misuse(function() local _ = redis { name = "a{b}" } end):find("option \"name\"", 1, true))
    assert.truthy(misuse(function() local _ = redis { release = print } end):find("option \"release\"", 1, true))
    assert.truthy(misuse(function() local _ = redis { port = 0 } end):find("integer from 1 to 65535, got 0", 1, true))
    assert.truthy(misuse(function() local _ = redis { username = "x" } end):find("needs \"password\"", 1, true))
    assert.truthy(misuse(function() local _ = redis { client = print, port = 1 } end):find("option \"port\"", 1, true))
  end)
end)
