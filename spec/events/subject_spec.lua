local apivideo = require "apivideo"
local subject_of = require "apivideo.events.subject"

describe("the subject of an event", function()
  local function of(type, fields)
    local event = apivideo.events:sample(type)
    for name, value in pairs(fields or {}) do event[name] = value end
    return { subject_of(event, apivideo.events) }
  end

  it("is its video, or its live stream; its detail has the other identifying fields", function()
    local fields = { videoId = "vi1", encoding = "mp4", quality = "720p", liveStreamId = "li1" }
    assert.same({ "vi1", "mp4 720p" }, of("video.encoding.quality.completed", fields))
    assert.same({ "vi1" }, of("video.source.recorded", { videoId = "vi1" }))
    assert.same({ "li1" }, of("live-stream.broadcast.started", { liveStreamId = "li1" }))
    assert.same({ "vi1", "c1" }, of("video.caption.generated", { videoId = "vi1", captionId = "c1", language = "en" }))
  end)

  it("leaves out what is not a string, and has no detail of a type that is unknown", function()
    local fields = { videoId = 7, encoding = "mp4", quality = 720 }
    assert.same({ nil, "mp4" }, of("video.encoding.quality.completed", fields))
    local unknown = { type = "video.unknown", videoId = "vi1", quality = "720p" }
    assert.same({ "vi1" }, { subject_of(unknown, apivideo.events) })
    assert.same({}, { subject_of({}, apivideo.events) })
  end)
end)
