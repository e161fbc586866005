-- Each name is warned about once in a process, so each spec has names of its own.

local apivideo = require "apivideo"
local running = require "spec.support.running"
local stderr = require "spec.support.stderr"
local syncing = require "spec.support.syncing"

local RECORDED, want = syncing.RECORDED, syncing.want

describe("a webhook with an event type that the catalogue does not have", function()
  local api, client

  before_each(function()
    api, client = syncing.start()
  end)
  after_each(running.stop)

  local function warnings(run)
    return table.concat(stderr.of(run))
  end

  it("is created, with a warning that names the most similar type", function()
    local webhook
    local written = warnings(function()
      webhook = client.webhooks:create(want("a", RECORDED, "video.source.recordet"))
    end)
    assert.equal('warn apivideo: webhooks:create: "video.source.recordet" is not a known event type (did you mean "'
      .. RECORDED .. '"?); it is sent to api.video anyway\n', written:match "^%S+ (.*)$")
    assert.equal("POST", syncing.methods())
    assert.same({ RECORDED, "video.source.recordet" }, webhook.events)
  end)

  it("is synchronized, with one warning for a name", function()
    local plan
    local written = warnings(function()
      plan = client.webhooks:sync({ want("a", "video.sync.new"), want("b", "video.sync.new") }, { dry_run = true })
      client.webhooks:sync({ want("a", "video.sync.new") }, { dry_run = true })
    end)
    assert.equal(2, #plan.create)
    local _, count = written:gsub("webhooks:sync: \"video.sync.new\" is not a known event type", "")
    assert.equal(1, count)
    assert.equal("", warnings(function() client.webhooks:sync { want("a", RECORDED) } end))
  end)

  it("is not warned about if another argument is wrong", function()
    assert.equal("", warnings(function()
      assert.is_false(pcall(client.webhooks.create, client.webhooks, { url = "no url", events = { "video.wrong" } }))
      local item = want("a", "video.wrong")
      assert.is_false(pcall(client.webhooks.sync, client.webhooks, { item, item }))
      assert.is_false(pcall(client.webhooks.sync, client.webhooks, { item }, { prune = true }))
    end))
    assert.equal(0, #api.requests)
  end)

  it("raises if the type is a pattern, with the types that it would match", function()
    for name, types in pairs {
      ["live-stream.broadcast.*"] = "live-stream.broadcast.ended, live-stream.broadcast.started",
      ["vido.*"] = table.concat(apivideo.events:names(), ", "),
    } do
      for _, call in ipairs { function(item) client.webhooks:create(item) end,
        function(item) client.webhooks:sync { item } end } do
        local ok, message = pcall(call, want("a", RECORDED, name))
        assert.is_false(ok)
        assert.truthy(message:find(('option "events": api.video sends events to a webhook by type, and accepts no'
          .. ' pattern such as "%s"; list the types: %s'):format(name, types), 1, true), message)
      end
    end
    assert.equal(0, #api.requests)
  end)

  it("raises if the type is not a string", function()
    assert.is_false(pcall(client.webhooks.create, client.webhooks, want("a", 5)))
    assert.is_false(pcall(client.webhooks.sync, client.webhooks, { want("a", {}) }))
  end)
end)
