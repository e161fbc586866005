-- Cancelling a call.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local errors = require "apivideo.error"
local responses = require "spec.support.responses"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"
local waits = require "spec.support.waits"

local ANYTHING, WANTED, stalling = responses.ANYTHING, responses.WANTED, responses.stalling

describe("call options", function()
  after_each(function()
    running.stop()
    waits.restore()
  end)

  describe("cancel", function()
    -- Cancels as soon as a condition holds.
    local function when(condition, cancel)
      apivideo.spawn(function()
        wait_for(condition, "the moment to cancel")
        cancel:cancel()
      end)
    end

    it("before the call: nothing is sent, and the call does not count for the rate limit", function()
      local p = running.responding("200 OK", "X-RateLimit-Limit: 10\r\nX-RateLimit-Remaining: 9\r\n"
        .. "X-RateLimit-Retry-After: 60\r\n", ANYTHING)
      local observed = 0
      local client = client_of(p.url, { rate_limit = {}, on_request = function() observed = observed + 1 end })
      assert(client.videos:list())
      local cancel = apivideo.cancellation()
      assert.is_false(cancel:is_cancelled())
      cancel:cancel()
      assert.is_true(cancel:is_cancelled())
      local page, err = client.videos:list({}, { cancel = cancel })
      assert.is_nil(page)
      assert.is_true(errors.is(err))
      assert.equal("cancelled", err.kind)
      assert.equal(0, err.attempts)
      assert.is_false(err.retryable)
      assert.equal(p.url .. "/videos", err.request.url)
      assert.is_nil(err.response)
      assert.same({ 1, 1 }, { #p.requests, observed })
      assert.equal(9, client.rate_limit.reads.remaining)
    end)

    it("during the response", function()
      local p = stalling()
      local cancel = apivideo.cancellation()
      when(function() return #p.requests == 1 end, cancel)
      local page, err = client_of(p.url, { retries = 3 }).videos:list({}, { cancel = cancel })
      assert.is_nil(page)
      assert.equal("cancelled", err.kind)
      assert.equal(1, err.attempts)
      assert.is_nil(err.in_doubt) -- a GET changes nothing
      assert.equal(1, #p.requests)
    end)

    it("during the response to a POST, whose outcome stays unknown", function()
      local p = stalling()
      for method, in_doubt in pairs { PATCH = true, DELETE = false } do
        local cancel, count = apivideo.cancellation(), #p.requests
        when(function() return #p.requests == count + 1 end, cancel)
        local _, err = client_of(p.url):request(method, "/x", { cancel = cancel })
        assert.equal("cancelled", err.kind)
        assert.equal(in_doubt or nil, err.in_doubt)
      end
      local cancel, count = apivideo.cancellation(), #p.requests
      when(function() return #p.requests == count + 1 end, cancel)
      local _, err = client_of(p.url).webhooks:create(WANTED, { cancel = cancel })
      assert.equal("cancelled", err.kind)
      assert.is_true(err.in_doubt)
      assert.equal(count + 1, #p.requests)
    end)

    it("during a backoff", function()
      waits.set(3000, 3000)
      for _, headers in ipairs { "", "Retry-After: 50\r\n" } do
        local p = running.responding("503 X", headers)
        local cancel = apivideo.cancellation()
        when(function() return #p.requests == 1 end, cancel)
        local page, err = client_of(p.url, { retries = 3, total_timeout = 86400 }).videos
          :list({}, { cancel = cancel })
        assert.is_nil(page)
        assert.equal("cancelled", err.kind)
        assert.equal(1, err.attempts)
        assert.equal(503, err.response.status)
        assert.equal(1, #p.requests)
      end
    end)

    it("during a wait for the rate limit", function()
      local p = running.responding("200 OK", "X-RateLimit-Limit: 1\r\nX-RateLimit-Remaining: 0\r\n"
        .. "X-RateLimit-Retry-After: 50\r\n", ANYTHING)
      local client = client_of(p.url, { rate_limit = {} })
      assert(client.videos:list())
      local cancel = apivideo.cancellation()
      apivideo.spawn(function() cancel:cancel() end)
      local page, err = client.videos:list({}, { cancel = cancel })
      assert.is_nil(page)
      assert.equal("cancelled", err.kind)
      assert.equal(0, err.attempts)
      assert.equal(1, #p.requests)
    end)

    it("several calls at once, and later ones", function()
      local p = stalling()
      local client, cancel = client_of(p.url), apivideo.cancellation()
      when(function() return #p.requests == 5 end, cancel)
      local results, failed = apivideo.parallel(5, { 1, 2, 3, 4, 5, 6, 7 }, function(item)
        return client.videos:get("vi" .. item, { cancel = cancel })
      end)
      assert.same({}, results)
      for item = 1, 7 do
        assert.equal("cancelled", failed[item].kind)
        assert.equal(item <= 5 and 1 or 0, failed[item].attempts)
      end
      assert.equal(5, #p.requests)
    end)

    it("no other call", function()
      local go_on = runtime.latch()
      local p
      p = running.peer(function(connection)
        p.requests[#p.requests + 1] = connection:read_request()
        go_on:wait()
        connection:respond("200 OK", nil, ANYTHING)
      end)
      local client, cancel = client_of(p.url), apivideo.cancellation()
      local results, failed = apivideo.parallel(3, { 1, 2, 3 }, function(item)
        if item == 3 then
          wait_for(function() return #p.requests == 2 end, "two requests")
          cancel:cancel()
          go_on:open()
          return "cancelled the first"
        end
        return client.videos:get("vi" .. item, { cancel = item == 1 and cancel or nil })
      end)
      assert.equal("cancelled", failed[1].kind)
      assert.equal("vi1", results[2].videoId)
      assert.is_nil(failed[2])
    end)

    it("after the response, without effect, and repeatedly", function()
      local p = running.responding("200 OK", nil, ANYTHING)
      local client, cancel = client_of(p.url), apivideo.cancellation()
      local video = assert(client.videos:get("vi1", { cancel = cancel }))
      cancel:cancel()
      cancel:cancel()
      assert.equal("vi1", video.videoId)
      assert.equal("vi1", assert(client.videos:get("vi1")).videoId)
      local _, err = client.videos:get("vi1", { cancel = cancel })
      assert.equal("cancelled", err.kind)
    end)

    it("between two pages of a list", function()
      local p = running.responding("200 OK", nil, '{"data":[{"videoId":"a"},{"videoId":"b"}]}')
      local cancel = apivideo.cancellation()
      local seen = {}
      local ok, err = pcall(function()
        for video in client_of(p.url).videos:each({ pageSize = 2 }, { cancel = cancel }) do
          seen[#seen + 1] = video.videoId
          cancel:cancel()
        end
      end)
      assert.is_false(ok)
      assert.equal("cancelled", err.kind)
      assert.same({ "a", "b" }, seen)
      assert.equal(1, #p.requests)
    end)

    it("inside and outside of tasks, and leaves the connection usable", function()
      local api = running.emulator()
      local client = client_of(api.url)
      for i = 1, 2 do
        api:fault { latency = 50 }
        local cancel = apivideo.cancellation()
        when(function() return #api.requests == 2 * i - 1 end, cancel)
        local function run()
          local _, err = client.videos:list({}, { cancel = cancel })
          assert.equal("cancelled", err.kind)
          assert(client.videos:list())
        end
        if i == 1 then run() else apivideo.run(run) end
      end
      assert.equal(4, #api.requests)
    end)
  end)
end)
