local peer = require "spec.support.peer"
local relay = require "apivideo.cli.relay"
local running = require "spec.support.running"

describe("relay", function()
  after_each(running.stop)

  it("omits headers about the connection and the framing, and sends the others", function()
    local app = running.responding("200 OK", nil, "text")
    local relayed = relay.send { url = app.url, body = "\0x", headers = { host = "a", connection = "close",
      ["content-length"] = "99", ["transfer-encoding"] = "chunked", ["content-type"] = "text/x", b = { "1", "2" } } }
    assert.equal(200, relayed.status)
    assert.equal("text", relayed.body)
    assert.is_true(relay.is_success(relayed))
    local request = app.requests[1]
    assert.equal("\0x", request.body)
    assert.same({ "2" }, peer.values(request, "content-length"))
    assert.same({}, peer.values(request, "transfer-encoding"))
    assert.same({ "1", "2" }, peer.values(request, "b"))
    assert.same({ "text/x" }, peer.values(request, "content-type"))
  end)

  it("has the status 504 after a timeout, and 502 after other failures", function()
    local silent = running.serving(function() end)
    local relayed = relay.send { url = silent.url, body = "", headers = {}, timeout = 0.1 }
    assert.equal("timeout", relayed.err.kind)
    assert.equal(504, relay.status(relayed))
    assert.is_false(relay.is_success(relayed))
    assert.equal(502, relay.status(relay.send { url = "http://127.0.0.1:1", body = "", headers = {} }))
    local redirecting = running.responding("302 Found", "Location: /x\r\n")
    assert.equal(302, relay.status(relay.send { url = redirecting.url, body = "", headers = {} }))
  end)
end)
