--- Creates a live stream, waits for the recording of its broadcast, and prints the link to it.
---
---   APIVIDEO_API_KEY=… lua live.lua

local apivideo = require "apivideo"

local INTERVAL_S = 5 -- between two requests for the list

-- The first recording of a live stream. A program that receives webhooks handles video.source.recorded instead.
local function wait_for_recording(client, stream)
  while true do
    local page = assert(client.videos:list { liveStreamId = stream.liveStreamId, sortBy = "createdAt" })
    if page.data[1] then return page.data[1] end
    apivideo.sleep(INTERVAL_S)
  end
end

local function main()
  local client = apivideo.client {
    api_key = os.getenv "APIVIDEO_API_KEY",
    environment = "sandbox",
    base_url = os.getenv "APIVIDEO_BASE_URL", -- for a test with a local api.video
  }

  local stream = assert(client:request("POST", "/live-streams", { body = { name = "Example" } }))
  print(("Broadcast to rtmp://broadcast.api.video/s/%s, and stop after a while."):format(stream.streamKey))
  local video = wait_for_recording(client, stream)
  print(("Waiting for %s."):format(video.videoId))
  assert(client.videos:wait(video.videoId, "playable", { timeout = 3600, probe = true }))
  print(video.assets.hls)
end

apivideo.run(main)
