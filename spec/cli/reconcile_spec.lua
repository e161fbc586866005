local apivideo = require "apivideo"
local cjson = require "cjson"
local process = require "spec.support.process"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"
local sqlite = require "apivideo.inbox.sqlite"

local path = os.tmpname()

describe("command reconcile #process", function()
  before_each(function()
    reconciling.start()
    io.open(path, "wb"):close() -- an empty file: the store makes an inbox of it
  end)
  after_each(function()
    running.stop()
    for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
  end)

  -- Runs the command against the local api.video. Returns its output and exit status.
  local function run(...)
    return process.run { "bin/apivideo", "reconcile", "--api-key", "key", "--base-url", reconciling.api.url, ... }
  end

  it("prints what it would deliver", function()
    reconciling.put_video("vi1", { createdAt = reconciling.date(-3600), updatedAt = reconciling.date(-3600) },
      { ["mp4 720p"] = "failed" })
    local output, status = run("--since", "2h", "--dry-run")
    assert.equal(0, status, output)
    assert.matches("found video.encoding.quality.completed encoding=hls quality=720p videoId=vi1\n", output, 1, true)
    assert.matches("found apivideo.video.failed encoding=mp4 quality=720p videoId=vi1\n", output, 1, true)
    assert.matches("\n5 found, 0 known, 1 videos, 4 calls\n$", output)
    output = run("--since", "30m", "--dry-run")
    assert.equal("0 found, 0 known, 0 videos, 3 calls\n", output)
  end)

  it("prints what it delivered to an inbox", function()
    reconciling.put_video "vi1"
    local output, status = run("--store", "sqlite:" .. path, "--json")
    assert.equal(0, status, output)
    local lines = {}
    for line in output:gmatch "[^\n]+" do lines[#lines + 1] = cjson.decode(line) end
    assert.equal("vi1", lines[1].event.videoId)
    assert.equal(5, lines[6].found)
    assert.matches("^0 found, 5 known", (run("--store", "sqlite:" .. path)))
    local inbox = apivideo.inbox { store = sqlite { path = path } }
    assert.equal(5, inbox:stats().waiting)
    inbox:close()
  end)

  it("fails with a message", function()
    for _, case in ipairs {
      { 2, "or set APIVIDEO_STORE; or use --dry-run", {} },
      { 2, "--store must be sqlite:PATH or redis://HOST:PORT/DATABASE, got 'redis'", { "--store", "redis" } },
      { 2, "--since must be a duration such as 90s, 30m, 2h or 1d, got '2'", { "--since", "2", "--dry-run" } },
      { 2, "--since must be less than 7d with --store: the inbox does not know older events",
        { "--since", "7d", "--store", "sqlite:" .. path } },
      { 2, "/nonexistent/inbox.db: No such file", { "--store", "sqlite:/nonexistent/inbox.db" } },
      { 2, "can not be used together", { "--dry-run", "--store", "sqlite:" .. path } },
      { 1, "unauthorized", { "--dry-run", "--api-key", "other" } },
    } do
      local output, status = run((table.unpack or unpack)(case[3]))
      assert.equal(case[1], status, output)
      assert.matches(case[2], output, 1, true)
    end
  end)

  it("needs an API key", function()
    local output, status = process.run({ "bin/apivideo", "reconcile", "--dry-run" }, "APIVIDEO_API_KEY=")
    assert.equal(2, status)
    assert.matches("no API key; use --api-key, set APIVIDEO_API_KEY, or", output, 1, true)
  end)
end)
