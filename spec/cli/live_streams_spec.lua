local commands = require "spec.support.commands"
local running = require "spec.support.running"

describe("command live-streams list #process", function()
  before_each(commands.start)
  after_each(running.stop)

  it("prints live streams without their keys, the newest first", function()
    commands.api:put_live_stream { liveStreamId = "li1", name = "Morning", broadcasting = true,
      streamKey = "key-of-li1", createdAt = "2024-05-28T11:15:01+00:00",
      restreams = { { name = "other", serverUrl = "rtmp://example.com/", streamKey = "key-of-restream" } } }
    commands.api:put_live_stream { liveStreamId = "li2", name = "Evening\7", streamKey = "key-of-li2",
      createdAt = "2024-05-28T11:15:02+00:00" }
    local output, status = commands.run "live-streams list"
    assert.equal(0, status, output)
    local gap = (" "):rep(21)
    assert.equal(("li2%s  2024-05-28T11:15:02+00:00  offline  Evening?\n"
      .. "li1%s  2024-05-28T11:15:01+00:00  on air   Morning\n"):format(gap, gap), output)
    assert.matches("Morning  stream key: key%-of%-li1\n$", (commands.run "live-streams list --show-secrets"))
    output = commands.run "live-streams list --json"
    assert.is_nil(output:find("key-of", 1, true), output)
    assert.same({ name = "other", serverUrl = "rtmp://example.com/" }, commands.records(output)[2].restreams[1])
    output = commands.run "live-streams list --json --show-secrets --limit 2"
    assert.equal("key-of-restream", commands.records(output)[2].restreams[1].streamKey)
    assert.equal(1, #commands.records((commands.run "live-streams list --json --limit 1")))
  end)

  it("says that the account has no live streams", function()
    local output, status = commands.run "live-streams list"
    assert.equal(0, status)
    assert.equal("The account has no live streams.\n", output)
    assert.equal("", (commands.run "live-streams list --json"))
  end)

  it("rejects a wrong limit", function()
    local output, status = commands.run "live-streams list --limit 0"
    assert.equal(2, status)
    assert.matches("--limit must be an integer", output, 1, true)
  end)
end)
