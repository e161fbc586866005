-- A program opens its inbox at its start, so that it ends if it cannot use it.

local apivideo = require "apivideo"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local inboxes = require "spec.support.inboxes"
local misuse = require "spec.support.misuse"
local packages = require "apivideo.util.packages"
local redis_stores = require "spec.support.redis_stores"
local sqlite_stores = require "spec.support.sqlite_stores"
local stderr = require "spec.support.stderr"

local path = sqlite_stores.path

describe("inbox:open", function()
  before_each(sqlite_stores.clean)
  teardown(sqlite_stores.clean)

  it("opens the store", function()
    local inbox = apivideo.inbox { store = sqlite_stores.open() }
    assert.is_nil(core.file_id(path))
    inboxes.printed_by(function() assert.is_true(inbox:open()) end)
    assert.truthy(core.file_id(path))
    assert.is_true(inbox:open())
    assert.is_true(apivideo.inbox { store = apivideo.inbox.memory() }:open())
  end)

  it("returns why the store cannot be used", function()
    local inbox = apivideo.inbox { store = sqlite_stores.open(path .. "/inbox.db") }
    local ok, err = inbox:open()
    assert.is_nil(ok)
    assert.equal("store_unavailable", err.kind)
    assert.matches("No such file or directory", err.message)
    inbox = apivideo.inbox { store = apivideo.inbox.memory() }
    assert(inbox:close())
    assert.equal("store_unavailable", select(2, inbox:open()).kind)
  end)

  it("asks a store of the application without such a function for its counts", function()
    local store = apivideo.inbox.memory()
    local own = setmetatable({ open = false }, { __index = store })
    assert.is_true(apivideo.inbox { store = own }:open())
    own.stats = function() return nil, errors.new("store_unavailable", "gone") end
    assert.equal("gone", select(2, apivideo.inbox { store = own }:open()).message)
  end)

  it("with a spool succeeds without the store, but not without the spool", function()
    local down = { open = function() return nil, errors.new("store_unavailable", "down") end }
    local unavailable = setmetatable(down, { __index = apivideo.inbox.memory() })
    local memory = apivideo.inbox.memory()
    assert.is_nil((apivideo.inbox { store = unavailable }:open()))
    assert.is_true(apivideo.inbox { store = unavailable, spool = memory }:open())
    assert.equal("down", select(2, apivideo.inbox { store = memory, spool = unavailable }:open()).message)
  end)
end)

describe("a Redis store without its module", function()
  -- Runs a function while a module is missing.
  local function without(name, fn)
    local loaded = package.loaded[name]
    package.loaded[name] = nil
    package.preload[name] = function() error "no such thing" end
    local result = fn()
    package.preload[name], package.loaded[name] = nil, loaded
    return result
  end

  it("raises its name and the package at once", function()
    local function make(options)
      return function()
        local store = apivideo.inbox.redis(options)
        return store
      end
    end
    local message = without("apivideo.redis.core", function() return misuse(make {}) end)
    assert.matches("inbox.redis: apivideo.redis.core is missing for " .. _VERSION .. ": "
      .. packages.remedy "apivideo.redis.core", message, 1, true)
    without("apivideo.redis.core", function() assert(make { client = function() end }()) end)
  end)
end)

redis_stores.describe("inbox:open with Redis", function()
  it("connects", function()
    local store = redis_stores.open()
    redis_stores.put(store, "a")
    local written = stderr.of(function() assert.is_true(apivideo.inbox { store = store }:open()) end)
    assert.same({}, written)
    local ok, err = apivideo.inbox { store = redis_stores.open { port = 1 } }:open()
    assert.is_nil(ok)
    assert.matches("Redis (127.0.0.1:1): ", err.message, 1, true)
  end)

  it("logs that the inbox is new: the database may be the wrong one", function()
    local written = stderr.of(function()
      assert.is_true(apivideo.inbox { store = redis_stores.open { database = 3 } }:open())
    end)
    assert.equal(1, #written)
    assert.matches("warn apivideo: Redis %(127%.0%.0%.1:%d+%) has no inbox with the name apivideo in database 3 yet; "
      .. "the first event or worker creates it", written[1])
  end)
end)
