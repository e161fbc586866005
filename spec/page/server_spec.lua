-- The page on a port of its own.

local apivideo = require "apivideo"
local http = require "apivideo.transport.http"
local json = require "apivideo.util.json"
local pages = require "spec.support.page"
local running = require "spec.support.running"
local stderr = require "spec.support.stderr"

describe("the page on a port", function()
  local page, receiver, url

  before_each(function()
    stderr.catch()
    page, receiver = pages.new { write = true }
    local server = assert(apivideo.server.listen { receiver = page })
    running.add(function() server:stop(0) end)
    url = server.url
  end)

  after_each(function()
    running.stop()
    stderr.release()
  end)

  local function send(method, path, headers, body)
    return assert(http.request { method = method, url = url .. path, headers = headers or {}, body = body })
  end

  it("responds to a browser, and to its script", function()
    local response = send("GET", "/")
    assert.same({ 200, "text/html; charset=utf-8" }, { response.status, response.headers["content-type"] })
    assert.matches("<!doctype html>", response.body)
    pages.deliver(receiver)
    assert.equal(1, #json.decode(send("GET", "/api/deliveries?after=0").body).data)
    assert.equal(404, send("GET", "/favicon.ico").status)
  end)

  it("sends a body of a megabyte back as it arrived", function()
    local body = ("\0\255<"):rep(349525)
    receiver:receive { method = "POST", headers = {}, body = body }
    assert.equal(body, send("GET", "/api/deliveries/1/body").body)
  end)

  it("sends again while the handlers wait", function()
    local handlers = apivideo.handlers():on("*", function() apivideo.sleep(0.01) end)
    local slow_page, slow = pages.new({ write = true }, { handlers = handlers })
    local server = assert(apivideo.server.listen { receiver = slow_page })
    running.add(function() server:stop(0) end)
    pages.deliver(slow)
    local response = http.request { method = "POST", url = server.url .. "/api/deliveries/1/replay?to=receiver",
      headers = { "X-Apivideo-Page: 1" }, body = "" }
    assert.equal(200, response.status)
    assert.matches('"id":2', response.body)
  end)

  it("rejects a request with the Host of another site", function()
    assert.equal(403, send("GET", "/api/deliveries", { "Host: attacker.example" }).status)
  end)
end)
