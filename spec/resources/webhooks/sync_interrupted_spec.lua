-- Desired state: an interrupted run, and the run after it.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local errors = require "apivideo.error"
local running = require "spec.support.running"
local syncing = require "spec.support.syncing"
local tables = require "apivideo.util.tables"

local RECORDED, QUALITY, CAPTION, SUMMARY = syncing.RECORDED, syncing.QUALITY, syncing.CAPTION, syncing.SUMMARY
local put, want, state, methods, ids_of = syncing.put, syncing.want, syncing.state, syncing.methods, syncing.ids_of

describe("webhooks:sync", function()
  local api, client

  after_each(running.stop)

  local function start(more) api, client = syncing.start(more) end

  describe("completes an interrupted run", function()
    local wanted = { want("a", QUALITY), want("b", RECORDED), want("c", CAPTION), want("keep", SUMMARY) }
    local WRITES = 6 -- a, b, c are created; earlier, old_a, mine are deleted
    local options = {
      prune = true,
      owned_by = function(webhook) return not webhook.url:find("/external", 1, true) end,
    }

    local function account()
      start()
      put("old_a", "a", { RECORDED })
      put("keep", "keep", { SUMMARY })
      put("earlier", "keep", { SUMMARY })
      put("mine", "mine", { RECORDED })
      put("external", "external", { RECORDED })
      put("external2", "external", { RECORDED })
    end

    local final = { "a: " .. QUALITY, "b: " .. RECORDED, "c: " .. CAPTION, "external: " .. RECORDED,
      "external: " .. RECORDED, "keep: " .. SUMMARY }

    local function count_writes()
      local count = 0
      for _, request in ipairs(api.requests) do
        if request.method ~= "GET" then count = count + 1 end
      end
      return count
    end

    -- After an interrupted run: the next one completes it, and the one after that has nothing to do.
    local function assert_completed()
      api:clear_faults()
      client = client_of(api.url)
      assert(client.webhooks:sync(wanted, options))
      assert.same(final, state())
      assert.is_truthy(api.webhooks:find("webhook_external"))
      assert.is_truthy(api.webhooks:find("webhook_external2"))
      assert.is_truthy(api.webhooks:find("webhook_keep"))
      local requests = #api.requests
      assert(client.webhooks:sync(wanted, options))
      assert.equal("GET", methods(requests))
    end

    -- A wanted url that had a webhook before and has none now, or nil. There must be none at any time.
    local function unserved()
      local served = {}
      for _, webhook in ipairs(api.webhooks.items) do served[webhook.url] = true end
      for _, url in ipairs { "a", "keep", "external" } do
        if not served["https://example.com/" .. url] then return url end
      end
    end

    it("or one that was not interrupted", function()
      account()
      assert(client.webhooks:sync(wanted, options))
      assert.equal(WRITES, count_writes())
      assert.same(final, state())
      assert_completed()
    end)

    local faults = {
      ["the server failing"] = { status = 500 },
      ["the connection lost before the request was read"] = { reset = "before" },
      ["the connection lost after it"] = { reset = "after" },
      ["a truncated response"] = { truncate = true },
    }

    for name, fault in pairs(faults) do
      for _, times in ipairs { 1, math.huge } do
        it(("by %s, %s, at any write"):format(name, times == 1 and "once" or "from then on"), function()
          for n = 1, WRITES do
            account()
            local writes, missing = 0, nil
            client = client_of(api.url, { on_request = function(request)
              if request.method == "GET" then return end
              writes = writes + 1
              missing = missing or unserved()
              if writes ~= n then return end
              for _, on in ipairs { "POST /webhooks", "DELETE /webhooks/.*" } do
                local one = { on = on, times = times }
                for key, value in pairs(fault) do one[key] = value end
                api:fault(one)
              end
            end })
            local plan, err = client.webhooks:sync(wanted, options)
            if not plan then
              assert.is_true(errors.is(err))
              assert.is_table(err.plan.created)
            end
            assert.is_nil(missing or unserved())
            assert_completed()
          end
        end)
      end
    end

    -- A process that ends: it sends nothing more.
    for when, hook in pairs { before = "on_request", after = "on_response" } do
      it("by the end of the process, " .. when .. " any write", function()
        for n = 1, WRITES do
          account()
          local cancel, writes = apivideo.cancellation(), 0
          client = client_of(api.url, { [hook] = function(fact)
            if (fact.method or fact.request.method) == "GET" then return end
            writes = writes + 1
            if writes == n then cancel:cancel() end
          end })
          local plan, err = client.webhooks:sync(wanted, tables.merge(options, { cancel = cancel }))
          if n < WRITES or when == "before" then
            assert.is_nil(plan)
            assert.equal("cancelled", err.kind)
            assert.is_table(err.plan.created)
          end
          assert.equal(when == "before" and n - 1 or n, count_writes())
          assert.is_nil(unserved())
          assert_completed()
        end
      end)
    end
  end)

  it("reports what was done before a failure", function()
    start()
    put("old", "a", { RECORDED })
    api:fault { status = 500, on = "DELETE /webhooks/.*" }
    local plan, err = client.webhooks:sync { want("a", QUALITY) }
    assert.is_nil(plan)
    assert.equal("server_error", err.kind)
    assert.equal("DELETE", err.request.method)
    assert.equal(1, #err.plan.created)
    assert.same({ "webhook_old" }, ids_of(err.plan.delete))
  end)
end)
