-- The program of make images: a receiver of an application that publishes videos, and its page.
-- Arguments: "inbox" for one with an inbox. Prints the URL of the page.

local apivideo = require "apivideo"
local testing = require "apivideo.testing"

local SECRET = "sig_sec_0000000000000000000000"
local VIDEOS = { "vi4k0jvEUuaTdRAEjQ4Jfrgz", "vi3q7HxhApxRF1c8F8r6VeaI", "vi6HangYsow3vHXmxUSLKHWz",
  "vi1mqrPo5pL2kT3bWv8sNdYx" }
local LIVE = "li400mYKSgQ6xs7taUeSaEKr"

apivideo.log { write = function() end }

-- The functions of the application; the second one fails for one video.
local catalog = { [VIDEOS[1]] = { title = "News" }, [VIDEOS[2]] = { title = "Weather" } }

local function publish(event)
  local entry = catalog[event.videoId]
  apivideo.sleep(0.004)
  entry.quality = event.quality
end

local handlers = apivideo.handlers()
handlers:on("video.encoding.quality.completed", publish)
handlers:on("live-stream.*", function() apivideo.sleep(0.002) end)
handlers:on("video.source.recorded", function() apivideo.sleep(0.012) end)

local with_inbox = arg[1] == "inbox"
local inbox = with_inbox and apivideo.inbox { store = apivideo.inbox.memory() } or nil
local receiver = apivideo.receiver { handlers = not with_inbox and handlers or nil, inbox = inbox, secrets = SECRET }
local page = apivideo.page { receiver = receiver, write = true, forward_to = "http://127.0.0.1:3000/webhooks" }

local function send(type, fields, secret)
  receiver:receive(testing.delivery(type, fields, secret or SECRET))
  apivideo.sleep(0.15)
end

local function encode(video, secret)
  for _, version in ipairs { { "hls", "240p" }, { "hls", "480p" }, { "mp4", "720p" }, { "hls", "720p" } } do
    send("video.encoding.quality.completed", { videoId = video, encoding = version[1], quality = version[2] }, secret)
  end
end

local function hls(video, quality, secret)
  send("video.encoding.quality.completed", { videoId = video, encoding = "hls", quality = quality }, secret)
end

local function send_all()
  send("live-stream.broadcast.started", { liveStreamId = LIVE })
  encode(VIDEOS[1])
  hls(VIDEOS[2], "1080p", "sig_sec_other")
  send("live-stream.broadcast.ended", { liveStreamId = LIVE })
  send("video.source.recorded", { videoId = VIDEOS[4], liveStreamId = LIVE })
  send("video.caption.generated", { videoId = VIDEOS[1], captionId = "cap_en", language = "en" })
  hls(VIDEOS[3], "720p")
  encode(VIDEOS[2])
end

apivideo.run(function()
  local server = assert(apivideo.server.listen { receiver = page })
  if inbox then
    apivideo.spawn(function() inbox:work(handlers, { max_attempts = 3, backoff = 0.05 }) end)
    apivideo.sleep(0.1)
  end
  send_all()
  if inbox then
    apivideo.sleep(1)
    inbox:pause()
    send("live-stream.broadcast.started", { liveStreamId = LIVE })
  end
  print(server.url)
  io.stdout:flush()
  server:run()
end)
