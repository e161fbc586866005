-- The inputs of failures that `make fuzz` has found.

local http = require "apivideo.transport.http"
local json = require "apivideo.util.json"
local raw = require "spec.support.raw"
local running = require "spec.support.running"
local server = require "apivideo.server"

describe("the server, given", function()
  local instance, seen

  before_each(function()
    seen = {}
    instance = assert(server.listen {
      handler = function(request)
        seen[#seen + 1] = request
        return 204
      end,
    })
  end)

  after_each(function() instance:stop(0) end)

  local rejected = {
    ["a CR in a header's value"] = "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rX-B: c\r\n\r\n",
    ["a CR in the target"] = "POST /\255\rooks HTTP/1.1\r\nHost: a\r\n\r\n",
    ["a DEL in a header's value"] = "GET / HTTP/1.1\r\nHost: a\r\nX-A: \127\r\n\r\n",
    ["an empty method"] = "\0\0\t / HTTP/1.1\r\nHost: a\r\n\r\n",
    ["a method that is not a token"] = "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n",
    ["a folded line with a colon"] = "GET / HTTP/1.1\r\nHost: a\r\nX-35: 35\r\n X6-33:6\r\n\r\n",
    ["a name that is not a token"] = "GET / HTTP/1.1\r\nHost: a\r\nX(A: b\r\n\r\n",
  }
  for what, bytes in pairs(rejected) do
    it(what .. ", rejects it, and calls no handler", function()
      local status = raw.exchange(instance.port, bytes)
      assert(status == nil or status == 400, status)
      assert.equal(0, #seen)
      assert.equal(204, (raw.exchange(instance.port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")))
    end)
  end
end)

describe("the client, given", function()
  after_each(running.stop)

  it("a response without headers, returns an empty table", function()
    local p = running.peer(function(connection)
      connection:read_request()
      connection:send "HTTP/1.1 204 No Content\r\n\r\n"
    end)
    assert.same({}, assert(http.request { method = "GET", url = p.url }).headers)
  end)

  it("JSON with a NUL behind it, rejects it", function()
    assert.is_nil((json.decode "[1]\0]"))
  end)
end)
