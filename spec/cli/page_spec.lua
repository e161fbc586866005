local apivideo = require "apivideo"
local http = require "apivideo.transport.http"
local json = require "apivideo.util.json"
local process = require "spec.support.process"
local sqlite = require "apivideo.inbox.sqlite"
local wait_for = require "spec.support.wait"

local RECORDED = "video.source.recorded"
local PAGE_REQUEST = { "X-Apivideo-Page: 1" }

describe("pages of the command #process", function()
  local child

  after_each(function()
    child:kill "TERM"
    child:wait()
  end)

  local function get(url)
    local response = assert(http.request { method = "GET", url = url })
    return json.decode(response.body), response
  end

  local function post(url)
    return assert(http.request { method = "POST", url = url, headers = PAGE_REQUEST, body = "" }).status
  end

  -- Starts a command, and returns the URL of its page, which ends with a slash.
  local function start(...)
    child = process.start { "bin/apivideo", ... }
    return child:wait_for "(http://127.0.0.1:%d+/)%S*"
  end

  it("listen --emulate --ui shows the deliveries of a local account, and sends none again", function()
    local page = start("listen", "--port", "0", "--emulate", "--ui")
    local api = child:wait_for "A local api.video listens on (http://[%d.]+:%d+)"
    local output, status = process.run { "bin/apivideo", "trigger", RECORDED, "--through", api }
    assert.equal(0, status, output)
    local delivery = wait_for(function() return get(page .. "api/deliveries").data[1] end, "a delivery")
    assert.equal(RECORDED, delivery.type)
    assert.is_true(delivery.verified)
    local body, response = get(page)
    assert.is_nil(body)
    assert.matches("<!doctype html>", response.body, 1, true)
    assert.equal(403, post(page .. "api/deliveries/1/replay?to=receiver"))
  end)

  it("listen --ui --ui-write sends them again", function()
    local page = start("listen", "--port", "0", "--unsigned", "--ui", "--ui-write", "--ui-port", "0")
    local url = child:wait_for "Listening on (http://[%d.]+:%d+)"
    assert.equal(0, (select(2, process.run { "bin/apivideo", "trigger", RECORDED, "--to", url })))
    assert.equal(200, post(page .. "api/deliveries/1/replay?to=receiver"))
    assert.equal(2, #get(page .. "api/deliveries").data)
  end)

  it("inbox ui shows an inbox, and changes it with --write", function()
    local path = os.tmpname()
    local inbox = apivideo.inbox { store = sqlite { path = path } }
    local raw = assert(json.encode(apivideo.events:sample(RECORDED)))
    inbox:put { event = apivideo.parse(raw), raw = raw, verified = true }
    assert(inbox:claim())[1]:dead_letter "broken"
    local page = start("inbox", "ui", "--store", "sqlite:" .. path, "--port", "0")
    assert.equal(1, get(page .. "api/inbox").dead)
    assert.equal(403, post(page .. "api/inbox/pause"))
    child:kill "TERM"
    assert.equal(0, child:wait())
    page = start("inbox", "ui", "--store", "sqlite:" .. path, "--port", "0", "--write")
    assert.equal(200, post(page .. "api/inbox/pause"))
    assert.is_true(inbox:stats().paused)
    inbox:close()
    for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
  end)

  it("have a token on an address that others can reach", function()
    local path = os.tmpname()
    apivideo.inbox({ store = sqlite { path = path } }):stats()
    child = process.start { "bin/apivideo", "inbox", "ui", "--store", "sqlite:" .. path, "--port", "0",
      "--host", "0.0.0.0" }
    local port = child:wait_for "http://0%.0%.0%.0:(%d+)/#token=[%w_-]+%."
    local token = child:output():match "#token=([%w_-]+)"
    local url = ("http://127.0.0.1:%s/"):format(port)
    assert.equal(401, select(2, get(url .. "api/inbox")).status)
    local response = http.request { method = "GET", url = url .. "api/inbox",
      headers = { "Authorization: Bearer " .. token } }
    assert.equal(200, response.status)
    for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
  end)

  it("need their options and a port", function()
    for _, case in ipairs {
      { 2, { "listen", "--unsigned", "--ui-write" }, "--ui-write needs --ui" },
      { 2, { "listen", "--unsigned", "--ui-port", "1" }, "--ui-port needs --ui" },
      { 2, { "inbox", "ui", "--store", "sqlite:/nonexistent" }, "No such file" },
      { 2, { "inbox", "ui", "--port", "x" }, "--port must be an integer" },
    } do
      child = process.start { "bin/apivideo", (table.unpack or unpack)(case[2]) }
      local output, status = child:finish()
      assert.equal(case[1], status, output)
      assert.matches(case[3], output, 1, true)
    end
    child = process.start { "-e", "" }
  end)
end)
