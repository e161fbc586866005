--- The summaries of videos. https://docs.api.video/reference/api/Summaries

local collection = require "apivideo.resources.collection"

---@class apivideo.Summary
---@field summaryId string
---@field videoId string
---@field origin string auto, api
---@field sourceStatus string missing, waiting, failed, completed, unprocessable, or newer ones
---@field createdAt string such as 2024-05-28T11:15:07+00:00
---@field updatedAt string

---@class apivideo.SummarySource
---@field abstract string a short outline of the video
---@field takeaways string[] key points of the video, in chronological order

---@class apivideo.SummaryPage
---@field data apivideo.Summary[]
---@field pagination apivideo.Pagination

---@class apivideo.SummaryQuery
---@field videoId? string
---@field origin? string auto, api
---@field sourceStatus? string
---@field sortBy? string createdAt, updatedAt, videoId
---@field sortOrder? string asc, desc
---@field currentPage? integer from 1; not for `each` and `all`
---@field pageSize? integer 1 to 100, 25 by default in `list`

---@class apivideo.Summaries
---@field list fun(self, query?: apivideo.SummaryQuery, options?: apivideo.CallOptions): apivideo.SummaryPage|nil, apivideo.Error?, apivideo.Response? one page; errors: those of every call
---@field pages fun(self, query?: apivideo.SummaryQuery, options?: apivideo.CallOptions): fun(): apivideo.SummaryPage|nil, apivideo.Response? an iterator over the pages; raises the errors of every call, as error objects
---@field each fun(self, query?: apivideo.SummaryQuery, options?: apivideo.CallOptions): fun(): apivideo.Summary|nil an iterator over all items; raises the errors of every call, as error objects
---@field all fun(self, query?: apivideo.SummaryQuery, options?: apivideo.AllOptions): apivideo.Summary[]|nil, apivideo.Error? all items, or at most `limit`, as a list; errors: those of every call
---@field source fun(self, summaryId: string, options?: apivideo.CallOptions): apivideo.SummarySource|nil, apivideo.Error?, apivideo.Response? the text of a summary; errors: those of every call, `not_found` when it does not exist
local Summaries = collection.class {
  name = "summaries", path = "/summaries", id_field = "summaryId", getters = { source = "/source" },
  filters = {
    videoId = "string?", origin = "string?", sourceStatus = "string?", sortBy = "string?",
    sortOrder = "string?",
  },
}

return {
  ---@param client apivideo.Client
  ---@return apivideo.Summaries
  new = function(client) return setmetatable({ _client = client }, Summaries) end,
}
