--- /live-streams: the live streams of an account.
--- https://docs.api.video/reference/api/Live-Streams

local defaults = require "apivideo.emulator.defaults"
local ids = require "apivideo.emulator.ids"
local json = require "apivideo.util.json"
local pages = require "apivideo.emulator.pages"
local problems = require "apivideo.emulator.problems"
local query = require "apivideo.emulator.query"

local live_streams = {}

--- The types of the fields that a test sets.
live_streams.schema = { liveStreamId = "string", restreams = {} }

--- Fills in the fields that a live stream lacks.
---@param fields table
---@return table live_stream
function live_streams.complete(fields)
  local id, now = fields.liveStreamId or ids.new "li", ids.now()
  local embed, live = "https://embed.api.video/live/" .. id, "https://live.api.video/" .. id
  return defaults.apply(fields, {
    liveStreamId = id, name = "", streamKey = ids.uuid(), public = true, broadcasting = false,
    restreams = json.array {}, createdAt = now, updatedAt = now,
    assets = {
      iframe = ('<iframe src="%s" width="100%%" height="100%%" frameborder="0" scrolling="no"'
        .. ' allowfullscreen=""></iframe>'):format(embed),
      player = embed, hls = live .. ".m3u8", thumbnail = live .. "/thumbnail.jpg",
    },
  })
end

--- GET /live-streams. The links are relative, as documented.
function live_streams.list(self, request)
  local matches = self.live_streams:select(function(stream)
    return query.equals(request, "streamKey", stream.streamKey)
      and query.contains(request, "name", stream.name)
  end)
  return pages.paginate(request, matches, {
    uri = "/live-streams", sort_by = { "name", "createdAt", "updatedAt" },
  })
end

--- POST /live-streams. Its status is 200, as documented.
function live_streams.create(self, request)
  local body = json.decode(request.body)
  local problem = problems.check_live_stream(body)
  if problem then return 400, problem end
  local fields = {}
  for _, name in ipairs { "name", "public", "playerId", "restreams" } do
    if body[name] ~= json.null then fields[name] = body[name] end
  end
  local stream = live_streams.complete(fields)
  self.live_streams:put(stream)
  return 200, stream
end

--- GET /live-streams/{liveStreamId}
function live_streams.get(self, _, id)
  local stream = self.live_streams:find(id)
  if not stream then return 404, problems.not_found("liveStreamId") end
  return 200, stream
end

return live_streams
