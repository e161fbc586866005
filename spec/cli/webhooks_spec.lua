local apivideo = require "apivideo"
local commands = require "spec.support.commands"
local process = require "spec.support.process"
local running = require "spec.support.running"
local terminal = require "spec.support.terminal"

local URL, RECORDED = "https://example.com/", "video.source.recorded"

describe("command webhooks #process", function()
  local client
  before_each(function()
    commands.start()
    client = apivideo.client { api_key = "key", base_url = commands.api.url }
  end)
  after_each(running.stop)

  local function create(url)
    return assert(client.webhooks:create { url = url or URL, events = { RECORDED, "video.caption.generated" } })
  end

  it("lists the webhooks in columns, without their secrets", function()
    local output, status = commands.run "webhooks list"
    assert.equal(0, status)
    assert.equal("The account has no webhooks.\n", output)
    local first, second = create(), create "https://user:pass@example.com/longer?token=abcdef"
    output, status = commands.run "webhooks list"
    assert.equal(0, status, output)
    local line = "%s  %s  %s  video.source.recorded, video.caption.generated\n"
    assert.equal(line:format(first.webhookId, first.createdAt, URL .. (" "):rep(20)) .. line:format(second.webhookId,
      second.createdAt, "https://***@example.com/longer?token=***"), output)
    output = commands.run "webhooks list --show-secrets"
    for _, webhook in ipairs { first, second } do
      assert.matches(webhook.signatureSecret, output, 1, true)
      assert.matches(webhook.url, output, 1, true)
    end
  end)

  it("prints records without secrets, unless they are wanted", function()
    local webhook = create()
    for _, command in ipairs { "webhooks list --json", "webhooks get --json " .. webhook.webhookId } do
      local record = commands.records((commands.run(command)))[1]
      assert.is_nil(record.signatureSecret)
      assert.same({ webhook.webhookId, URL }, { record.webhookId, record.url })
      record = commands.records((commands.run(command .. " --show-secrets")))[1]
      assert.equal(webhook.signatureSecret, record.signatureSecret)
    end
    assert.equal("", (commands.run("webhooks delete --yes --json " .. webhook.webhookId)):match "}\n(.*)")
    assert.equal("", (commands.run "webhooks list --json"))
  end)

  it("prints one webhook", function()
    local webhook = create()
    local output, status = commands.run("webhooks get", webhook.webhookId)
    assert.equal(0, status, output)
    assert.equal(("webhookId        %s\nurl              %s\nevents           %s\ncreatedAt        %s\n"
      .. "signatureSecret  hidden; --show-secrets prints it\n"):format(webhook.webhookId, URL,
      "video.source.recorded, video.caption.generated", webhook.createdAt), output)
    output = commands.run("webhooks get --show-secrets", webhook.webhookId)
    assert.matches("\nsignatureSecret  " .. webhook.signatureSecret .. "\n", output, 1, true)
  end)

  it("creates a webhook, and says where its secret is", function()
    local output, status = commands.run("webhooks create", URL, "--event", RECORDED, "--event",
      "video.caption.generated")
    assert.equal(0, status, output)
    local webhook = client.webhooks:list().data[1]
    assert.same({ URL, { RECORDED, "video.caption.generated" } }, { webhook.url, webhook.events })
    assert.is_nil(output:find(webhook.signatureSecret, 1, true))
    assert.matches(("apivideo webhooks get %s --base-url '%s' --api-key KEY --show-secrets\n"):format(webhook.webhookId,
      commands.api.url), output, 1, true)
    output = commands.run("webhooks create --json --show-secrets", URL, "--event", RECORDED)
    local record = commands.records(output)[1]
    assert.equal(client.webhooks:get(record.webhookId).signatureSecret, record.signatureSecret)
  end)

  it("deletes webhooks after a question, which shows them", function()
    if not terminal.is_available() then return pending "script (of util-linux) is not installed" end
    local webhook = create()
    local output, status = commands.on_terminal("n\n", "webhooks delete", webhook.webhookId)
    assert.equal(1, status, output)
    assert.matches(("Delete %s %s (video.caption.generated, video.source.recorded)? [y/N] "):format(webhook.webhookId,
      URL), output, 1, true)
    assert.matches("apivideo: nothing was changed\n$", output)
    assert.truthy(client.webhooks:get(webhook.webhookId))
    output, status = commands.on_terminal("y\n", "webhooks delete", webhook.webhookId)
    assert.equal(0, status, output)
    assert.matches("deleted  " .. webhook.webhookId .. "\n", output, 1, true)
    assert.equal("not_found", select(2, client.webhooks:get(webhook.webhookId)).kind)
  end)

  it("deletes several webhooks without a terminal only with --yes", function()
    local first, second = create(), create()
    local output, status = commands.run("webhooks delete", first.webhookId, second.webhookId)
    assert.equal(2, status, output)
    assert.matches("There is no terminal to ask on; use --yes\nSee: apivideo webhooks delete --help\n", output, 1, true)
    output, status = commands.run("webhooks delete --yes", first.webhookId, second.webhookId)
    assert.equal(0, status, output)
    assert.equal(0, #client.webhooks:list().data)
  end)

  it("fails with a message", function()
    for _, case in ipairs {
      { 2, [[<id> must be "webhook_" and letters, digits, "_" or "-", got 'x']], "webhooks get x" },
      { 2, "got 'webhook_../x'", "webhooks delete webhook_../x --yes" },
      { 1, "not_found (404)", "webhooks get webhook_0" },
      { 1, "not_found (404)", "webhooks delete webhook_0 --yes" },
      { 2, "'--event'", "webhooks create https://example.com/" },
      { 2, "<url> must begin with http:// or https://; did you mean http://example.com?",
        "webhooks create example.com --event x" },
      { 2, [[--event: "apivideo.video.ready" is a type that]],
        "webhooks create https://example.com/ --event apivideo.video.ready" },
      { 2, "--event is empty; check that the variable", "webhooks create https://example.com/ --event=" },
      { 2, 'accepts no pattern such as "live-stream.broadcast.*"; list the types: live-stream.broadcast.ended, live-',
        "webhooks create https://example.com/ --event live-stream.broadcast.*" },
      { 2, "--event: 'video.encoding' is only the beginning of video.encoding.quality.completed; name each type",
        "webhooks create https://example.com/ --event video.encoding" },
      { 0, 'did you mean "video.source.recorded"?',
        "webhooks create https://example.com/ --event video.source.record" },
    } do
      local output, status = commands.run(case[3])
      assert.equal(case[1], status, output)
      assert.matches(case[2], output, 1, true)
    end
    local output = process.run { "bin/apivideo", "webhooks" }
    assert.matches(": list, get, create, delete, sync, rotate\nSee: apivideo webhooks --help\n", output, 1, true)
    output = process.run { "bin/apivideo", "webhooks", "lst" }
    assert.matches("Did you mean 'list'?\nSee: apivideo webhooks --help\n", output, 1, true)
  end)

  it("does not create a webhook that api.video cannot reach", function()
    local before = #commands.api.requests
    local output, status = commands.run("webhooks create http://10.0.0.1/ --event " .. RECORDED, "--base-url",
      "https://api.example")
    assert.equal(2, status, output)
    assert.matches("api.video cannot reach 10.0.0.1, an address of a private network; use a public", output, 1, true)
    assert.equal(before, #commands.api.requests)
  end)

  it("prints texts of others without control characters", function()
    local p = running.responding("200 OK", "Content-Type: application/json\r\n", [[{"data":[{"webhookId":"webhook_1",
      "url":"https://example.com/\u001b[31m\n","events":["a\u0007",{"b":null},null],"createdAt":null}]}]])
    commands.api = p
    local output, status = commands.run "webhooks list"
    assert.equal(0, status, output)
    assert.is_nil(output:find "[%z\1-\9\11-\31\127]", output)
    assert.equal("a\7", commands.records((commands.run "webhooks list --json"))[1].events[1])
  end)
end)
