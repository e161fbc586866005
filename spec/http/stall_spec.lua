-- Peers that stall, or send a byte at a time (slow loris), at any point: each request ends within its own time limit,
-- and does not delay others.

local http = require "apivideo.transport.http"
local lfs = require "lfs"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local LIMIT = os.getenv "APIVIDEO_SLOW" and 1 or 0.2 -- time limit of a request, in seconds
local SLACK = 5   -- seconds that a busy machine may add

local function post(url, timeout)
  return http.request { method = "POST", url = url, body = "{}", timeout = timeout or LIMIT }
end

-- The number of open descriptors of this process. Without a child process: popen's end of a pipe for it may still be
-- open while the child counts.
local function count_descriptors()
  local count = 0
  for _ in lfs.dir "/proc/self/fd" do count = count + 1 end
  return count
end

-- Fails unless a request ends within its time limit. Returns whether it was sent.
local function assert_ends(url)
  local began = runtime.monotonic()
  local response, err, sent = post(url)
  local took = runtime.monotonic() - began
  assert.is_nil(response)
  assert.equal("timeout", err.kind, err.message)
  assert.is_true(err.retryable)
  assert.is_true(took >= LIMIT / 2 and took < LIMIT + SLACK, took)
  return sent
end

-- What a peer has sent when it stalls.
local partial_responses = {
  ["before its response"] = "",
  ["in the status line"] = "HTTP/1.1 2",
  ["after the status line"] = "HTTP/1.1 200 OK\r\n",
  ["in a header's name"] = "HTTP/1.1 200 OK\r\nX-",
  ["in a header"] = "HTTP/1.1 200 OK\r\nX-A: b",
  ["before the empty line"] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
  ["after a 1xx response"] = "HTTP/1.1 100 Continue\r\n\r\n",
  ["before the body"] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
  ["in the body"] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
  ["in a body that tells no length"] = "HTTP/1.1 200 OK\r\n\r\n{}",
  ["in a chunk's size"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1",
  ["in a chunk"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}",
  ["after a chunk"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
  ["before the trailers"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
  ["in the trailers"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-T: 1\r\n",
}

-- What a peer sends first, and what it then sends repeatedly, a byte at a time.
local drips = {
  ["1xx responses"] = { "", "HTTP/1.1 100 Continue\r\n\r\n" },
  ["a header"] = { "HTTP/1.1 200 OK\r\nX-A: ", "x" },
  ["headers"] = { "HTTP/1.1 200 OK\r\n", "X-A: b\r\n" },
  ["a body"] = { "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x" },
  ["a body that tells no length"] = { "HTTP/1.1 200 OK\r\n\r\n", "x" },
  ["chunks"] = { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n" },
  ["trailers"] = { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-T: 1\r\n" },
}

describe("a request ends in time when its peer", function()
  after_each(running.stop)

  -- Waits until the client has disconnected.
  local function wait_for_end(connection)
    repeat until not connection:read_more()
  end

  local function stalling(bytes)
    return running.peer(function(connection)
      connection:read_request()
      connection:send(bytes)
      wait_for_end(connection)
    end)
  end

  local function dripping(drip)
    return running.peer(function(connection)
      connection:read_request()
      connection:send(drip[1])
      local at = 0
      while connection:send(drip[2]:sub(at + 1, at + 1)) do
        at = (at + 1) % #drip[2]
        runtime.sleep(0.005)
      end
    end)
  end

  it("never accepts the connection", function()
    local listening = assert(require("socket").bind("127.0.0.1", 0, 1))
    local _, port = listening:getsockname()
    assert_ends("http://127.0.0.1:" .. port)
    assert.is_false(assert_ends("https://127.0.0.1:" .. port))
    listening:close()
  end)

  it("stalls, or sends a byte at a time, in the TLS handshake", function()
    -- The headers of a handshake record and of a ServerHello, with lengths beyond the bytes that follow.
    local hello = "\22\3\3\64\0\2\0\63\252\3\3"
    for _, drip in ipairs { false, "\0" } do
      local p = running.peer(function(connection)
        connection:read_more()
        connection:send(hello)
        if not drip then return wait_for_end(connection) end
        while connection:send(drip) do runtime.sleep(0.005) end
      end)
      assert.is_false(assert_ends("https://127.0.0.1:" .. p.port))
    end
  end)

  it("does not read the request", function()
    local p = running.peer(function(connection)
      while connection.socket:getpeername() do runtime.sleep(0.01) end
    end)
    local response, err, sent = http.request { method = "POST", url = p.url, body = ("x"):rep(20000000),
      timeout = LIMIT }
    assert.is_nil(response)
    assert.equal("timeout", err.kind)
    assert.is_true(sent)
  end)

  for name, bytes in pairs(partial_responses) do
    it("stalls " .. name, function()
      assert.is_true(assert_ends(stalling(bytes).url))
    end)
  end

  for name, drip in pairs(drips) do
    it("sends a byte at a time " .. name, function()
      assert.is_true(assert_ends(dripping(drip).url))
    end)
  end

  it("does not close the connection after the response", function()
    local p = running.peer(function(connection)
      connection:read_request()
      connection:send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
      wait_for_end(connection)
    end)
    assert.equal("{}", assert(post(p.url, 60)).body)
  end)

  it("stalls, while other requests continue, and no descriptor stays open", function()
    local good = running.responding("200 OK", nil, "good")
    local bad = {}
    for _, bytes in pairs(partial_responses) do bad[#bad + 1] = stalling(bytes) end
    for _, drip in pairs(drips) do bad[#bad + 1] = dripping(drip) end
    local function round()
      local latch, left, served = runtime.latch(), #bad, 0
      runtime.run(function()
        for _, p in ipairs(bad) do
          runtime.spawn(function()
            local _, err = post(p.url)
            assert(err.kind == "timeout", tostring(err))
            left = left - 1
            if left == 0 then latch:open() end
          end)
        end
        while not latch:is_open() do
          local response = http.request { method = "GET", url = good.url, timeout = 60 }
          assert(response and response.body == "good")
          served = served + 1
        end
      end)
      return served
    end
    -- The peers are in this process, too: their descriptors are closed after the client's. The descriptors are counted
    -- without the client's pool, which each wait creates again.
    local function count_after_release()
      runtime.release()
      wait_for(function()
        local open = good.open
        for _, p in ipairs(bad) do open = open + p.open end
        return open == 0
      end, "connections to be closed")
      runtime.release()
      return count_descriptors()
    end
    round() -- so that everything that is created only once exists
    local before = count_after_release()
    local served = 0
    for _ = 1, 5 do served = served + round() end
    assert.is_true(served > 10) -- several requests at the same time
    local after = count_after_release()
    assert.is_true(after <= before, ("%d descriptors before, %d after"):format(before, after))
  end)
end)
