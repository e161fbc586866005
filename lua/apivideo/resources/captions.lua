--- The captions of a video. https://docs.api.video/reference/api/Captions
--- They have no captionId. The captions of an event's `captionId` are found by its videoId and language (`srclang`).

local collection = require "apivideo.resources.collection"

---@class apivideo.Caption
---@field uri string its path in the API
---@field src string the URL of its text
---@field srclang string the language, such as en
---@field languageName string
---@field default boolean

---@class apivideo.CaptionPage
---@field data apivideo.Caption[]
---@field pagination apivideo.Pagination

---@class apivideo.CaptionQuery
---@field currentPage? integer from 1; not for `each` and `all`
---@field pageSize? integer 1 to 100, 25 by default in `list`

---@class apivideo.Captions
---@field get fun(self, videoId: string, language: string, options?: apivideo.CallOptions): apivideo.Caption|nil, apivideo.Error?, apivideo.Response? the caption of a video in a language such as `en` or `fr-CA`; errors: those of every call, `not_found` when the video or the caption does not exist
---@field list fun(self, videoId: string, query?: apivideo.CaptionQuery, options?: apivideo.CallOptions): apivideo.CaptionPage|nil, apivideo.Error?, apivideo.Response? one page; errors: those of every call, `not_found` when the video does not exist
---@field pages fun(self, videoId: string, query?: apivideo.CaptionQuery, options?: apivideo.CallOptions): fun(): apivideo.CaptionPage|nil, apivideo.Response? an iterator over the pages; raises the errors of every call, as error objects
---@field each fun(self, videoId: string, query?: apivideo.CaptionQuery, options?: apivideo.CallOptions): fun(): apivideo.Caption|nil an iterator over all items; raises the errors of every call, as error objects
---@field all fun(self, videoId: string, query?: apivideo.CaptionQuery, options?: apivideo.AllOptions): apivideo.Caption[]|nil, apivideo.Error? all items, or at most `limit`, as a list; errors: those of every call, `not_found` when the video does not exist
local Captions = collection.class {
  name = "captions", path = "/videos/%s/captions", parent = "videoId",
  id_field = "srclang", id_name = "language", getters = { get = "" }, -- a video has one caption in a language
}

return {
  ---@param client apivideo.Client
  ---@return apivideo.Captions
  new = function(client) return setmetatable({ _client = client }, Captions) end,
}
