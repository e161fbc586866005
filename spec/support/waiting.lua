--- Peers and pauses for specs of client.videos:wait.

local client_of = require "spec.support.client"
local json = require "apivideo.util.json"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local waits = require "spec.support.waits"

local waiting = {}

--- Set the first and the longest pause between polls, in seconds; and restore the defaults.
waiting.pauses, waiting.restore = waits.of(require("apivideo.resources.shared_poll").policy)

--- A status with one HLS and one MP4 quality, as JSON.
---@param hls string the status of the quality
---@param mp4 string
function waiting.status(hls, mp4)
  return json.encode {
    ingest = { status = "uploaded" },
    encoding = { playable = hls == "encoded", qualities = json.array {
      { type = "hls", quality = "720p", status = hls }, { type = "mp4", quality = "720p", status = mp4 } } },
  }
end

waiting.WAITING = waiting.status("waiting", "waiting")
waiting.PLAYABLE = waiting.status("encoded", "encoding")
waiting.DONE = waiting.status("encoded", "encoded")
waiting.UNAVAILABLE = { "503 Service Unavailable", nil, "" }

--- A client of a peer that responds with the steps, one after the other, and with the last one repeatedly. A step is
--- the JSON of a status, or { status line, headers, body }.
---@return apivideo.Client client, table peer, number[] times of the requests
function waiting.serving(...)
  local list, times = { ... }, {}
  local p = running.serving(function()
    times[#times + 1] = runtime.monotonic()
    local step = list[math.min(#times, #list)]
    if type(step) == "table" then return step[1], step[2], step[3] end
    return "200 OK", nil, step
  end)
  return client_of(p.url), p, times
end

return waiting
