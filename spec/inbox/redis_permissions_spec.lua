-- Commands that the user of the store in Redis may not run, on real servers.

local apivideo = require "apivideo"
local docs = require "spec.support.docs"
local examine = require "apivideo.inbox.redis.examine"
local process = require "spec.support.process"
local redis_stores = require "spec.support.redis_stores"
local scripts = require "apivideo.inbox.redis.scripts"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"

local WINDOW, open, item = redis_stores.WINDOW, redis_stores.open, redis_stores.item
local put, claim, unavailable = redis_stores.put, redis_stores.claim, redis_stores.unavailable

redis_stores.describe("inbox store redis", function()
  local server

  setup(function() server = redis_stores.server() end)
  after_each(function() server:command("ACL", "DELUSER", "inbox") end)

  -- The options of a user with all commands but some.
  local function user_without(...)
    server:command("ACL", "SETUSER", "inbox", "reset", "on", ">word", "~*", "+@all", ...)
    return { port = server.port, username = "inbox", password = "word" }
  end

  -- The commands of all scripts.
  local commands = {}
  for command in scripts.permissions:gmatch '\ncheck%("([^"]+)"' do
    commands[#commands + 1] = command
  end

  it("checks each command that is documented, and nothing else", function()
    local listed, checked = {}, {}
    local line = docs.read("docs/guides/inbox.md"):match "\nACL (SETUSER inbox [^\n]+)\n"
    for command in line:gmatch "%+(%S+)" do listed[command] = true end
    -- Those that no script runs: each call begins with them, and names them if they are missing; INFO has its own line.
    for _, command in ipairs { "eval", "evalsha", "script|load", "select", "info" } do listed[command] = nil end
    for _, command in ipairs(commands) do checked[command] = true end
    assert.same(listed, checked)
  end)

  it("finds all commands in the code of the scripts", function()
    local known = {}
    for _, command in ipairs(commands) do
      for word in command:upper():gmatch "[^|]+" do known[word] = true end
    end
    for word in ("BYLEX BYSCORE COUNT FORCE IDLE INFO JUSTID LIMIT MKSTREAM NOGROUP REV WITHSCORES"):gmatch "%S+" do
      known[word] = true -- an option, or an error; INFO has its own line
    end
    for name, text in pairs(scripts) do
      for word in (type(text) == "string" and text or ""):gmatch '"(%u%u+)"' do
        assert.truthy(known[word], word .. " in " .. name)
      end
    end
  end)

  it("finds each command that is missing, and changes nothing", function()
    for _, command in ipairs(commands) do
      local options = user_without("-" .. command)
      assert.same({ command }, assert(examine.server(options)).missing)
    end
    assert.equal("", server:command("KEYS", "*"))
    local store = open()
    put(store, "a")
    local before = server:command("DEBUG", "DIGEST")
    assert.same({}, assert(examine.server({ port = server.port })).missing)
    assert.equal(before, server:command("DEBUG", "DIGEST"))
  end)

  it("does not open without a command, and names it with its remedy", function()
    local options = user_without("-xack", "-xgroup|delconsumer")
    local inbox = apivideo.inbox { store = open(options) }
    local written = stderr.of(function()
      local text = unavailable(inbox:open())
      assert.truthy(text:find("the user inbox may not run xack, xgroup|delconsumer: ", 1, true), text)
      assert.truthy(text:find("; run: ACL SETUSER inbox +xack +xgroup|delconsumer, and save it", 1, true), text)
    end)
    assert.same({}, written)
    server:command("ACL", "SETUSER", "inbox", "+xack", "+xgroup|delconsumer")
    assert.is_true(inbox:open())
    local output, status = process.run({ "bin/apivideo", "doctor", "--store",
      ("redis://127.0.0.1:%d/0"):format(server.port) })
    assert.truthy(output:find("ok       store: the user may run all commands of the inbox\n", 1, true),
      status .. output)
  end)

  it("names a command that no script runs, with its remedy", function()
    for _, command in ipairs { "eval", "evalsha", "script|load", "select" } do
      local options = user_without("-" .. command)
      options.database = 1
      local remedy = ("; run: ACL SETUSER inbox +%s, and save it; docs/guides/inbox.md#redis has the whole line")
        :format(command)
      local text = unavailable(open(options):open())
      assert.truthy(text:find(("NOPERM .*'%s' command"):format(command:gsub("|", "%%|"))), text)
      assert.equal(remedy, text:sub(-#remedy))
      local output, status = process.run({ "bin/apivideo", "doctor" },
        ("APIVIDEO_STORE=redis://inbox:word@127.0.0.1:%d/1"):format(server.port))
      assert.equal(1, status)
      local failure = output:match "\nfailure  store: ([^\n]+)\n"
      assert.equal(remedy, failure:sub(-#remedy))
      assert.is_nil(failure:find("redis: store_unavailable", 1, true), failure)
    end
  end)

  it("names all commands of the call that are missing", function()
    assert.same({ "xack", "script|load", "evalsha" },
      assert(examine.server(user_without("-evalsha", "-script|load", "-xack"))).missing)
  end)

  it("names the keys that the user may not use", function()
    local options = user_without("resetkeys", "~other:*")
    options.name = "shop"
    local text = unavailable(open(options):open())
    assert.truthy(text:find("; correct the name of the inbox (shop), or allow its keys; run: ACL SETUSER inbox"
      .. " ~{shop}:*, and save it; docs/guides/inbox.md#redis has the whole line", 1, true), text)
  end)

  it("logs a missing command at the first use, once", function()
    local store = open(user_without "-xack")
    local written = stderr.of(function()
      put(store, "a")
      put(store, "b")
    end)
    assert.equal(1, #written)
    assert.matches("error apivideo: Redis .* the user inbox may not run xack: .* ACL SETUSER inbox %+xack", written[1])
  end)

  it("names the command without which a script does not begin", function()
    local store = open(user_without "-xack")
    local text = unavailable(store:claim(1, 60))
    assert.truthy(text:find("NOPERM no permissions to run the 'xack' command; run: ACL SETUSER inbox +xack, and save"
      .. " it; docs/guides/inbox.md#redis has the whole line", 1, true), text)
    server:command("ACL", "SETUSER", "inbox", "+xack", "-xadd")
    text = unavailable(store:put({ item "b" }, WINDOW))
    local is_named = not server:command("INFO", "server"):find("redis_version:7.0", 1, true)
    assert.truthy(text:find(not is_named and "; allow the commands of the inbox to the user: docs/guides/inbox.md#redis"
      or "; run: ACL SETUSER inbox +xadd, and save it; docs/guides/inbox.md#redis has the whole line", 1, true), text)
    assert.is_nil(text:find("user_script", 1, true), text)
  end)

  it("gives no event to a worker that could not end its claim", function()
    for _, command in ipairs { "xack", "xdel", "zadd", "hincrby", "hsetnx", "xadd" } do
      server:command "FLUSHALL"
      put(open(), "a")
      local text = unavailable(open(user_without("-" .. command)):claim(1, 60))
      assert.truthy(text:find(("'%s' command; run: ACL SETUSER inbox +%s,"):format(command, command), 1, true), text)
      assert.equal(1, claim(open()).attempt)
    end
  end)

  -- Claims and completes all events; their bytes.
  local function drain(store)
    local handled = {}
    wait_for(function()
      local entry = claim(store)
      if entry then
        handled[entry.raw] = true
        assert.is_true(store:complete(entry.id, entry.token))
      end
      local stats = assert(store:stats())
      return stats.waiting + stats.claimed == 0
    end, "the last event")
    return handled
  end

  it("loses no event while any command is missing for some time", function()
    local new = { item("new", { lane = "complete", occurrence = "o" }), item("alone", { lane = "alone" }), item "free" }
    for _, command in ipairs(commands) do
      server:command "FLUSHALL"
      local store, expected, settle = open(user_without()), {}, {}
      for _, name in ipairs { "complete", "retry", "dead_letter", "expired" } do
        put(store, name, { lane = name })
        put(store, name .. " 2", { lane = name })
        expected[name .. " 2"] = true
      end
      local entries = assert(store:claim(3, 60))
      claim(store, 0.001)
      function settle.complete(entry) return store:complete(entry.id, entry.token) end
      function settle.retry(entry) return store:retry(entry.id, entry.token, 0, "x") end
      function settle.dead_letter(entry) return store:dead_letter(entry.id, entry.token, "x") end
      server:command("ACL", "SETUSER", "inbox", "-" .. command)
      stderr.of(function()
        store:put(new, WINDOW)
        for _, entry in ipairs(entries) do settle[entry.raw](entry) end
        store:claim(1, 0.001)
        store:expire(0)
      end)
      server:command("ACL", "SETUSER", "inbox", "+" .. command)
      assert(store:put(new, WINDOW)) -- as api.video does after a 503
      for _, entry in ipairs(entries) do assert(settle[entry.raw](entry) ~= nil) end
      for _, name in ipairs { "retry", "expired", "new", "alone", "free" } do expected[name] = true end
      assert.same(expected, drain(store), command)
      assert.equal(1, assert(store:stats()).dead)
    end
  end)

  it("is not said to have an old group without XAUTOCLAIM", function()
    local store = open()
    put(store, "a")
    claim(store)
    store = open(user_without "-xautoclaim")
    local text = unavailable(store:claim(1, 60))
    assert.is_nil(text:find("BUSYGROUP", 1, true), text)
  end)
end)
