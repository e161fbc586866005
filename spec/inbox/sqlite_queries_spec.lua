-- The SQL of filters in SQLite: which index each uses.

local queries = require "apivideo.inbox.sqlite.queries"
local sqlite_stores = require "spec.support.sqlite_stores"

-- What a function returns for each statement of a page.
local function each_of(where, page, explain)
  local plans = {}
  local db = { query = function(_, text)
    plans[#plans + 1] = explain(text)
    return { { 1 } }
  end }
  page.limit = page.limit or 10
  queries.select(db, 1, where, page, ", raw")
  queries.count(db, 1, where, page.after)
  return plans
end

local function plans_of(where, page)
  return each_of(where, page, sqlite_stores.plan_of)
end

local function is_slow(plan)
  plan = plan:gsub("SCAN %(subquery[^\n]*", ""):gsub("SCAN SUBQUERY[^\n]*", "") .. "\n" -- of count
  return plan:find "SCAN" or plan:find "SEARCH events\n" or plan:find "TEMP B%-TREE"
end

describe("a filter in SQLite", function()
  before_each(function()
    sqlite_stores.clean()
    assert(sqlite_stores.open():stats())
  end)
  teardown(sqlite_stores.clean)

  local OTHERS = { webhook_id = "w", lane = "l", error = "x", since = 1, before = 2 }

  for index, filters in pairs {
    ["INTEGER PRIMARY KEY"] = { {}, { id = 5 }, { id = 5, state = "dead", type = "t" }, { type_prefix = "video." } },
    ["events_type (type=?"] = { { type = "t" }, { type = "t", state = "done" } },
    ["events_dead_type (type=?"] = { { type = "t", state = "dead" } },
    ["events_video (video_id=?"] = { { video_id = "v" }, { video_id = "v", state = "dead" },
      { video_id = "v", state = "waiting", type = "t" } },
    ["events_state (state=?"] = { { state = "dead" }, { state = "done" }, { state = "waiting" }, { state = "claimed" },
      { state = "waiting", type = "t" }, { state = "claimed", type = "t" }, { state = "dead", type_prefix = "video." },
      { state = "dead", ended_for = 60 } },
  } do
    it("uses " .. index .. ", and sorts nothing", function()
      for _, filter in ipairs(filters) do
        for name, value in pairs(OTHERS) do filter[name] = value end
        for _, page in ipairs { {}, { after = 5 }, { newest = true }, { newest = true, after = 5 } } do
          for _, plan in ipairs(plans_of(filter, page)) do
            assert.truthy(plan:find(index, 1, true), plan)
            assert.falsy(is_slow(plan), plan)
          end
        end
      end
    end)
  end

  it("begins each page at the end of the page before, without a step over earlier entries", function()
    for _, page in ipairs { { after = 5 }, { after = 5, newest = true } } do
      local seeks = each_of({}, page, sqlite_stores.seek_of)
      assert(#seeks >= 2)
      for _, seek in ipairs(seeks) do assert.equal("Variable", seek) end
    end
    assert.equal("Integer", sqlite_stores.seek_of "SELECT id FROM events WHERE id > 0 AND id > ?1")
  end)

  it("is slow without an index, which this spec detects", function()
    assert.truthy(is_slow(sqlite_stores.plan_of "SELECT id FROM events WHERE received_at > ?1 ORDER BY received_at"))
    assert.truthy(is_slow(sqlite_stores.plan_of "SELECT id FROM events WHERE error = ?1"))
    sqlite_stores.sql "DROP INDEX events_type"
    local plan = plans_of({ type = "t" }, {})[1]
    assert.is_nil(plan:find("events_type", 1, true))
  end)
end)

