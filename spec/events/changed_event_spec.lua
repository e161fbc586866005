-- Handlers that change their event or delivery: the derived events are those of what was delivered.

local apivideo = require "apivideo"

local CHANGES = {
  type = function(event) event.type = nil end,
  videoId = function(event) event.videoId = "vi2" end,
  emittedAt = function(event) event.emittedAt = print end,
  quality = function(event) event.quality, event.encoding = "1080p", {} end,
  delivery = function(_, delivery)
    for name in pairs(delivery) do delivery[name] = 5 end
  end,
}

-- A client for which each video is encoded.
local function new_client()
  return { videos = { status = function()
    return { encoding = { playable = true, qualities = { { type = "hls", quality = "720p", status = "encoded" } } } }
  end } }
end

describe("a handler that changes its event", function()
  for name, change in pairs(CHANGES) do
    it("does not change what follows from it: " .. name, function()
      local ready = {}
      local function note(event) ready[#ready + 1] = ("%s %s"):format(event.videoId, event.condition) end
      local handlers = apivideo.handlers { client = new_client() }
      handlers:on("*", change):on_ready("720p", note):on_ready("all", note)
      local delivery = { webhook_id = "webhook_1", verified = true }
      assert.equal(1, handlers:dispatch({ type = "video.encoding.quality.completed", videoId = "vi1",
        emittedAt = "2024-01-01T00:00:00Z", encoding = "hls", quality = "720p" }, delivery))
      assert.same({ "vi1 720p", "vi1 all" }, ready)
    end)
  end
end)
