-- The calls of a pass, as the table of docs/reference/reconcile.md has them.

local docs = require "spec.support.docs"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"

local HEADING = "\n## What a pass costs\n"

-- The rows of the table: numbers of videos, and the calls of each pass.
local function rows()
  local text, list = docs.read "docs/reference/reconcile.md", {}
  text = text:sub((assert(text:find(HEADING, 1, true))))
  for videos, first, idle, encoding in text:gmatch "\n| (%d+) | (%d+) | (%d+) | (%d+) |" do
    list[#list + 1] = { tonumber(videos), tonumber(first), tonumber(idle), tonumber(encoding) }
  end
  return list
end

describe("the documented calls of a pass", function()
  after_each(running.stop)

  local function put_videos(count, statuses)
    local date = reconciling.date(-3600)
    for i = 1, count do reconciling.put_video("vi" .. i, { createdAt = date, updatedAt = date }, statuses) end
  end

  local list = rows()
  assert(#list >= 3, "the table has no rows")
  for _, row in ipairs(list) do
    it(("are right for %d videos"):format(row[1]), function()
      reconciling.start()
      put_videos(row[1])
      local reconciliation = reconciling.new()
      local first, idle = assert(reconciliation:once()).calls, assert(reconciliation:once()).calls
      reconciling.start()
      put_videos(row[1], { ["hls 720p"] = "encoding", ["mp4 720p"] = "waiting" })
      reconciliation = reconciling.new()
      assert(reconciliation:once())
      local lease = assert(reconciling.store:acquire(reconciling.state_name(), 1, 0)) -- as an eighth of their age later
      local value = lease.value:gsub('"checked":%d[%d.]*', '"checked":' .. os.time() - 1000)
      reconciling.store:save(reconciling.state_name(), lease.token, value, 0)
      assert.same({ row[1], first, idle, assert(reconciliation:once()).calls }, row)
    end)
  end
end)
