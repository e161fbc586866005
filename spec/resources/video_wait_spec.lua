-- Waiting until a video is ready: client.videos:wait.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local misuse = require "spec.support.misuse"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"
local waiting = require "spec.support.waiting"

local serving = waiting.serving
local WAITING, PLAYABLE, DONE, UNAVAILABLE = waiting.WAITING, waiting.PLAYABLE, waiting.DONE, waiting.UNAVAILABLE

describe("videos:wait", function()
  before_each(function() waiting.pauses(0.02, 0.04) end)

  after_each(function()
    running.stop()
    waiting.restore()
  end)

  describe("returns the status when", function()
    it("the condition is met at once", function()
      local client, p = serving(DONE)
      local function is_playable(status) return status.encoding.playable end
      for i, condition in ipairs { "playable", "mp4", "720p", "all", is_playable } do
        local other = i == 1 and client or client_of(p.url)
        local status = assert(other.videos:wait("vi1", condition, { timeout = 60 }))
        assert.equal("encoded", status.encoding.qualities[2].status)
        assert.equal(i, #p.requests)
      end
      assert.equal("GET /videos/vi1/status HTTP/1.1", p.requests[1].line)
    end)

    it("the condition is met later", function()
      local client, p = serving(WAITING, PLAYABLE, PLAYABLE, DONE)
      assert(client.videos:wait("vi1", "mp4", { timeout = 60 }))
      assert.equal(4, #p.requests)
    end)

    it("the local api.video has encoded it", function()
      local api = running.emulator()
      local client = client_of(api.url)
      api:set_encoding { quality = "360p", interval = 0.03 }
      local body = { title = "t", source = "https://example.com/a" }
      local video = assert(client:request("POST", "/videos", { body = body }))
      assert.is_false(client.videos:status(video.videoId).encoding.playable)
      local status = assert(client.videos:wait(video.videoId, "all", { timeout = 60 }))
      for _, quality in ipairs(status.encoding.qualities) do assert.equal("encoded", quality.status) end
    end)

    it("errors that may pass have passed", function()
      local client, p = serving(UNAVAILABLE, { "429 Too Many Requests", nil, "{}" }, { "500 Oops", nil, "<html>" },
        DONE)
      assert(client.videos:wait("vi1", "mp4", { timeout = 60 }))
      assert.equal(4, #p.requests)
    end)

    it("connections that broke succeed again", function()
      local count = 0
      local p = running.peer(function(connection)
        local request = connection:read_request()
        count = count + 1
        if request and count > 2 then connection:respond("200 OK", nil, DONE) else connection:reset() end
      end)
      assert(client_of(p.url).videos:wait("vi1", "mp4", { timeout = 60 }))
      assert.equal(3, count)
    end)
  end)

  describe("fails with", function()
    -- The error of a wait, which must have ended before its timeout.
    local function fail(client, condition, options)
      local status, err = client.videos:wait("vi1", condition, options or { timeout = 60 })
      assert.is_nil(status)
      return err
    end

    it("encoding_failed, when the quality has failed", function()
      local client, p = serving(WAITING, waiting.status("encoded", "failed"))
      local err = fail(client, "mp4")
      assert.equal("encoding_failed", err.kind)
      assert.equal("api.video", err.origin)
      assert.is_false(err.retryable)
      assert.equal('the video vi1 cannot become "mp4": mp4 720p is failed', err.message)
      assert.equal("failed", err.video_status.encoding.qualities[2].status)
      assert.equal(2, #p.requests)
      assert(client.videos:wait("vi1", "720p", { timeout = 60 })) -- another condition is not affected
    end)

    it("not_found, when the video is deleted", function()
      local client, p = serving(WAITING, { "404 Not Found", nil, '{"title":"The requested resource was not found."}' })
      local err = fail(client, "mp4")
      assert.equal("not_found", err.kind)
      assert.equal(404, err.status)
      assert.equal(404, err.response.status)
      assert.equal("waiting", err.video_status.encoding.qualities[1].status)
      assert.equal(2, #p.requests)
    end)

    it("unauthorized, at once", function()
      local client, p = serving { "401 Unauthorized", nil, "{}" }
      local err = fail(client, "mp4")
      assert.equal("unauthorized", err.kind)
      assert.is_nil(err.video_status)
      assert.equal(1, #p.requests)
    end)

    it("unexpected_response, when the response is not a status", function()
      assert.equal("unexpected_response", fail(serving "hello", "mp4").kind)
    end)

    it("timeout, with what the video lacks, and the last status", function()
      local err = fail(serving(PLAYABLE), "mp4", { timeout = 0.1 })
      assert.equal("timeout", err.kind)
      assert.equal("client", err.origin)
      assert.is_true(err.retryable)
      assert.equal('the video vi1 is not "mp4" after 0.1 s: mp4 720p is encoding', err.message)
      assert.is_true(err.video_status.encoding.playable)
    end)

    it("timeout, with the last error", function()
      local err = fail(serving(UNAVAILABLE), function() return false end, { timeout = 0.1 })
      assert.equal("timeout", err.kind)
      assert.truthy(err.message:find("^the video vi1 is not what its condition requires after 0%.1 s: its status is"
        .. " unknown; the last poll failed: "), err.message)
      assert.is_nil(err.video_status)
    end)

    it("timeout, although a request has no response yet", function()
      local p = running.serving(function() return nil end)
      assert.equal("timeout", fail(client_of(p.url), "mp4", { timeout = 0.1 }).kind)
    end)

    it("cancelled", function()
      waiting.pauses(3600, 3600)
      local cancel, err = apivideo.cancellation(), nil
      local client, p = serving(PLAYABLE)
      apivideo.spawn(function() err = fail(client, "mp4", { cancel = cancel }) end)
      wait_for(function() return #p.requests == 1 end, "the first poll")
      runtime.sleep(0.01)
      assert.is_nil(err)
      cancel:cancel()
      wait_for(function() return err end, "the end of the wait")
      assert.equal("cancelled", err.kind)
      assert.equal("the wait was cancelled", err.message)
      assert.equal("cancelled", fail(client, "mp4", { cancel = cancel }).kind)
      assert.equal(1, #p.requests)
    end)

    it("invalid_request for an invalid id; nothing is sent", function()
      local client, p = serving(DONE)
      assert.equal("invalid_request", select(2, client.videos:wait("../x", "mp4")).kind)
      assert.equal(0, p.connections)
    end)
  end)

  it("ignores the case of a condition", function()
    local client = serving(DONE)
    for _, condition in ipairs { "MP4", "720P", "Playable", "ALL" } do
      assert(client.videos:wait("vi1", condition, { timeout = 60 }))
    end
  end)

  it("warns about a quality that api.video does not document, and waits for it", function()
    local client = serving(DONE)
    local err
    local written = table.concat(stderr.of(function()
      err = select(2, client.videos:wait("vi1", "719p", { timeout = 0.01 }))
    end))
    assert.equal("timeout", err.kind)
    assert.matches('videos:wait: "719p" is not a known quality (known: 240p, 360p, 480p, 720p, 1080p, 2160p);'
      .. " waiting until the video has it", written, 1, true)
  end)

  it("gives each task and each condition a status of its own", function()
    local client = serving(DONE)
    local function corrupt(status)
      status.encoding.qualities, status.encoding.playable = {}, false
      return false
    end
    local results, errs = apivideo.parallel(4, { corrupt, "mp4", "mp4", corrupt }, function(condition)
      local status, err = client.videos:wait("vi1", condition, { timeout = 0.5 })
      status = status or err.video_status
      assert.equal(2, #status.encoding.qualities)
      corrupt(status)
      return status
    end)
    assert.is_nil(errs and tostring(next(errs)))
    assert.is_false(rawequal(results[2], results[3]))
    assert.is_false(rawequal(results[1], results[4]))
    local status = assert(client.videos:wait("vi1", "mp4"))
    assert.is_true(status.encoding.playable)
  end)

  it("raises what a condition raises", function()
    local client = serving(DONE)
    local problem = setmetatable({}, {})
    local ok, raised = pcall(function() return client.videos:wait("vi1", function() error(problem) end) end)
    assert.is_false(ok)
    assert.equal(problem, raised)
  end)

  it("rejects misuse", function()
    local client = serving(DONE)
    for _, case in ipairs {
      { "playble", nil, 'videos:wait: condition must be "playable", "mp4", "all", a quality such as "720p", or a' },
      { nil, nil, "got nil" }, { "mp4", { timeout = 0 }, 'option "timeout"' }, { "mp4", { retries = 1 }, '"retries"' },
      { "mp4", { cancel = {} }, 'option "cancel" must come from apivideo.cancellation' },
      { "mp4", { probe = 1 }, 'option "probe"' },
    } do
      local message = misuse(function() return (client.videos:wait("vi1", case[1], case[2])) end)
      assert.truthy(message:find(case[3], 1, true), message)
    end
    assert.truthy(misuse(function() return (client.videos.wait({}, "vi1", "mp4")) end):find("colon", 1, true))
  end)

  it("leaves nothing behind", function()
    local client = serving(DONE)
    assert(client.videos:wait("vi7", "mp4"))
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(client.videos._polls))
    assert.is_nil(require("apivideo.runtime.wakeups").waiting.vi7)
  end)
end)
