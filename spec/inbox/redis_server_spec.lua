-- What the store in Redis does when its server fails, restarts, or is configured differently.

local apivideo = require "apivideo"
local core = require "apivideo.core"
local process = require "spec.support.process"
local redis = require "apivideo.inbox.redis"
local redis_server = require "spec.support.redis"
local redis_stores = require "spec.support.redis_stores"
local runtime = require "apivideo.runtime"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"

local WINDOW, open, item, items = redis_stores.WINDOW, redis_stores.open, redis_stores.item, redis_stores.items
local put, claim, claim_soon = redis_stores.put, redis_stores.claim, redis_stores.claim_soon
local unavailable = redis_stores.unavailable

local server

redis_stores.describe("inbox store redis", function()
  setup(function() server = redis_stores.server() end)

  -- The total number of connections that the server has accepted.
  local function connections()
    return tonumber(server:command("INFO", "stats"):match "total_connections_received:(%d+)")
  end

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

    it("keeps all events in a restart although its user default is closed, as documented", function()
      local closed = redis_server.start("--user inbox on '>secret' '~*' '&*' +@all"
        .. " --user default off '~*' '&*' +@all")
      local store = redis { port = closed.port, username = "inbox", password = "secret" }
      assert.same({ true, true }, assert(store:put(items(2), WINDOW)))
      closed:crash()
      closed:start()
      assert.equal(2, #wait_for(function() return (store:claim(10, 60)) end, "the server"))
      store:close()
      closed:stop()
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

    it("has a clock, which the health of an inbox compares with that of this machine", function()
      local store, now = open(), runtime.now
      assert.is_true(math.abs(store:time() - now()) < 5)
      local inbox = apivideo.inbox { store = store }
      assert.is_nil(inbox:health().reasons.clock)
      runtime.now = function() return now() + 60 end
      local ok, health = pcall(inbox.health, inbox)
      runtime.now = now
      assert(ok, health)
      assert.matches("60 s ahead of that of the store", health.reasons.clock, 1, true)
      store:close()
      assert.is_nil((store:time()))
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
      local before = connections()
      core.process_id = function() return process_id() + 1 end
      local ok, problem = pcall(put, store, "b")
      core.process_id = process_id
      assert(ok, problem)
      assert.equal(before + 2, connections()) -- of which one is redis-cli's
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
      assert.truthy(text:find("is disabled; correct the user and the password", 1, true), text)
      assert.is_nil(text:find("another", 1, true))
      server:command("ACL", "SETUSER", "inbox", "resetkeys", "~other:*")
      text = unavailable(open { username = "inbox", password = "a-secret-word" }:stats())
      assert.truthy(text:find("NOPERM.*; run: ACL SETUSER inbox ~{apivideo}:%*, and save it"), text)
      server:command("ACL", "DELUSER", "inbox")
    end)

    it("can forbid INFO: one warning is logged, and the inbox works", function()
      server:command("ACL", "SETUSER", "inbox", "on", ">word", "~*", "+@all", "-@dangerous")
      local written = stderr.of(function()
        local store = open { username = "inbox", password = "word" }
        assert.is_true(put(store, "a"))
        assert.equal("a", claim(store).raw)
        assert.equal(0, store:expire(0))
      end)
      server:command("ACL", "DELUSER", "inbox")
      assert.equal(1, #written)
      assert.truthy(written[1]:find("does not allow INFO", 1, true), written[1])
      assert.truthy(written[1]:find("appendonly yes", 1, true))
      assert.truthy(written[1]:find("or run: ACL SETUSER inbox +info, and save it", 1, true), written[1])
    end)

    it("can require a password, which is not in messages", function()
      server:set_password "a-secret-word"
      local ok, problem = pcall(function()
        assert.is_true(put(open { password = "a-secret-word" }, "a"))
        local text = unavailable(open { password = "another-word" }:stats())
        assert.truthy(text:find("WRONGPASS", 1, true))
        assert.is_nil(text:find("another-word", 1, true))
        assert.truthy(text:find("; correct the password, which is that of the user default if no user", 1, true), text)
        assert.truthy(unavailable(open():stats()):find("NOAUTH", 1, true))
      end)
      server:set_password ""
      assert(ok, problem)
    end)

    it("may have no password for the user default, and the user is missing", function()
      local text = unavailable(open { password = "a-word" }:stats())
      assert.truthy(text:find("for another user, set the option username", 1, true), text)
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
      local client = { eval = function() return { "6.2.14", "1", "noeviction", "", "", 0 } end }
      local old = redis { client = function() return client end }
      local text = unavailable(old:stats())
      assert.truthy(text:find("version 7.0 or newer is needed, and this is 6.2.14; update Redis", 1, true))
    end)

    it("causes one error in the log if its settings can lose events", function()
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
      assert.matches(" error apivideo: .*set maxmemory%-policy noeviction", written[1])

      server:command("CONFIG", "SET", "appendonly", "no")
      written = stderr.of(function() put(open(), "c") end)
      server:command("CONFIG", "SET", "appendonly", "yes")
      assert.equal(1, #written)
      assert.matches(" error apivideo: .*set appendonly yes", written[1])
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
        assert.matches("READONLY .*; this server is a replica: give the address of the primary$",
          unavailable(store:put({ item "b" }, WINDOW)))
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
        local text = unavailable(store:put({ item "c" }, WINDOW))
        assert.truthy(text:find("OOM command not allowed .*; raise maxmemory of Redis, or shorten the option"), text)
        local done, dead = claim(store), claim(store)
        assert.is_true(store:complete(done.id, done.token))
        assert.is_true(store:dead_letter(dead.id, dead.token, "x"))
        assert.equal(1, store:expire(0))
      end)
      server:command("CONFIG", "SET", "maxmemory", 0)
      assert(ok, problem)
      assert.is_true(put(store, "c"))
    end)
  end)
end)
