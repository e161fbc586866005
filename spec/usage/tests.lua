-- Tests of an application with busted: a retry without waiting for it, and a forged delivery.
local apivideo = require "apivideo"
local testing = require "apivideo.testing"

describe("the application", function()
  local inbox, is_full, archived = apivideo.inbox { store = testing.store() }, true, nil
  local receiver = apivideo.receiver { inbox = inbox, secrets = "sig_sec_of_the_test" }
  local handlers = apivideo.handlers():on("video.source.recorded", function(event)
    if is_full then return nil, "the disk is full" end
    archived = event.videoId
  end)
  it("archives a recording once the disk has space again", function()
    receiver:receive(testing.delivery("video.source.recorded", { videoId = "vi1" }, "sig_sec_of_the_test"))
    assert.equal(1, testing.drain(inbox, handlers))
    is_full = false
    testing.clock:advance(5)
    assert.equal(1, testing.drain(inbox, handlers))
    assert.equal("vi1", archived)
  end)
  it("rejects a forged delivery", function()
    local forged = testing.delivery("video.source.recorded", nil, "another secret")
    assert.equal(401, (receiver:receive(forged)))
  end)
end)
