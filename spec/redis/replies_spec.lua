-- The replies of a Redis server that apivideo.redis.core accepts, and those of a server that is broken or hostile.

local resp = require "spec.support.resp"

local ask = resp.ask

describe("a reply of Redis", function()
  it("has a value of each type", function()
    for bytes, expected in pairs {
      ["+OK\r\n"] = "OK", [":42\r\n"] = 42, [":-9007199254740991\r\n"] = -9007199254740991,
      ["$5\r\na\0\r\nb\r\n"] = "a\0\r\nb", ["$0\r\n\r\n"] = "", ["$-1\r\n"] = false, ["*-1\r\n"] = false,
      ["*0\r\n"] = {}, ["*3\r\n:1\r\n$-1\r\n*1\r\n+x\r\n"] = { 1, false, { "x" } },
      ["*2\r\n-ERR no\r\n:1\r\n"] = { { false, "ERR no" }, 1 },
    } do
      local state, value = ask(bytes)
      assert.equal("reply", state, bytes)
      assert.same(expected, value, bytes)
    end
  end)

  it("is an error of the server", function()
    assert.same({ "error", "WRONGPASS no" }, { ask "-WRONGPASS no\r\n" })
  end)

  it("arrives in any number of packets", function()
    local bytes, packets = "*2\r\n$10\r\n0123456789\r\n:7\r\n", {}
    for i = 1, #bytes do packets[i] = bytes:sub(i, i) end
    assert.same({ "reply", { "0123456789", 7 } }, { ask(packets) })
  end)

  it("can be large", function()
    local large = ("x"):rep(9000000)
    local state, value = ask(("$%d\r\n%s\r\n"):format(#large, large), { reply_max = 10000000 })
    assert.equal("reply", state)
    assert.is_true(value == large)
    state, value = ask("*100000\r\n" .. (":1\r\n"):rep(100000))
    assert.equal("reply", state)
    assert.equal(100000, #value)
  end)

  describe("that is hostile", function()
    local function rejected(bytes, pattern, options)
      local state, problem = ask(bytes, options)
      assert.is_nil(state, bytes)
      assert.truthy(problem:find(pattern), problem)
    end

    it("cannot reserve memory by announcing a huge size", function()
      rejected("*1048577\r\n:1\r\n", "too many elements")
      rejected("*2147483647\r\n:1\r\n", "too many elements")
      rejected("*2\r\n*1048000\r\n" .. (":1\r\n"):rep(1048000) .. "*1000\r\n", "too many elements",
        { reply_max = 100000000 })
      rejected("*99999999999999999999\r\n", ".")
      rejected("$99999999999999999999\r\n", ".")
      rejected("*-2\r\n", ".")
      rejected("$-2\r\n", ".")
    end)

    it("cannot be larger than the limit", function()
      rejected("$2000000000\r\n" .. ("x"):rep(1000001), "the reply is too large")
      rejected("+" .. ("x"):rep(1000001), "the reply is too large")
      rejected("*1000000\r\n" .. ("$1\r\nx\r\n"):rep(200000), "the reply is too large")
    end)

    it("cannot nest arrays deeply", function()
      rejected(("*1\r\n"):rep(1000) .. ":1\r\n", "nest")
      rejected(("*1\r\n"):rep(200000), "nest")
      assert.equal("reply", (ask(("*1\r\n"):rep(7) .. ":1\r\n")))
    end)

    it("cannot be another protocol", function()
      rejected("HTTP/1.1 400 Bad Request\r\n\r\n", "[Pp]rotocol error")
      rejected("\0\1\2\3", "[Pp]rotocol error")
      rejected("\r\n", "[Pp]rotocol error")
      rejected("%1\r\n+a\r\n+b\r\n", ".") -- version 3 of the protocol
      rejected("#t\r\n", ".")
    end)

    it("cannot be an incomplete one", function()
      for _, bytes in ipairs { "", "+OK", "$5\r\nab", "*2\r\n:1\r\n", "*1\r\n$3\r\nabc" } do
        assert.same({ nil, "the server has closed the connection" }, { ask(bytes, nil, true) })
      end
    end)

    it("cannot be a second one: the connection is not reused", function()
      local server = resp.sending "+OK\r\n+late\r\n"
      local connection = resp.connect(server.port)
      connection:send "PING"
      assert.same({ "reply", "OK" }, { resp.await(connection) })
      assert.is_false(connection:is_usable())
      connection:close()
      server.stop()
    end)
  end)
end)
