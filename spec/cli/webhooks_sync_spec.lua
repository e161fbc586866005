local apivideo = require "apivideo"
local commands = require "spec.support.commands"
local process = require "spec.support.process"
local running = require "spec.support.running"
local terminal = require "spec.support.terminal"

local JSON = [[[{ "url": "https://example.com/a", "events": ["video.source.recorded"] }]
]]
local LUA = [[-- as JSON
return { { url = "https://example.com/a", events = { "video.source.recorded" } } }]]
local STARTED = "live-stream.broadcast.started"

describe("command webhooks sync #process", function()
  local client
  before_each(function()
    commands.start()
    client = apivideo.client { api_key = "key", base_url = commands.api.url }
  end)
  after_each(running.stop)

  local function create(url)
    return assert(client.webhooks:create { url = url, events = { STARTED } })
  end

  -- The urls and events of the account's webhooks, sorted.
  local function account()
    local list = {}
    for i, webhook in ipairs(client.webhooks:all()) do
      list[i] = webhook.url .. " " .. table.concat(webhook.events, ",")
    end
    table.sort(list)
    return list
  end

  -- How many lines of an output are of each step.
  local function steps_of(output)
    local counts = {}
    for step in output:gmatch "%f[^\n%z](%l+)  " do counts[step] = (counts[step] or 0) + 1 end
    return counts
  end

  it("creates what the account lacks, from JSON and Lua, and does nothing then", function()
    local output, status = commands.run("webhooks sync --dry-run", commands.file(JSON))
    assert.equal(0, status, output)
    assert.equal("create   https://example.com/a  video.source.recorded\n", output)
    assert.same({}, account())
    output, status = commands.run("webhooks sync", commands.file(JSON))
    assert.equal(0, status, output)
    local webhook = client.webhooks:list().data[1]
    assert.equal(("create   https://example.com/a  video.source.recorded\n"
      .. "created  %s  https://example.com/a  video.source.recorded\n"):format(webhook.webhookId), output)
    output, status = commands.run("webhooks sync", commands.file(LUA))
    assert.equal(0, status, output)
    assert.equal(("keep     %s  https://example.com/a  video.source.recorded\nThe account matches the file.\n"):format(
      webhook.webhookId), output)
  end)

  it("names the webhooks that it leaves alone", function()
    local other = create "https://other.example/"
    local output, status = commands.run("webhooks sync", commands.file "return {}")
    assert.equal(0, status, output)
    local line = ("other    %s  https://other.example/  %s\n"):format(other.webhookId, STARTED)
    assert.equal(line .. "The account has 1 webhook that is not in the file; with --prune, it is deleted.\n", output)
    create "https://another.example/"
    output, status = commands.run("webhooks sync", commands.file(JSON))
    assert.equal(0, status, output)
    assert.matches("\nThe account has 2 webhooks that are not in the file; with %-%-prune, they are deleted.\n$",
      output)
    assert.same({ create = 1, created = 1, other = 2 }, steps_of(output))
  end)

  it("reads standard input", function()
    local child = process.run { "-e", ("os.execute(%q)"):format("cat " .. commands.file(JSON) .. " | "
      .. process.command { "bin/apivideo", "webhooks", "sync", "-", "--api-key", "key", "--base-url",
        commands.api.url }) }
    assert.matches("^create .*\ncreated ", child)
    assert.same({ "https://example.com/a video.source.recorded" }, account())
  end)

  it("asks before it deletes, and changes nothing otherwise", function()
    if not terminal.is_available() then return pending "script (of util-linux) is not installed" end
    local old, path = create "https://example.com/a", commands.file(JSON)
    create "https://other.example/"
    local output, status = commands.on_terminal("\n", "webhooks sync", path)
    assert.equal(1, status, output)
    assert.matches("delete   " .. old.webhookId, output, 1, true)
    assert.matches("Create 1 and delete 1 webhook? [y/N] ", output, 1, true)
    assert.equal(2, #account())
    output, status = commands.on_terminal("yes\n", "webhooks sync", path)
    assert.equal(0, status, output)
    assert.matches("\ndeleted  " .. old.webhookId .. "  https://example.com/a  " .. STARTED .. "\n", output, 1, true)
    assert.same({ "https://example.com/a video.source.recorded", "https://other.example/ " .. STARTED }, account())
  end)

  it("deletes the others with --prune, without a terminal only with --yes", function()
    local other, path = create "https://other.example/", commands.file(JSON)
    local output, status = commands.run("webhooks sync --prune", path)
    assert.equal(2, status, output)
    assert.matches("Create 1 and delete 1 webhook? There is no terminal to ask on; use --yes", output, 1, true)
    assert.equal(1, #account())
    output, status = commands.run("webhooks sync --prune --yes --json", path)
    assert.equal(0, status, output)
    local steps = {}
    for i, record in ipairs(commands.records(output)) do
      steps[i] = record.step
      assert.is_nil(record.signatureSecret)
      if record.step:find "delete" then assert.equal(other.webhookId, record.webhookId) end
    end
    assert.same({ "create", "delete", "created", "deleted" }, steps)
    assert.same({ "https://example.com/a video.source.recorded" }, account())
  end)

  it("prints a secret only if it is wanted", function()
    local output = commands.run("webhooks sync --json --show-secrets", commands.file(JSON))
    assert.equal(client.webhooks:list().data[1].signatureSecret, commands.records(output)[2].signatureSecret)
  end)

  it("prints steps in colour on a terminal", function()
    if not terminal.is_available() then return pending "script (of util-linux) is not installed" end
    local output, status = commands.in_colour("webhooks sync --dry-run", commands.file(JSON))
    assert.equal(0, status, output)
    assert.equal("\27[32mcreate\27[0m   https://example.com/a  video.source.recorded\n", output)
  end)

  it("prints the plan that the account's limit does not allow", function()
    for i = 1, 10 do create("https://example.com/" .. i) end
    local output, status = commands.run("webhooks sync --prune --yes", commands.file(JSON))
    assert.equal(1, status, output)
    assert.matches("^create   https://example.com/a ", output)
    assert.matches("the account's limit of webhooks is 10, but this needs 11", output, 1, true)
    assert.equal(10, #account())
  end)

  it("prints what was created before a failure", function()
    create "https://example.com/a"
    commands.api:fault { on = "DELETE /webhooks/[^/]+", status = 403, times = math.huge }
    local output, status = commands.run("webhooks sync --yes", commands.file(JSON))
    assert.equal(1, status, output)
    assert.matches("\ncreated  webhook_", output)
    assert.is_nil(output:find "\ndeleted ")
    assert.matches("forbidden (403)", output, 1, true)
  end)

  it("rejects a file with the reason", function()
    for text, expected in pairs {
      ["[{}]"] = 'webhook 1: option "events" is required',
      ["["] = "unexpected end of input",
      ["{}"] = "a JSON list of webhooks expected",
      ["[1]"] = "a list of webhooks expected, such as: return {",
      ["return 1"] = "it must return a table, such as: return {",
      ["return {"] = ":1:",
      ["return { { url = os.getenv 'X', events = {} } }"] = "attempt to index",
      ["\27Lua"] = "it is bytecode",
      [""] = "it must return a table",
      ["- url: https://a.example"] = "it is neither JSON nor Lua; write, for example: return {",
      ["url: https://a.example"] = "it is neither JSON nor Lua; write, for example: return {",
      ["return { { url = 'example.com', events = { 'a' } } }"] = 'webhook 1: option "url" must be an http or https URL',
      ["return { { url = 'http://a.example', events = {} } }"] = 'webhook 1: option "events" must list at least one',
      ["return { { url = 'http://a.example', event = { 'a' } } }"] = 'did you mean "events"?',
      ['[{"url": "http://a.example", "events": [null]}]'] = "must be a list of strings",
      ["return { { url = 'http://a.example', events = { 'a' } }, { url = 'http://A.example', events = { 'a' } } }"] =
        "webhooks 1 and 2 are the same",
    } do
      local path = commands.file(text)
      local output, status = commands.run("webhooks sync", path)
      assert.equal(2, status, output)
      assert.matches(expected, output, 1, true)
      assert.matches(path, output, 1, true)
    end
    for path, expected in pairs { ["/nonexistent"] = "No such file", ["/"] = "Is a directory" } do
      local output, status = commands.run("webhooks sync", path)
      assert.equal(2, status, output)
      assert.matches(expected, output, 1, true)
    end
    local path = commands.file "return { { url = 'http://x', events = { 'a' } } }"
    local output, status = commands.run("webhooks sync", path, "--base-url", "https://api.example")
    assert.equal(2, status, output)
    assert.matches("webhook 1: api.video cannot reach x, a name without a domain; use a public url", output, 1, true)
  end)
end)
