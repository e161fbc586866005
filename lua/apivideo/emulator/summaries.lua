--- /summaries: the summaries of an account's videos, with their text.
--- https://docs.api.video/reference/api/Summaries

local defaults = require "apivideo.emulator.defaults"
local ids = require "apivideo.emulator.ids"
local json = require "apivideo.util.json"
local pages = require "apivideo.emulator.pages"
local problems = require "apivideo.emulator.problems"
local query = require "apivideo.emulator.query"
local tables = require "apivideo.util.tables"

local summaries = {}

local VALUES = {
  origin = { "auto", "api" },
  sourceStatus = { "missing", "waiting", "failed", "completed", "unprocessable" },
}

--- The types of the fields that a test sets.
summaries.schema = { summaryId = "string", videoId = "string", source = { takeaways = { "string" } } }

local function default_source()
  return { abstract = "A short outline of the video.",
    takeaways = json.array { "The first key point.", "The second key point.", "The third key point." } }
end

--- Fills in the fields that a summary lacks. A completed one has a text: `source`.
---@param fields table
---@return table summary
function summaries.complete(fields)
  local now = ids.now()
  local summary = defaults.apply(fields, {
    summaryId = ids.new "summary_", videoId = ids.new "vi", createdAt = now, updatedAt = now,
    origin = "api", sourceStatus = "completed",
  })
  if fields.source or summary.sourceStatus == "completed" then
    summary.source = defaults.apply(fields.source or {}, default_source())
  end
  return summary
end

-- The summary as GET /summaries returns it: the text has an endpoint of its own.
local function representation(summary)
  local copy = tables.merge(summary)
  copy.source = nil
  return copy
end

--- GET /summaries
function summaries.list(self, request)
  local matches = self.summaries:select(function(summary)
    return query.equals(request, "videoId", summary.videoId)
      and query.equals(request, "origin", summary.origin)
      and query.equals(request, "sourceStatus", summary.sourceStatus)
  end)
  return pages.paginate(request, matches, {
    uri = self.url .. "/summaries", show = representation, values = VALUES,
    sort_by = { "createdAt", "updatedAt", "videoId" },
  })
end

--- GET /summaries/{summaryId}/source
function summaries.get_source(self, _, id)
  local summary = self.summaries:find(id)
  if not summary or not summary.source then return 404, problems.not_found("summaryId") end
  return 200, summary.source
end

return summaries
