local all_at_once = require "spec.support.all_at_once"
local dictionary = require "apivideo.runtime.dictionary"
local errors = require "apivideo.error"
local lookups = require "spec.support.lookups"
local runtime = require "apivideo.runtime"
local secrets_of = require "apivideo.resources.webhooks.secrets"

local ids, found, missing, broken = lookups.ids, lookups.found, lookups.missing, lookups.broken

local function expired() return { ttl = 0, miss_ttl = 0 } end

-- Where secrets are cached: in memory, or in a dictionary that workers share.
for place, more in pairs {
  ["in memory"] = function(options) return options end,
  ["in a dictionary"] = function(options)
    options = options or {}
    options.store = dictionary.new()
    return options
  end,
} do
  describe("secrets " .. place, function()
    local clock = runtime.monotonic
    local ahead -- seconds by which the clock has been put forward

    before_each(function()
      ahead = 0
      local now = clock() -- it stands still: a busy machine must not move it
      runtime.monotonic = function() return now + ahead end
    end)

    after_each(function() runtime.monotonic = clock end)

    -- A cache over a function, and the list of requested ids.
    local function resolver(fetch, options)
      local asked = {}
      return secrets_of.new(function(id)
        asked[#asked + 1] = id
        return fetch(id)
      end, more(options)), asked
    end

    it("are requested once and cached", function()
      local secrets, asked = resolver(found)
      for _ = 1, 3 do assert.equal("sig_sec_webhook_A", secrets:resolve(ids.A)) end
      assert.equal("sig_sec_webhook_B", secrets:resolve(ids.B))
      assert.same({ ids.A, ids.B }, asked)
    end)

    it("are cached as missing", function()
      local secrets, asked = resolver(missing)
      for _ = 1, 3 do assert.same({ nil }, { secrets:resolve(ids.A) }) end
      assert.equal(1, #asked)
      secrets, asked = resolver(function(id) return { webhookId = id } end)
      for _ = 1, 3 do assert.is_nil((secrets:resolve(ids.A))) end
      assert.equal(1, #asked)
    end)

    it("are requested again after their ttl", function()
      local secrets, asked = resolver(found, expired())
      secrets:resolve(ids.A)
      secrets:resolve(ids.A)
      runtime.sleep(0)
      assert.equal(2, #asked)
      secrets, asked = resolver(missing, expired())
      secrets:resolve(ids.A)
      secrets:resolve(ids.A)
      assert.equal(2, #asked)
    end)

    it("are not requested with an invalid id", function()
      local secrets, asked = resolver(found)
      for _, id in ipairs { "", "../videos", "webhook_", "webhook_/..", "webhook_a\r\n", 5, {},
        "webhook_" .. ("a"):rep(93) } do
        assert.same({}, { secrets:resolve(id) })
      end
      assert.same({}, { secrets:resolve(nil) })
      assert.same({}, asked)
    end)

    it("are requested once at a time for all waiting calls", function()
      local secrets, asked = resolver(function(id)
        runtime.sleep(0.01)
        return found(id)
      end)
      local got = {}
      all_at_once(20, function(i) got[i] = secrets:resolve(ids.A) end)
      assert.equal(20, #got)
      assert.same({ ids.A }, asked)
    end)

    it("report a failure to all waiting calls, and are requested again after it", function()
      local fetch = broken
      local secrets, asked = resolver(function(id)
        runtime.sleep(0)
        return fetch(id)
      end)
      local kinds = {}
      all_at_once(3, function(i) kinds[i] = select(2, secrets:resolve(ids.A)).kind end)
      assert.same({ "network", "network", "network" }, kinds)
      assert.equal(1, #asked)
      fetch = found
      assert.equal("sig_sec_webhook_A", secrets:resolve(ids.A))
    end)

    it("are used without a wait while the API is slow or unavailable", function()
      local fetch = found
      local secrets, asked = resolver(function(id) return fetch(id) end, expired())
      secrets:resolve(ids.A)
      local never = runtime.latch()
      fetch = function() never:wait() return broken() end
      for _ = 1, 3 do
        assert.equal("sig_sec_webhook_A", secrets:resolve(ids.A))
        runtime.sleep(0)
      end
      assert.equal(2, #asked)
      never:open()
      runtime.sleep(0)
      assert.equal("sig_sec_webhook_A", secrets:resolve(ids.A))
    end)

    it("are no longer valid when their webhook is deleted", function()
      local fetch = found
      local secrets = resolver(function(id) return fetch(id) end, expired())
      secrets:resolve(ids.A)
      fetch = missing
      secrets:resolve(ids.A)
      runtime.sleep(0)
      assert.is_nil((secrets:resolve(ids.A)))
    end)

    it("do not wait on top of each other where Lua cannot yield", function()
      local secrets = resolver(function(id)
        runtime.sleep(0.01)
        return found(id)
      end)
      local got = {}
      all_at_once(3, function(i)
        -- A comparison of table.sort cannot yield; a wait there runs the loop.
        table.sort({ 1, 2 }, function(a, b)
          got[i] = secrets:resolve(ids.A)
          return a < b
        end)
      end)
      for i = 1, 3 do assert.equal("sig_sec_webhook_A", got[i]) end
    end)

    it("are not taken from invalid responses", function()
      for _, secret in ipairs { "", 5, {}, false } do
        local secrets = resolver(function(id) return { webhookId = id, signatureSecret = secret } end)
        assert.same({ nil }, { secrets:resolve(ids.A) })
      end
      for _, reply in ipairs { { maintenance = true }, { webhookId = ids.B, signatureSecret = "sig_sec_B" }, true } do
        local secrets, asked = resolver(function() return reply end)
        for _ = 1, 2 do
          local secret, err = secrets:resolve(ids.A)
          assert.is_nil(secret)
          assert.equal("unexpected_response", err.kind)
        end
        assert.equal(2, #asked)
      end
    end)

    it("survive a function that raises", function()
      local secrets = resolver(function() error("oops") end)
      for _ = 1, 2 do
        local secret, err = secrets:resolve(ids.A)
        assert.is_nil(secret)
        assert.truthy(err.message:find("oops"))
      end
    end)

    it("are not shown when printed", function()
      local secrets = resolver(found)
      secrets:resolve(ids.A)
      assert.is_nil(tostring(secrets):find("sig_sec"))
      assert.is_nil(next(secrets))
    end)

    it("have a key space of their own: no id reads a counter", function()
      local secrets = resolver(missing)
      secrets:resolve(ids.A)
      for _, id in ipairs { "lookups", "questions", "again:webhook_A", "asking:webhook_A", "count:lookups", "\0" } do
        assert.is_nil((secrets:known(id)))
        assert.is_nil((secrets:resolve(id)))
      end
    end)

    it("are returned by `known` once they are cached", function()
      local secrets, asked = resolver(function(id)
        if id == ids.A then return found(id) end
        return missing()
      end)
      for _, id in ipairs { ids.A, ids.B, "", "webhook_/.." } do assert.is_nil((secrets:known(id))) end
      assert.is_nil((secrets:known(nil)))
      assert.same({}, asked)
      secrets:resolve(ids.A)
      secrets:resolve(ids.B)
      assert.equal("sig_sec_webhook_A", secrets:known(ids.A))
      assert.is_nil((secrets:known(ids.B)))
      assert.equal(2, #asked)
    end)

    it("are used for an hour while the API is unavailable, and are requested regularly", function()
      local fetch = found
      local secrets, asked = resolver(function(id) return fetch(id) end)
      secrets:resolve(ids.A)
      fetch = broken
      local function resolve(times)
        for _ = 1, times do
          assert.equal("sig_sec_webhook_A", secrets:resolve(ids.A))
          runtime.sleep(0)
        end
      end
      ahead = 299
      resolve(3)
      assert.equal(1, #asked)
      ahead = 301
      resolve(3)
      assert.equal(2, #asked)
      ahead = 320
      resolve(3)
      assert.equal(3, #asked)
      ahead = 300 + 3599
      resolve(1)
      ahead = 300 + 3601
      local secret, err = secrets:resolve(ids.A)
      assert.is_nil(secret)
      assert.equal("network", err.kind)
      fetch = found
      resolve(1)
    end)

    describe("with unknown ids", function()
      local fetch, secrets, asked

      before_each(function()
        fetch = missing
        secrets, asked = resolver(function(id) return fetch(id) end)
      end)

      local function send_forged(count, from)
        local kinds = {}
        for i = from or 1, (from or 1) + count - 1 do
          local secret, err = secrets:resolve("webhook_forged" .. i)
          assert.is_nil(secret)
          kinds[#kinds + 1] = err and err.kind or "none"
        end
        return kinds
      end

      it("are requested twenty times a minute", function()
        local kinds = send_forged(25)
        for i = 1, 25 do assert.equal(i <= 20 and "none" or "rate_limited", kinds[i]) end
        assert.equal(20, #asked)
        for i, kind in ipairs(send_forged(25)) do assert.equal(i <= 20 and "none" or "rate_limited", kind) end
        assert.equal(20, #asked)
        ahead = 61
        send_forged(25, 100)
        assert.equal(40, #asked)
      end)

      it("are requested twenty times a minute, also at the same time", function()
        fetch = function()
          runtime.sleep(0.01)
          return missing()
        end
        local rejected = 0
        all_at_once(50, function(i)
          local _, err = secrets:resolve("webhook_forged" .. i)
          if err then rejected = rejected + 1 end
        end)
        assert.equal(20, #asked)
        assert.equal(30, rejected)
      end)

      it("are requested without a limit once they are known", function()
        fetch = found
        for i = 1, 30 do assert.truthy(secrets:resolve("webhook_real" .. i)) end
        fetch = missing
        send_forged(25)
        assert.equal(50, #asked)
        local function resolve_all()
          fetch = found
          for i = 1, 30 do assert.truthy(secrets:resolve("webhook_real" .. i)) end
          runtime.sleep(0)
          fetch = missing
        end
        ahead = 301 -- expired: they serve, and are asked for beside the lookups
        send_forged(25, 100)
        resolve_all()
        assert.equal(100, #asked)
        ahead = 301 + 4000 -- too old to serve
        send_forged(25, 200)
        resolve_all()
        assert.equal(150, #asked)
      end)

      it("are requested again after every failure: only not_found counts", function()
        for _, kind in ipairs { "network", "rate_limited", "server_error", "unauthorized", "unexpected_response" } do
          fetch = function() return nil, errors.new(kind, "no") end
          for _, got in ipairs(send_forged(30)) do assert.equal(kind, got) end
        end
        fetch = function() error "oops" end
        for _, got in ipairs(send_forged(30)) do assert.equal("store_unavailable", got) end
        assert.equal(180, #asked)
        fetch = found
        assert.equal("sig_sec_webhook_A", secrets:resolve(ids.A)) -- api.video has recovered
      end)

      it("do not count when their webhooks are older than signatures", function()
        fetch = function(id) return { webhookId = id } end
        for _, kind in ipairs(send_forged(30)) do assert.equal("none", kind) end
        assert.equal(30, #asked)
      end)
    end)
  end)
end
