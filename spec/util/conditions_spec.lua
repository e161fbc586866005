-- The states of a video for which an application waits: which status meets them, and which makes them impossible.

local conditions = require "apivideo.util.conditions"
local json = require "apivideo.util.json"

-- A status: "hls 240p encoded, mp4 720p failed"; "-" stands for a quality without a type.
local function status_of(text, playable, ingest)
  local qualities = {}
  for type, quality, state in text:gmatch "([%w-]+) (%w+) (%w+)" do
    qualities[#qualities + 1] = { type = type ~= "-" and type or nil, quality = quality, status = state }
  end
  return {
    ingest = { status = ingest or "uploaded" },
    encoding = { playable = playable or false, qualities = qualities },
  }
end

-- "met", "impossible" or "open"
local function outcome(condition, status)
  local is_met, is_impossible = conditions.is_met(condition, status), conditions.is_impossible(condition, status)
  assert.is_boolean(is_met)
  assert.is_boolean(is_impossible)
  assert.is_false(is_met and is_impossible)
  return is_met and "met" or is_impossible and "impossible" or "open"
end

describe("conditions", function()
  local cases = {
    -- condition, qualities, playable, status of the ingest, outcome
    { "playable", "", false, "uploading", "open" },
    { "playable", "hls 240p waiting", false, "uploaded", "open" },
    { "playable", "hls 240p encoded, hls 360p encoding", true, "uploaded", "met" },
    { "playable", "hls 240p failed, hls 360p encoding", false, "uploaded", "open" },
    { "playable", "hls 240p encoded, hls 360p failed", false, "uploaded", "open" }, -- soon
    { "playable", "hls 240p failed, mp4 720p failed", false, "uploaded", "impossible" },
    { "playable", "hls 240p failed", false, "ingesting", "open" }, -- others may be added
    { "mp4", "hls 720p encoded", true, "uploaded", "open" },
    { "mp4", "mp4 720p waiting", false, "uploaded", "open" },
    { "mp4", "hls 720p encoded, mp4 720p encoded", true, "uploaded", "met" },
    { "mp4", "hls 720p failed, mp4 720p encoding", false, "uploaded", "open" },
    { "mp4", "hls 720p encoded, mp4 720p failed", true, "uploaded", "impossible" },
    { "mp4", "mp4 360p failed, mp4 720p encoding", true, "uploaded", "open" },
    { "mp4", "mp4 360p failed, mp4 720p encoded", true, "uploaded", "met" },
    { "mp4", "- 720p encoded", true, "uploaded", "open" },
    { "720p", "hls 720p encoding", false, "uploaded", "open" },
    { "720p", "hls 720p encoded", false, "uploaded", "met" },
    { "720p", "- 720p encoded", true, "uploaded", "met" },
    { "720p", "HLS 720P Encoded", true, "uploaded", "met" },
    { "720p", "mp4 720p encoded, hls 480p encoded", true, "uploaded", "open" },
    { "720p", "mp4 720p failed, hls 720p waiting", true, "uploaded", "open" },
    { "720p", "hls 720p failed", false, "uploaded", "impossible" },
    { "720p", "HLS 720P Failed", false, "uploaded", "impossible" },
    { "720p", "hls 720p cancelled", false, "uploaded", "open" }, -- a status newer than this library
    { "1440p", "hls 1440p encoded", true, "uploaded", "met" }, -- so is the quality
    { "all", "", false, "uploaded", "open" },
    { "all", "", false, "uploading", "open" },
    { "all", "hls 240p encoded, mp4 240p waiting", true, "uploaded", "open" },
    { "all", "hls 240p encoded, mp4 240p failed", true, "uploaded", "met" },
    { "all", "hls 240p failed", false, "ingested", "met" },
    { "all", "hls 240p encoded", true, "ingesting", "open" },
    { "all", "hls 240p encoded", true, "uploading", "open" },
    { "all", "hls 240p encoded, hls 360p paused", true, "uploaded", "open" },
    { "all", "hls 240p encoded", true, "archived", "met" },
  }

  for _, case in ipairs(cases) do
    it(("%s: %s, playable %s, %s: %s"):format(case[1], case[2], tostring(case[3]), case[4], case[5]), function()
      assert.equal(case[5], outcome(case[1], status_of(case[2], case[3], case[4])))
    end)
  end

  it("are not met by a status that lacks fields", function()
    for _, status in ipairs { {}, { encoding = {} }, { encoding = json.null, ingest = json.null },
      { encoding = { playable = json.null, qualities = json.null } },
      { encoding = { qualities = { 1, json.null, {} } } },
      { encoding = { qualities = { { type = json.null, quality = json.null, status = json.null } } } } } do
      for _, condition in ipairs { "playable", "mp4", "720p", "all" } do
        assert.equal("open", outcome(condition, status), condition)
      end
    end
  end)

  it("may be functions of the status", function()
    local status, seen = status_of "hls 240p encoded", nil
    assert.equal("met", outcome(function(value)
      seen = value
      return value.encoding
    end, status))
    assert.equal(status, seen)
    assert.equal("open", outcome(function() return false end, status))
    assert.equal("open", outcome(function() return nil end, status))
  end)

  it("are named exactly", function()
    for _, condition in ipairs { "playable", "mp4", "all", "240p", "2160p", function() end } do
      assert.is_nil(conditions.problem(condition))
    end
    for _, condition in ipairs { "", "mp3", "720", "hls", "720p ", 720, true, {} } do
      assert.truthy(conditions.problem(condition):find('"playable"', 1, true))
    end
    assert.truthy(conditions.problem "playble":find('got "playble"', 1, true))
    assert.truthy(conditions.problem(nil):find("or a function of the status, got nil", 1, true))
    assert.equal('condition must be "playable", "mp4", "all" or a quality such as "720p", got "mp3"',
      conditions.problem("mp3", true))
  end)

  it("are compared without case, in every locale", function()
    assert.equal("mp4", conditions.normal "MP4")
    assert.equal("playable", conditions.normal "PLAYABLE")
    assert.equal(print, conditions.normal(print))
    assert.is_nil(conditions.normal(nil))
  end)

  it("may be qualities that api.video does not document", function()
    for _, condition in ipairs { "playable", "mp4", "all", "240p", "2160p", print } do
      assert.is_true(conditions.is_documented(condition))
    end
    assert.is_false(conditions.is_documented "721p")
  end)

  it("are described with the qualities that they need", function()
    local status = status_of "hls 240p encoded, hls 720p failed, mp4 720p waiting"
    assert.equal("hls 720p is failed", conditions.progress("720p", status))
    assert.equal("mp4 720p is waiting", conditions.progress("mp4", status))
    assert.equal("hls 720p is failed, mp4 720p is waiting", conditions.progress("all", status))
    assert.equal("hls 720p is failed, mp4 720p is waiting", conditions.progress("playable", status))
    assert.equal("its status lists no such quality, only hls 240p (encoded), hls 720p (failed), mp4 720p (waiting)",
      conditions.progress("2160p", status))
    assert.equal("its qualities are encoded: hls 240p, mp4 240p",
      conditions.progress(function() return false end, status_of "hls 240p encoded, mp4 240p encoded"))
    assert.equal("its status lists no quality yet, and its ingest is uploading",
      conditions.progress("all", status_of("", false, "uploading")))
    assert.equal("its ingest is ingesting",
      conditions.progress("all", status_of("hls 240p encoded", true, "ingesting")))
  end)

  it("describe the progress of any number of qualities in a short text", function()
    local qualities = {}
    for i = 1, 10000 do
      qualities[i] = { type = "hls", quality = ("%dp"):format(i), status = ("waiting"):rep(100) }
    end
    local text = conditions.progress("all", { encoding = { qualities = qualities } })
    assert.truthy(text:find("hls 20p is waiting", 1, true) and text:find(" and 9980 others", 1, true), text)
    assert.is_true(#text < 2000, #text)
  end)
end)
