--- The live streams of an account. https://docs.api.video/reference/api/Live-Streams

local collection = require "apivideo.resources.collection"

---@class apivideo.LiveStream
---@field liveStreamId string
---@field name string
---@field streamKey string a secret: it allows broadcasting
---@field broadcasting boolean whether it is live now
---@field createdAt string such as 2020-01-31T10:17:47+00:00
---@field updatedAt string
---@field assets table<string, string> links to hls, player, iframe, thumbnail
---@field restreams { name: string, serverUrl: string, streamKey: string }[]

---@class apivideo.LiveStreamPage
---@field data apivideo.LiveStream[]
---@field pagination apivideo.Pagination

---@class apivideo.LiveStreamQuery
---@field streamKey? string
---@field name? string a part of it
---@field sortBy? string name, createdAt, updatedAt
---@field sortOrder? string asc, desc
---@field currentPage? integer from 1; not for `each` and `all`
---@field pageSize? integer 1 to 100, 25 by default in `list`

---@class apivideo.LiveStreams
---@field get fun(self, liveStreamId: string, options?: apivideo.CallOptions): apivideo.LiveStream|nil, apivideo.Error?, apivideo.Response? one live stream; errors: those of every call, `not_found` when it does not exist
---@field list fun(self, query?: apivideo.LiveStreamQuery, options?: apivideo.CallOptions): apivideo.LiveStreamPage|nil, apivideo.Error?, apivideo.Response? one page; errors: those of every call
---@field pages fun(self, query?: apivideo.LiveStreamQuery, options?: apivideo.CallOptions): fun(): apivideo.LiveStreamPage|nil, apivideo.Response? an iterator over the pages; raises the errors of every call, as error objects
---@field each fun(self, query?: apivideo.LiveStreamQuery, options?: apivideo.CallOptions): fun(): apivideo.LiveStream|nil an iterator over all items; raises the errors of every call, as error objects
---@field all fun(self, query?: apivideo.LiveStreamQuery, options?: apivideo.AllOptions): apivideo.LiveStream[]|nil, apivideo.Error? all items, or at most `limit`, as a list; errors: those of every call
local LiveStreams = collection.class {
  name = "live_streams", path = "/live-streams", id_field = "liveStreamId", getters = { get = "" },
  filters = { streamKey = "string?", name = "string?", sortBy = "string?", sortOrder = "string?" },
}

return {
  ---@param client apivideo.Client
  ---@return apivideo.LiveStreams
  new = function(client) return setmetatable({ _client = client }, LiveStreams) end,
}
