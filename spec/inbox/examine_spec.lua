-- What is found about a store without changing it.

local another_user = require "spec.support.another_user"
local apivideo = require "apivideo"
local compile = require "spec.support.compile"
local earlier_inboxes = require "spec.support.earlier_inboxes"
local examine = require "apivideo.inbox.sqlite.examine"
local examine_redis = require "apivideo.inbox.redis.examine"
local file = require "spec.support.file"
local process = require "spec.support.process"
local redis_stores = require "spec.support.redis_stores"
local scripts = require "apivideo.inbox.redis.scripts"
local sqlite_stores = require "spec.support.sqlite_stores"

local path, clean, sql = sqlite_stores.path, sqlite_stores.clean, sqlite_stores.sql

-- Creates an inbox in the file.
local function create()
  local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = path } }
  assert(inbox:stats())
  inbox:close()
end

describe("a file of SQLite", function()
  before_each(clean)
  after_each(clean)

  it("is an inbox, with its version", function()
    create()
    local facts = examine.file(path)
    local newest, minutes = facts.newest, facts.activity
    assert(newest >= 3 and #minutes == 60)
    facts.activity = nil
    assert.same({ kind = "inbox", version = newest, oldest = 4, newest = newest, journal_mode = "wal",
      stats = { waiting = 0, claimed = 0, dead = 0, done = 0, attempts = 0, paused = false } }, facts)
    clean()
    earlier_inboxes.sqlite(2, path)
    local before = file.read(path)
    assert.same({ kind = "inbox", version = 2, oldest = 2, newest = newest, journal_mode = "delete" },
      examine.file(path))
    assert(before == file.read(path), "it was changed")
  end)

  it("is empty, or of another application", function()
    file.write(path, "")
    assert.equal("empty", examine.file(path).kind)
    sql "CREATE TABLE x (y)"
    assert.equal("other", examine.file(path).kind)
  end)

  it("is no database", function()
    file.write(path, ("no database "):rep(100))
    local facts, problem = examine.file(path)
    assert.is_nil(facts)
    assert.equal("file is not a database", problem)
  end)

  it("is not changed, and a program with write access is needed", function()
    create()
    local before = file.read(path)
    assert(examine.file(path))
    assert(before == file.read(path), "it was changed")
    if another_user.problem() then return pending(another_user.problem()) end
    compile.run(("chown daemon %s; chmod 400 %s; chmod 777 $(dirname %s)"):format(path, path, path))
    local output = process.run({ "-e", ("print(select(2, require('apivideo.inbox.sqlite.examine').file(%q)))")
      :format(path) }, another_user.COMMAND)
    assert.equal("attempt to write a readonly database\n", output)
  end)

  it("has the version of the library", function()
    assert.truthy(examine.library():find "^3%.%d+%.%d+$")
  end)
end)

redis_stores.describe("a Redis server", function()
  local server

  setup(function() server = redis_stores.server() end)

  it("has its version and its settings", function()
    local facts = assert(examine_redis.server { port = server.port })
    assert.truthy(facts.version:find "^%d+%.%d+%.%d+$")
    assert.equal("Redis", facts.product)
    assert.same({}, facts.missing)
    assert.is_true(facts.has_append_only_file)
    assert.equal("noeviction", facts.memory_policy)
    server:command("CONFIG", "SET", "appendonly", "no")
    server:command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    facts = assert(examine_redis.server { port = server.port })
    assert.is_false(facts.has_append_only_file)
    assert.equal("allkeys-lru", facts.memory_policy)
    server:command("CONFIG", "SET", "appendonly", "yes")
    server:command("CONFIG", "SET", "maxmemory-policy", "noeviction")
  end)

  it("may be Valkey, whose redis_version is that of a compatible Redis", function()
    local info = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n"
      .. "aof_enabled:1\r\nmaxmemory_policy:noeviction\r\n"
    local client = { close = function() end, set_keepalive = function() return true end }
    function client.eval(_, script)
      if script ~= scripts.about then return {} end
      return assert((loadstring or load)("local redis = ...\n" .. script)) { pcall = function() return info end }
    end
    assert.same({ product = "Valkey", version = "8.1.1", has_append_only_file = true, memory_policy = "noeviction",
      memory_percent = 0, is_replica = false, missing = {} },
      examine_redis.server { client = function() return client end })
  end)

  it("does not allow INFO, or the password is missing", function()
    server:command("ACL", "SETUSER", "limited", "on", ">pw", "~*", "+@all", "-info")
    local facts = assert(examine_redis.server { port = server.port, username = "limited", password = "pw" })
    assert.truthy(facts.refusal)
    assert.is_nil(facts.version)
    assert.same({}, facts.missing)
    local problem
    facts, problem = examine_redis.server { port = server.port, username = "limited", password = "wrong" }
    assert.is_nil(facts)
    assert.truthy(problem:find("WRONGPASS", 1, true), problem)
    server:command("ACL", "DELUSER", "limited")
  end)
end)
