--- Runs a local api.video with some objects. Prints its URL, and serves until it receives a signal.

local emulator = require "apivideo.emulator"
local json = require "apivideo.util.json"

local local_api = assert(emulator.start {
  api_key = "peer-key", rate_limits = { reads = 1000, writes = 1000 },
})

local_api:put_video {
  videoId = "vi1", title = "Maths, part 1", tags = { "maths", "string theory" },
  description = "On strings", metadata = { { key = "Author", value = "John Doe" } },
  status = {
    ingest = { status = "uploaded", filesize = 5368709120, receivedBytes = {} },
    encoding = {
      playable = false,
      qualities = { { type = "hls", quality = "720p", status = "failed" } },
      metadata = { width = json.null, duration = 4176 },
    },
  },
  captions = { { srclang = "en" }, { srclang = "fr", default = true } },
}
local_api:put_video {
  videoId = "vi2", title = "Maths, part 2", tags = { "maths" }, createdAt = "2020-01-01T00:00:00+00:00",
  source = { type = "liveStream", liveStream = { liveStreamId = "li1", links = {} } },
}
local_api:put_video { videoId = "vi3", title = "Art" }
local_api:put_live_stream { liveStreamId = "li1", name = "Stage", streamKey = "key-1", broadcasting = true }
local_api:put_live_stream { liveStreamId = "li2", name = "Hall" }
local_api:put_summary { summaryId = "summary_1", videoId = "vi1", origin = "auto" }
local_api:put_summary { summaryId = "summary_2", videoId = "vi2", sourceStatus = "waiting" }

io.stdout:write(local_api.url, "\n")
io.stdout:flush()
assert(local_api.server:run())
