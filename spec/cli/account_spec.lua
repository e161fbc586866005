local commands = require "spec.support.commands"
local process = require "spec.support.process"
local running = require "spec.support.running"
local terminal = require "spec.support.terminal"

local EACH = { "webhooks list", "webhooks get webhook_1", "webhooks delete webhook_1 --yes",
  "webhooks create https://example.com/ --event video.source.recorded", "webhooks rotate webhook_1 --yes",
  "videos list", "videos status vi1", "videos wait vi1", "live-streams list", "request GET /videos" }

describe("commands that call an account #process", function()
  before_each(commands.start)
  after_each(running.stop)

  it("need an API key", function()
    for _, words in ipairs(EACH) do
      local arguments = { "bin/apivideo" }
      for word in words:gmatch "%S+" do arguments[#arguments + 1] = word end
      local output, status = process.run(arguments, "-u APIVIDEO_API_KEY XDG_CONFIG_HOME=/nonexistent")
      assert.equal(2, status, output)
      assert.matches("no API key; use --api-key, set APIVIDEO_API_KEY, or", output, 1, true)
    end
  end)

  it("fail with a wrong API key, and do not show it", function()
    for _, words in ipairs(EACH) do
      local output, status = commands.run(words, "--api-key", "wrong-key-1")
      assert.equal(1, status, output)
      assert.matches("^apivideo: api.video: unauthorized %(401%): ", output)
      assert.matches("sandbox and production have different ones", output, 1, true)
      assert.is_nil(output:find("wrong-key-1", 1, true), output)
    end
  end)

  it("fail without a connection", function()
    for url, expected in pairs {
      ["http://127.0.0.1:1"] = "the connection was refused",
      ["http://nothing.invalid"] = "the host name cannot be resolved",
    } do
      for _, words in ipairs { "webhooks list", "videos wait vi1" } do -- each retries for some seconds
        local output, status = commands.run(words, "--base-url", url)
        assert.equal(1, status, output)
        assert.matches(expected, output, 1, true)
      end
    end
  end)

  it("wait for the rate limit, and show that on a terminal only", function()
    if not terminal.is_available() then return pending "script (of util-linux) is not installed" end
    for _, words in ipairs { "webhooks list", "videos list --limit 1", "request GET /videos --json" } do
      commands.api:fault { rate_limited = { seconds = 2 } }
      local output, status = commands.on_terminal("", words)
      assert.equal(0, status, output)
      assert.matches("\rapi.video's rate limit is reached: waiting 1 s", output, 1, true)
      assert.matches("\r +\r", output) -- it is removed
    end
    commands.api:fault { rate_limited = { seconds = 2 } }
    local output, status = commands.run "webhooks list"
    assert.equal(0, status)
    assert.equal("The account has no webhooks.\n", output)
  end)
end)
