-- Secrets in a dictionary that workers, or clients of several accounts, share.

local all_at_once = require "spec.support.all_at_once"
local dictionary = require "apivideo.runtime.dictionary"
local lookups = require "spec.support.lookups"
local misuse = require "spec.support.misuse"
local runtime = require "apivideo.runtime"
local secrets_of = require "apivideo.resources.webhooks.secrets"

local ids, found, missing, broken = lookups.ids, lookups.found, lookups.missing, lookups.broken

describe("secrets of several workers", function()
  local dict
  local clock = runtime.monotonic

  before_each(function() dict = dictionary.new() end)
  after_each(function() runtime.monotonic = clock end)

  -- The caches of some workers over a function, and the list of requested ids.
  local function workers(count, fetch, options)
    local asked, list = {}, {}
    for i = 1, count do
      local own = { store = dict }
      for name, value in pairs(options or {}) do own[name] = value end
      list[i] = secrets_of.new(function(id)
        asked[#asked + 1] = id
        return fetch(id, i)
      end, own)
    end
    return list, asked
  end

  it("are requested by one of them", function()
    local list, asked = workers(4, function(id)
      runtime.sleep(0.02)
      if id == ids.A then return found(id) end
      return missing()
    end)
    local got = {}
    all_at_once(40, function(i) got[i] = { list[i % 4 + 1]:resolve(i <= 20 and ids.A or ids.B) } end)
    table.sort(asked)
    assert.same({ ids.A, ids.B }, asked)
    for i = 1, 20 do assert.same({ "sig_sec_webhook_A" }, got[i]) end
    for i = 21, 40 do assert.same({}, got[i]) end
  end)

  it("are requested again by one of them", function()
    local list, asked = workers(4, found, { ttl = 0 })
    for i = 1, 4 do
      assert.equal("sig_sec_webhook_A", list[i]:resolve(ids.A))
      runtime.sleep(0)
    end
    assert.equal(2, #asked)
  end)

  it("report a failure to all", function()
    local list, asked = workers(4, function()
      runtime.sleep(0.02)
      return broken()
    end)
    local kinds = {}
    all_at_once(20, function(i) kinds[i] = select(2, list[i % 4 + 1]:resolve(ids.A)).kind end)
    assert.equal(1, #asked)
    for i = 1, 20 do assert.equal("network", kinds[i]) end
  end)

  it("are waited for by a call after the response has arrived and before it is stored", function()
    local reply = runtime.latch()
    local list, asked = workers(2, function()
      reply:wait()
      return broken()
    end)
    local kinds = {}
    runtime.run(function()
      local all = runtime.latch()
      local function resolve(i)
        local _, err = list[i]:resolve(ids.A)
        kinds[#kinds + 1] = err.kind
        if #kinds == 3 then all:open(true) end
      end
      runtime.spawn(resolve, 1)
      runtime.sleep(0)
      runtime.spawn(resolve, 2)
      runtime.sleep(0)
      reply:open()
      local mark = "apivideo::secrets:asking:webhook_A"
      while dict:get(mark) do runtime.sleep(0) end
      runtime.spawn(resolve, 2)
      runtime.sleep(0)
      assert.is_nil(dict:get(mark)) -- nothing else would delete it
      assert.is_true(all:wait(60))
    end)
    assert.same({ "network", "network", "network" }, kinds)
    assert.equal(1, #asked)
  end)

  it("are requested after a worker that died during its request", function()
    local never = runtime.latch()
    local list, asked = workers(2, function(id, worker)
      if worker == 1 then never:wait() end
      return found(id)
    end)
    local secret, err
    runtime.run(function()
      runtime.spawn(function() list[1]:resolve(ids.A) end)
      runtime.sleep(0)
      local done = runtime.latch()
      runtime.spawn(function()
        secret, err = list[2]:resolve(ids.A)
        done:open(true)
      end)
      runtime.sleep(0)
      assert.same({ ids.A }, asked)
      runtime.monotonic = function() return clock() + 7 end
      assert.is_true(done:wait(60))
      assert.is_nil(secret)
      assert.truthy(err.message:find("another worker"))
      assert.equal("sig_sec_webhook_A", list[2]:resolve(ids.A))
      never:open()
    end)
  end)

  it("share the lookups", function()
    local list, asked = workers(2, missing)
    for i = 1, 30 do list[i % 2 + 1]:resolve("webhook_forged" .. i) end
    assert.equal(20, #asked)
  end)

  it("are those of one account", function()
    local function of(account, secret)
      return secrets_of.new(function(id)
        if not secret then return missing() end
        return { webhookId = id, signatureSecret = secret }
      end, { store = dict }, account)
    end
    assert.equal("sig_sec_1", of("1", "sig_sec_1"):resolve(ids.A))
    assert.is_nil((of("2"):resolve(ids.A)))
    assert.equal("sig_sec_3", of("3", "sig_sec_3"):resolve(ids.A))
    assert.equal("sig_sec_1", of("1"):resolve(ids.A))
  end)

  it("require a valid dictionary", function()
    local webhooks = require("apivideo").client({ api_key = "k" }).webhooks
    for _, wrong in ipairs { {}, setmetatable({}, { __index = { get = print, set = print } }) } do
      local message = misuse(function() return (webhooks:secret_source { store = wrong }) end)
      assert.truthy(message:find('option "store" must have get, set, add, incr, delete'), message)
    end
  end)
end)

describe("secrets of clients", function()
  it("are separate for each account in a shared dictionary", function()
    local kept = {}
    local dict = { get = function(_, key) return kept[key] end, delete = function(_, key) kept[key] = nil end,
      set = function(_, key, value) kept[key] = value end, incr = function() return 1 end,
      add = function(_, key, value) kept[key] = value return true end }
    for _, key in ipairs { "first-key-1", "other-key-2" } do
      local client = require("apivideo").client { api_key = key, base_url = "http://127.0.0.1:1" }
      client.webhooks.get = function() return { webhookId = "webhook_1", signatureSecret = "sig_sec_" .. key } end
      assert.equal("sig_sec_" .. key, client.webhooks:secret_source({ store = dict }):resolve "webhook_1")
      assert.equal("sig_sec_" .. key, client.webhooks:secret_source({ store = dict }):known "webhook_1")
    end
    for name in pairs(kept) do assert.is_nil(name:find("key", 1, true)) end
  end)
end)
