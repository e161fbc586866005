--- /summaries: the summaries of an account's videos.
--- https://docs.api.video/reference/api/Summaries

local fill = require "apivideo.emulator.fill"
local ids = require "apivideo.emulator.ids"
local pages = require "apivideo.emulator.pages"
local query = require "apivideo.emulator.query"

local summaries = {}

local WORDS = {
  origin = { "auto", "api" },
  sourceStatus = { "missing", "waiting", "failed", "completed", "unprocessable" },
}

--- Makes a summary whole.
---@param given table
---@return table
function summaries.whole(given)
  local now = ids.now()
  return fill.with(given, {
    summaryId = ids.new "summary_", videoId = ids.new "vi", createdAt = now, updatedAt = now,
    origin = "api", sourceStatus = "completed",
  })
end

--- GET /summaries
function summaries.list(self, request)
  local wanted = self.summaries:select(function(summary)
    return query.is_equal(request, "videoId", summary.videoId)
      and query.is_equal(request, "origin", summary.origin)
      and query.is_equal(request, "sourceStatus", summary.sourceStatus)
  end)
  return pages.answer(request, wanted, {
    uri = self.url .. "/summaries", words = WORDS, sort_by = { "createdAt", "updatedAt", "videoId" },
  })
end

return summaries
