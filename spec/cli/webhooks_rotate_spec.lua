local apivideo = require "apivideo"
local commands = require "spec.support.commands"
local running = require "spec.support.running"
local terminal = require "spec.support.terminal"
local wait_for = require "spec.support.wait"

local URL = "https://example.com/"

describe("command webhooks rotate #process", function()
  local client, old
  before_each(function()
    commands.start()
    client = apivideo.client { api_key = "key", base_url = commands.api.url }
    old = assert(client.webhooks:create { url = URL, events = { "video.source.recorded" } })
  end)
  after_each(running.stop)

  it("prints the new webhook before it deletes the old one", function()
    local child = commands.process("webhooks rotate --yes --overlap 2 --json --show-secrets", old.webhookId)
    child:wait_for '"step":"created"'
    local new = commands.records(child:output())[1]
    assert.equal(2, #client.webhooks:list().data)
    assert.equal(client.webhooks:get(new.webhookId).signatureSecret, new.signatureSecret)
    wait_for(function() return #client.webhooks:list().data == 1 end, "the deletion")
    child:wait_for '"step":"deleted"'
    assert.equal(old.webhookId, commands.records(child:output())[2].webhookId)
  end)

  it("says what the receiver needs, and shows the progress on a terminal", function()
    if not terminal.is_available() then return pending "script (of util-linux) is not installed" end
    local output, status = commands.on_terminal("y\n", "webhooks rotate --overlap 3", old.webhookId)
    assert.equal(0, status, output)
    local new = client.webhooks:list().data[1]
    for _, expected in ipairs {
      ("Replace %s %s (video.source.recorded) by a webhook with a new secret? A receiver with fixed secrets needs the"
        .. " new one within 3 s. [y/N] "):format(old.webhookId, URL),
      ("created  %s  %s  video.source.recorded\n"):format(new.webhookId, URL),
      ("Both webhooks deliver for 3 s. The new secret: apivideo webhooks get %s --base-url '%s' --api-key KEY"
        .. " --show-secrets\n"):format(new.webhookId, commands.api.url),
      "\rboth webhooks deliver: 2 s left", ("deleted  %s\n"):format(old.webhookId),
    } do
      assert.matches(expected, output, 1, true)
    end
    assert.is_nil(output:find(new.signatureSecret, 1, true))
  end)

  it("names both webhooks when it is interrupted", function()
    local child = commands.process_with_signals("webhooks rotate --yes --overlap 60", old.webhookId)
    child:wait_for "created  webhook_"
    local new = client.webhooks:list().data[2]
    local output, status = running.finish(child, "INT")
    assert.equal(130, status, output)
    assert.matches(("apivideo: interrupted\nBoth webhooks exist: %s, %s; delete the old one with: apivideo webhooks"
      .. " delete %s --base-url '%s' --api-key KEY\n"):format(old.webhookId, new.webhookId, old.webhookId,
      commands.api.url), output, 1, true)
  end)

  it("changes nothing without a confirmation", function()
    local output, status = commands.run("webhooks rotate", old.webhookId)
    assert.equal(2, status, output)
    assert.matches("There is no terminal to ask on; use --yes", output, 1, true)
    assert.same({ old }, client.webhooks:list().data)
  end)

  it("says that both webhooks exist after a failure", function()
    commands.api:fault { on = "DELETE /webhooks/[^/]+", status = 403, times = math.huge }
    local output, status = commands.run("webhooks rotate --yes --overlap 0", old.webhookId)
    assert.equal(1, status, output)
    local all = client.webhooks:list().data
    assert.equal(2, #all)
    assert.matches(("Both webhooks exist: %s, %s; delete"):format(old.webhookId, all[2].webhookId), output, 1, true)
    assert.matches("forbidden (403)", output, 1, true)
  end)

  it("fails with a message", function()
    for _, case in ipairs {
      { 1, "not_found (404)", "webhooks rotate --yes webhook_0" },
      { 2, "--overlap must be a number of seconds from 0 to 86400, got '-1'",
        "webhooks rotate webhook_0 --overlap -1" },
      { 2, "missing argument 'id'", "webhooks rotate" },
    } do
      local output, status = commands.run(case[3])
      assert.equal(case[1], status, output)
      assert.matches(case[2], output, 1, true)
    end
  end)
end)
