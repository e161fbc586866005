-- The names of the conditions of handlers:on_ready.

local apivideo = require "apivideo"
local stderr = require "spec.support.stderr"

describe("handlers:on_ready", function()
  local handlers, ready

  before_each(function() handlers, ready = apivideo.handlers(), {} end)

  local function note(event) ready[#ready + 1] = event.videoId .. " " .. event.condition end

  local function dispatch(fields)
    return handlers:dispatch({ type = "video.encoding.quality.completed", emittedAt = "2024-01-01T00:00:00Z",
      videoId = "vi1", encoding = fields.encoding or "hls", quality = fields.quality or "720p" }, {})
  end

  it("ignores the case of a condition, as the filters do", function()
    handlers:on_ready("MP4", note):on_ready("720P", note):on_ready("Playable", note)
    dispatch { encoding = "mp4" }
    dispatch {}
    table.sort(ready)
    assert.same({ "vi1 720p", "vi1 mp4", "vi1 playable" }, ready)
  end)

  it("warns once about a quality that api.video does not document, and registers its function", function()
    local written = table.concat(stderr.of(function()
      for _ = 1, 2 do handlers:on_ready("721P", note) end
      handlers:on_ready("720p", note)
    end))
    assert.equal('warn apivideo: handlers:on_ready: "721p" is not a known quality (known: 240p, 360p, 480p, 720p,'
      .. " 1080p, 2160p); the function runs if a video has it\n", written:match "^%S+ (.*)$")
    dispatch { quality = "721p" }
    assert.same({ "vi1 721p", "vi1 721p" }, ready)
  end)
end)
