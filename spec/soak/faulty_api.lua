-- Runs a local api.video for some time, with a fault in about one of five requests. Prints its URL.

local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"

apivideo.run(function()
  local local_api = assert(emulator.start {
    api_key = "soak-key", webhook_limit = 1e6, rate_limits = { reads = 1e9, writes = 1e9 }, token_lifetime = 5,
  })
  for i = 1, 250 do local_api:put_video { videoId = ("vi%022d"):format(i) } end
  for _, fault in ipairs {
    { latency = 0.05, chance = 0.02 },
    { status = 500, chance = 0.02 }, { status = 503, chance = 0.02 },
    { status = 502, content_type = "text/html", body = "<html>Bad Gateway</html>", chance = 0.02 },
    { rate_limited = { header = "X-RateLimit-Retry-After", seconds = 0 }, chance = 0.005 },
    { rate_limited = { header = "Retry-After", seconds = 0 }, chance = 0.005 },
    { rate_limited = { header = "date", seconds = 0 }, chance = 0.005 },
    { rate_limited = { header = "none" }, chance = 0.005 },
    { reset = "before", chance = 0.02 }, { reset = "after", chance = 0.02 },
    { truncate = true, chance = 0.02 }, { stall = true, chance = 0.002 },
    { content_type = "text/plain", chance = 0.01 }, { counters = true, chance = 0.02 },
  } do
    local_api:fault(fault)
  end
  print(local_api.url)
  io.stdout:flush()
  for _ = 1, tonumber(arg[1]) * 2 do
    local_api:fault { refuse = true }
    apivideo.sleep(0.5)
  end
  local_api:stop()
end)
