--- The queries of operators in the SQLite store: the SQL of a filter.
---
--- A filter is translated into branches, each of which reads an index in the order of ids; their union is merged in
--- that order, so that nothing is sorted. A query looks at a window of the entries of its branches.

local stores = require "apivideo.inbox.store"

local COUNT_SCAN_MAX = 10000 -- entries that a call of count looks at: it only reads, which no other process waits for
local MAX_ID = 2 ^ 53

local queries = {}

---@class apivideo.inbox.SqliteSelection SQL that grows, with its parameters
local Selection = {}
Selection.__index = Selection
Selection.__name = "apivideo.inbox.SqliteSelection"

-- The name of a parameter with this value.
function Selection:bind(value)
  self.parameters[#self.parameters + 1] = value
  return "?" .. #self.parameters
end

-- The condition of a state. (A claim whose lease has expired counts as waiting, although no process has recovered it
-- yet.) The plus prevents SQLite from using the index of `due`, since the rows are needed in the order of their ids.
local function state_branches(self, state)
  if state == "claimed" then return { "state = 'claimed' AND +due > " .. self.now } end
  if state ~= "waiting" then return { "state = '" .. state .. "'" } end
  return { "state = 'ready'", "state = 'delayed'", "state = 'blocked'", "state = 'parked'",
    "state = 'claimed' AND +due <= " .. self.now }
end

-- The conditions of which each reads an index; and the set of the names of the filter's conditions that they contain.
local function branches_of(self, where)
  if where.id then return { "id = " .. self:bind(where.id) }, { id = true } end
  if where.video_id then return { "video_id = " .. self:bind(where.video_id) }, { video_id = true } end
  if where.type and where.state == "dead" then
    return { "state = 'dead' AND type = " .. self:bind(where.type) }, { type = true, state = true }
  elseif where.type and where.state ~= "waiting" and where.state ~= "claimed" then
    return { "type = " .. self:bind(where.type) }, { type = true }
  elseif where.state then
    return state_branches(self, where.state), { state = true }
  end
  return { "1" }, {} -- not "id > 0": SQLite would seek that, and step over all entries before the page
end

-- How each other condition is checked in a row. The plus prevents SQLite from using another index.
local ROW = {
  state = function(self, state) return "+(" .. table.concat(state_branches(self, state), " OR ") .. ")" end,
  type = function(self, type) return "+type = " .. self:bind(type) end,
  type_prefix = function(self, prefix)
    local name = self:bind(prefix)
    return ("substr(type, 1, length(%s)) = %s"):format(name, name)
  end,
  video_id = function(self, id) return "+video_id = " .. self:bind(id) end,
  webhook_id = function(self, id) return "webhook_id = " .. self:bind(id) end,
  lane = function(self, lane) return "+lane = " .. self:bind(lane) end,
  error = function(self, text) return ("instr(error, %s) > 0"):format(self:bind(text)) end,
  since = function(self, time) return "received_at >= " .. self:bind(time) end,
  before = function(self, time) return "received_at < " .. self:bind(time) end,
  has_raw = function() return "raw <> ''" end,
  ended_for = function(self, seconds) return ("+ended <= %s - %s"):format(self.now, self:bind(seconds)) end,
}

-- The text of a condition in each row; "" if the branches are sufficient.
local function row_condition(self, where, is_contained)
  local texts = {}
  for name, value in pairs(where) do
    if ROW[name] and not is_contained[name] then texts[#texts + 1] = " AND " .. ROW[name](self, value) end
  end
  return table.concat(texts)
end

-- The selection of a page: its branches, and the condition of the rows.
local function new_selection(where, page, now)
  local self = setmetatable({ parameters = {} }, Selection)
  self.now = self:bind(now)
  local branches, is_contained = branches_of(self, where)
  self.branches, self.rows = branches, row_condition(self, where, is_contained)
  self.order = page.newest and " ORDER BY id DESC" or " ORDER BY id"
  self.begin = (page.newest and " AND id < " or " AND id > ") .. self:bind(page.after or page.newest and MAX_ID or 0)
  self.is_up_to = page.newest and " AND id >= " or " AND id <= "
  return self
end

-- The branches as one SELECT.
local function union_of(self, columns, condition)
  local texts = {}
  for i, branch in ipairs(self.branches) do
    texts[i] = ("SELECT %s FROM events WHERE %s%s"):format(columns, branch, condition)
  end
  return table.concat(texts, " UNION ALL ")
end

-- The last id of the window, or nil if the window reaches the end.
local function window_end(self, db, size)
  local sql = union_of(self, "CAST(id AS REAL), id", self.begin) .. self.order .. " LIMIT 1 OFFSET " .. size - 1
  local row = db:query(sql, self.parameters)[1]
  return row and row[1]
end

--- Selects a page. The first column of each row is the id.
---@param db apivideo.inbox.SqliteConnection
---@param now number
---@param where apivideo.inbox.Conditions
---@param page apivideo.inbox.Page
---@param columns string after the id
---@return any[][] rows
---@return integer? following where the next page begins
function queries.select(db, now, where, page, columns)
  local self = new_selection(where, page, now)
  local last = self.rows ~= "" and window_end(self, db, stores.SCAN_MAX) or nil
  local condition = self.begin .. self.rows
  if last then condition = condition .. self.is_up_to .. self:bind(last) end
  local limit = math.min(page.limit, stores.SCAN_MAX)
  local rows = db:query(union_of(self, "CAST(id AS REAL)" .. columns .. ", id", condition)
    .. self.order .. " LIMIT " .. self:bind(limit), self.parameters)
  if #rows == limit then last = rows[limit][1] end
  return rows, last and math.floor(last)
end

--- Counts the entries of a page.
---@param db apivideo.inbox.SqliteConnection
---@param now number
---@param where apivideo.inbox.Conditions
---@param after? integer
---@return integer count
---@return integer? following
function queries.count(db, now, where, after)
  local self = new_selection(where, { after = after }, now)
  local last = window_end(self, db, COUNT_SCAN_MAX)
  local condition = self.begin .. self.rows
  if last then condition = condition .. self.is_up_to .. self:bind(last) end
  local sql = ("SELECT count(*) FROM (%s)"):format(union_of(self, "id", condition))
  return db:query(sql, self.parameters)[1][1], last and math.floor(last)
end

return queries
