local commands = require "spec.support.commands"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"
local terminal = require "spec.support.terminal"
local wait_for = require "spec.support.wait"

local LADDER_LINES = "hls 240p  encoded\nhls 360p  encoded\nhls 480p  encoded\nhls 720p  %s\nmp4 720p  encoded\n"

describe("command videos #process", function()
  before_each(commands.start)
  after_each(running.stop)

  local function put(id, fields, statuses, ingest, is_playable)
    fields = fields or {}
    fields.videoId = id
    fields.status = { ingest = { status = ingest or "ingested" },
      encoding = { playable = is_playable ~= false, qualities = reconciling.qualities(statuses) } }
    return commands.api:put_video(fields)
  end

  local function date(second)
    return ("2024-05-28T11:15:%02d+00:00"):format(second)
  end

  describe("list", function()
    it("prints videos in columns, the newest first", function()
      put("vi1", { createdAt = date(1), title = "Morning\27[31m news" })
      put("vi2", { createdAt = date(2), title = "Evening news", tags = { "news", "late" },
        source = { liveStream = { liveStreamId = "li1" } } })
      local output, status = commands.run "videos list"
      assert.equal(0, status, output)
      assert.equal(("vi2%s  %s  Evening news  tags: news, late  live stream: li1\n"
        .. "vi1%s  %s  Morning?[31m news\n"):format((" "):rep(21), date(2), (" "):rep(21), date(1)), output)
      assert.equal("Morning\27[31m news", commands.records((commands.run "videos list --json"))[2].title)
    end)

    it("filters them, and ends after --limit", function()
      for i = 1, 30 do
        put("vi" .. i, { createdAt = date(i), title = i % 2 == 0 and "even" or "odd",
          tags = i % 3 == 0 and { "three", "x" } or { "x" },
          source = i == 6 and { liveStream = { liveStreamId = "li6" } } or nil })
      end
      for words, expected in pairs {
        ["--title even --limit 2"] = "vi30 vi28", ["--tag three --tag x --limit 1"] = "vi30",
        ["--live-stream li6"] = "vi6", ["--tag three --title odd --limit 3"] = "vi27 vi21 vi15", ["--tag none"] = "",
      } do
        local output, status = commands.run("videos list --json " .. words)
        assert.equal(0, status, output)
        local ids = {}
        for i, video in ipairs(commands.records(output)) do ids[i] = video.videoId end
        assert.equal(expected, table.concat(ids, " "))
      end
      assert.equal("No videos were found.\n", (commands.run "videos list --tag none"))
    end)

    it("prints a page before it requests the next one", function()
      for i = 1, 150 do put("vi" .. i, { createdAt = date(0) }) end
      commands.api:fault { on = "GET /videos", latency = 0 } -- of page 1
      commands.api:fault { on = "GET /videos", latency = 600 } -- of page 2
      local child = commands.process "videos list"
      local function count() return (select(2, child:output():gsub("\n", ""))) end
      wait_for(function() return count() >= 100 end, "a page")
      assert.equal(100, count())
    end)

    it("ends silently when the reader has enough", function()
      for i = 1, 150 do put("vi" .. i, { createdAt = date(0), title = ("x"):rep(1000) }) end
      local output = commands.in_pipe(" 2>&1 | head -n 1", "videos list")
      assert.matches("^vi%d+ +2024%-05%-28T11:15:00%+00:00  x+\n$", output)
    end)

    it("fails if the output cannot be written", function()
      put "vi1"
      local output, status = commands.in_pipe(" 2>&1 > /dev/full | cat", "videos list")
      assert.equal(1, status)
      assert.equal("apivideo: cannot write the output: No space left on device\n", output)
    end)
  end)

  describe("status", function()
    it("prints each quality", function()
      put("vi1", nil, { ["hls 720p"] = "failed" })
      local output, status = commands.run "videos status vi1"
      assert.equal(0, status, output)
      assert.equal("vi1  playable\ningest    ingested\n" .. LADDER_LINES:format "failed", output)
      local record = commands.records((commands.run "videos status vi1 --json"))[1]
      assert.same({ "vi1", true, "failed" }, { record.videoId, record.encoding.playable,
        record.encoding.qualities[4].status })
    end)

    it("prints what is missing or of another kind", function()
      commands.api = running.responding("200 OK", "Content-Type: application/json\r\n",
        [[{"ingest":null,"encoding":{"qualities":[{"quality":"\u001b[1m"},7,{"type":"HLS","status":"Encoded"}]}}]])
      local output, status = commands.run "videos status vi1"
      assert.equal(0, status, output)
      assert.equal("vi1  not playable\ningest  -\n- ?[1m  -\n- -     -\nhls -   encoded\n", output)
    end)
  end)

  describe("wait", function()
    it("waits until the video is ready", function()
      put("vi1", nil, { ["hls 720p"] = "encoding" })
      local child = commands.process "videos wait vi1 --until 720P"
      wait_for(function() return #commands.api.requests >= 2 end, "a poll")
      assert.equal("", child:output())
      put "vi1"
      child:wait_for("vi1  playable\ningest    ingested\n" .. LADDER_LINES:format "encoded")
    end)

    it("returns at once if the video is ready", function()
      put("vi1", nil, { ["hls 720p"] = "failed" })
      for _, condition in ipairs { "playable", "mp4", "480p" } do
        local output, status = commands.run("videos wait vi1 --json --until " .. condition)
        assert.equal(0, status, output)
        assert.is_true(commands.records(output)[1].encoding.playable)
      end
    end)

    it("fails if the video cannot become ready, and prints its state", function()
      put("vi1", nil, { ["hls 720p"] = "failed" })
      local state = "vi1  playable\ningest    ingested\n" .. LADDER_LINES:format "failed"
      for condition, expected in pairs {
        ["720p"] = 'apivideo: api.video: encoding_failed: the video vi1 cannot become "720p": hls 720p is failed\n',
        all = "apivideo: the video vi1 has failed qualities: hls 720p\n",
      } do
        local output, status = commands.run("videos wait vi1 --until " .. condition)
        assert.equal(1, status, output)
        assert.matches(state, output, 1, true)
        assert.matches(expected, output, 1, true)
      end
    end)

    it("fails after its timeout", function()
      put("vi1", nil, { ["mp4 720p"] = "waiting" }, nil, false)
      local output, status = commands.run "videos wait vi1 --until mp4 --timeout 0.5"
      assert.equal(1, status, output)
      assert.matches("vi1  not playable\n", output, 1, true)
      assert.matches('the video vi1 is not "mp4" after 0.5 s: mp4 720p is waiting\n', output, 1, true)
    end)

    it("shows each quality on a terminal, until it ends", function()
      if not terminal.is_available() then return pending "script (of util-linux) is not installed" end
      put("vi1", nil, { ["hls 720p"] = "encoding", ["mp4 720p"] = "waiting" })
      local output, status = commands.on_terminal("", "videos wait vi1 --until mp4 --timeout 3")
      assert.equal(1, status, output)
      local line = "\ringest ingested; hls 240p encoded, 360p encoded, 480p encoded, 720p encoding; mp4"
      assert.matches(line:sub(1, 60), output, 1, true)
      assert.matches("\r +\rvi1  playable\n", output) -- it is removed
    end)

    it("fails with a message", function()
      for _, case in ipairs {
        { 2, "--until must be playable, mp4, all, or a quality such as 720p, got 'redy'", "vi1 --until redy" },
        { 2, "--timeout must be a number of seconds", "vi1 --timeout 0" },
        { 2, [[<id> must be letters, digits, "_" or "-", got '../x']], "../x" },
        { 1, "not_found (404)", "vi0" },
      } do
        local output, status = commands.run("videos wait " .. case[3])
        assert.equal(case[1], status, output)
        assert.matches(case[2], output, 1, true)
      end
    end)

    it("ends with the status of an interruption", function()
      put("vi1", nil, { ["hls 720p"] = "encoding" })
      -- The shell of the specs ignores SIGINT, and so would the command.
      local child = commands.process_with_signals "videos wait vi1 --until 720p"
      wait_for(function() return #commands.api.requests >= 2 end, "a poll")
      local output, status = running.finish(child, "INT")
      assert.equal("apivideo: interrupted\n", output)
      assert.equal(130, status)
    end)
  end)
end)
