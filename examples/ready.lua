--- Uploads a video from a URL, waits until its MP4 is served, and prints the link to it.
---
---   APIVIDEO_API_KEY=… lua ready.lua https://example.com/video.mp4

local apivideo = require "apivideo"

local function main()
  local client = apivideo.client {
    api_key = os.getenv "APIVIDEO_API_KEY",
    environment = "sandbox",
    base_url = os.getenv "APIVIDEO_BASE_URL", -- for a test with a local api.video
  }
  local source = arg[1] or error("usage: lua ready.lua URL", 0)

  local video = assert(client:request("POST", "/videos", { body = { title = "Example", source = source } }))
  print(("Waiting for %s."):format(video.videoId))
  assert(client.videos:wait(video.videoId, "mp4", { probe = true }))
  print(video.assets.mp4)
end

apivideo.run(main)
