-- Requests that are not deliveries: health checks, and requests without their body.

local apivideo = require "apivideo"
local http = require "apivideo.transport.http"
local inboxes = require "spec.support.inboxes"
local memory = require "apivideo.inbox.memory"
local misuse = require "spec.support.misuse"
local server = require "apivideo.server"
local stderr = require "spec.support.stderr"

local SECRET = inboxes.SECRET

describe("a health check", function()
  local outcomes

  before_each(function() outcomes = {} end)

  local function new(more)
    local options = { secrets = SECRET, health = "/health", on_outcome = function(o) outcomes[#outcomes + 1] = o end }
    if not (more and more.inbox) then options.handlers = apivideo.handlers() end
    for name, value in pairs(more or {}) do options[name] = value end
    local receiver = apivideo.receiver(options)
    return receiver
  end

  local function get(receiver, path, method)
    return receiver:receive { method = method or "GET", headers = {}, path = path }
  end

  it("gets 200 for GET and HEAD of its path, and is neither logged nor counted", function()
    local receiver = new()
    for _, method in ipairs { "GET", "HEAD" } do
      local status, headers, body = get(receiver, "/health", method)
      assert.same({ 200, {}, "" }, { status, headers, body })
    end
    assert.same({}, outcomes)
    assert.truthy(receiver:metrics():find("apivideo_deliveries_received_total 0\n", 1, true))
    local by_default = apivideo.receiver { handlers = apivideo.handlers(), secrets = SECRET, health = "/health" }
    assert.same({}, stderr.of(function() get(by_default, "/health") end))
  end)

  it("is limited to its path and methods, and needs the option", function()
    local receiver = new()
    for _, path in ipairs { "/", "/healthy", "/health/", "/HEALTH", "" } do assert.equal(405, (get(receiver, path))) end
    assert.equal(405, (get(receiver, nil)))
    assert.equal(405, (get(receiver, "/health", "PUT")))
    assert.equal(401, (get(receiver, "/health", "POST")))
    local without = apivideo.receiver { handlers = apivideo.handlers(), secrets = SECRET }
    assert.equal(405, (get(without, "/health")))
    assert.equal(8, #outcomes)
  end)

  it("gets 503 while the store of the inbox is unavailable", function()
    local store = inboxes.failing(memory())
    local receiver = new { inbox = apivideo.inbox { store = store } }
    assert.equal(200, (get(receiver, "/health")))
    store.down = true
    assert.equal(503, (get(receiver, "/health")))
    store.down = false
    assert.equal(200, (get(receiver, "/health")))
    store.list = function() error "bug" end
    assert.equal(503, (get(receiver, "/health")))
    assert.same({}, outcomes)
  end)

  it("gets 200 while a spool replaces the store", function()
    local store, spool = inboxes.failing(memory()), inboxes.failing(memory())
    local receiver = new { inbox = apivideo.inbox { store = store, spool = spool } }
    store.down = true
    assert.equal(200, (get(receiver, "/health")))
    spool.down = true
    assert.equal(503, (get(receiver, "/health")))
  end)

  it("works in a standalone server, also with a query", function()
    local listening = assert(server.listen { receiver = new() })
    for target, status in pairs { ["/health"] = 200, ["/health?probe=1"] = 200, ["/"] = 405 } do
      local url = listening.url .. target
      assert.equal(status, assert(http.request { method = "GET", url = url }).status)
      assert.equal(status, assert(http.request { method = "HEAD", url = url }).status)
    end
    listening:stop()
    assert.equal(2, #outcomes)
  end)

  it("needs a valid path", function()
    for _, path in ipairs { "", "health", "/a?b", "/a b", "/a\n" } do
      local message = misuse(function() return (new { health = path }) end)
      assert.truthy(message:find('option "health" must be a path such as "/health"', 1, true), message)
    end
    local message = misuse(function() return (new { health = true }) end)
    assert.truthy(message:find('option "health" must be a string', 1, true), message)
    local receiver = new()
    message = misuse(function() receiver:receive { method = "GET", headers = {}, path = 5 } end)
    assert.truthy(message:find("path must be a string", 1, true), message)
  end)
end)

describe("a body that was not read", function()
  local outcome

  local function receive(request)
    local receiver = apivideo.receiver { handlers = apivideo.handlers(), secrets = SECRET,
      on_outcome = function(o) outcome = o end }
    request.method = request.method or "POST"
    return (receiver:receive(request)), outcome.err.message
  end

  it("is recognised by the content-length header, and the log suggests receiver:nginx()", function()
    for _, name in ipairs { "Content-Length", "content-length" } do
      local status, message = receive { headers = { [name] = "135" } }
      assert.equal(400, status)
      assert.equal("invalid_request", outcome.err.kind)
      assert.truthy(message:find("body is nil although the content-length header is 135", 1, true), message)
      assert.truthy(message:find("receiver:nginx()", 1, true), message)
    end
  end)

  it("counts as empty without a content-length header", function()
    for _, value in ipairs { "0", "", "x", "-1", true, {}, { "5", "6" }, 0 } do
      assert.equal(401, (receive { headers = { ["content-length"] = value } }))
    end
    assert.equal(401, (receive { headers = {} }))
    assert.equal(401, (receive { headers = { ["content-length"] = "5" }, body = "" }))
    assert.equal(401, (receive { headers = { ["content-length"] = "5" }, size = 5 }))
    assert.equal(405, (receive { headers = { ["content-length"] = "5" }, method = "GET" }))
  end)
end)
