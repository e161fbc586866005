--- /live-streams: the live streams of an account.
--- https://docs.api.video/reference/api/Live-Streams

local fill = require "apivideo.emulator.fill"
local ids = require "apivideo.emulator.ids"
local json = require "apivideo.util.json"
local pages = require "apivideo.emulator.pages"
local problems = require "apivideo.emulator.problems"
local query = require "apivideo.emulator.query"

local live_streams = {}

--- Makes a live stream whole.
---@param given table
---@return table
function live_streams.whole(given)
  local id, now = given.liveStreamId or ids.new "li", ids.now()
  local embed, live = "https://embed.api.video/live/" .. id, "https://live.api.video/" .. id
  return fill.with(given, {
    liveStreamId = id, name = "", streamKey = ids.uuid(), public = true, broadcasting = false,
    restreams = json.array {}, createdAt = now, updatedAt = now,
    assets = {
      iframe = ('<iframe src="%s" width="100%%" height="100%%" frameborder="0" scrolling="no"'
        .. ' allowfullscreen=""></iframe>'):format(embed),
      player = embed, hls = live .. ".m3u8", thumbnail = live .. "/thumbnail.jpg",
    },
  })
end

--- GET /live-streams. Its links are relative, as documented.
function live_streams.list(self, request)
  local wanted = self.live_streams:select(function(stream)
    return query.is_equal(request, "streamKey", stream.streamKey)
      and query.is_part(request, "name", stream.name)
  end)
  return pages.answer(request, wanted, {
    uri = "/live-streams", sort_by = { "name", "createdAt", "updatedAt" },
  })
end

--- GET /live-streams/{liveStreamId}
function live_streams.get(self, _, id)
  local stream = self.live_streams:find(id)
  if not stream then return 404, problems.not_found("liveStreamId") end
  return 200, stream
end

return live_streams
