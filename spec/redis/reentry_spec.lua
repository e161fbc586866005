--- Finalizers that call a connection to Redis during another call of it.

if require "spec.support.alone"("spec/redis/reentry_spec.lua", it) then return end

local finalizers = require "spec.support.finalizers"
local resp = require "spec.support.resp"
local runtime = require "apivideo.runtime"

local function pack(...) return { n = select("#", ...), ... } end

describe("a connection to Redis, re-entered by finalizers", function()
  local server
  local LONG = ("abcd"):rep(1000) -- in Lua 5.2, two cycles are at least two kilobytes apart

  before_each(function()
    server = resp.sending { "", "*3\r\n$4000\r\n" .. LONG .. "\r\n*2\r\n:1\r\n+x\r\n-ERR no\r\n" }
  end)
  after_each(function() server.stop() end)

  -- A connection that has received its reply.
  local function with_reply()
    local connection = resp.connect(server.port)
    assert.equal("idle", resp.await(connection))
    connection:send "GET"
    assert.equal("waiting", connection:step())
    runtime.sleep(0.1)
    return connection
  end

  local EXPECTED = { LONG, { 1, "x" }, { false, "ERR no" } }

  for name, reenter in pairs {
    closes = function(connection) connection:close() end,
    steps = function(connection) connection:step() end,
    sends = function(connection) pcall(connection.send, connection, "SET", "a", "b") end, -- an error while one is pending
  } do
    it("returns a whole reply, or a failure, when a finalizer " .. name, function()
      local calls = 0
      for _ = 1, 3 do
        local connection = with_reply()
        local results = pack(finalizers.during(function() reenter(connection) end, connection.step, connection))
        assert.is_true(results[1], results[2])
        calls = calls + results[results.n]
        if results[2] == "reply" then
          assert.same(EXPECTED, results[3])
        else
          assert.not_equal("error", results[2])
        end
        connection:close()
      end
      assert.is_true(calls > 0)
    end)
  end
end)
