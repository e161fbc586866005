--- /summaries: the summaries of an account's videos.
--- https://docs.api.video/reference/api/Summaries

local defaults = require "apivideo.emulator.defaults"
local ids = require "apivideo.emulator.ids"
local pages = require "apivideo.emulator.pages"
local query = require "apivideo.emulator.query"

local summaries = {}

local VALUES = {
  origin = { "auto", "api" },
  sourceStatus = { "missing", "waiting", "failed", "completed", "unprocessable" },
}

--- The types of the fields that a test sets.
summaries.schema = { summaryId = "string", videoId = "string" }

--- Fills in the fields that a summary lacks.
---@param fields table
---@return table summary
function summaries.complete(fields)
  local now = ids.now()
  return defaults.apply(fields, {
    summaryId = ids.new "summary_", videoId = ids.new "vi", createdAt = now, updatedAt = now,
    origin = "api", sourceStatus = "completed",
  })
end

--- GET /summaries
function summaries.list(self, request)
  local matches = self.summaries:select(function(summary)
    return query.equals(request, "videoId", summary.videoId)
      and query.equals(request, "origin", summary.origin)
      and query.equals(request, "sourceStatus", summary.sourceStatus)
  end)
  return pages.paginate(request, matches, {
    uri = self.url .. "/summaries", values = VALUES, sort_by = { "createdAt", "updatedAt", "videoId" },
  })
end

return summaries
