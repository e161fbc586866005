--- Runs the steps of migrations of a SQLite file.

local json = require "apivideo.util.json"

local BATCH = 1000 -- entries whose bytes are in memory at once

local steps = {}

-- Whether a table has a column.
local function has_column(db, name, column)
  return db:query("SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2", { name, column })[1] ~= nil
end

local function text_of(value)
  return type(value) == "string" and value or nil
end

-- Sets the type and the video of an entry from its bytes. Returns whether there was anything to set.
local function set_type(db, id, raw)
  local event = json.decode(raw)
  if type(event) ~= "table" then return false end
  local kind, video = text_of(event.type), text_of(event.videoId)
  if kind or video then db:run("set_type", kind, video, id) end
  return kind ~= nil
end

---@class apivideo.inbox.Filled how far a fill has come
---@field last number the id of the last entry that was examined
---@field count integer of the entries that were changed
---@field is_complete? boolean

local fills = {}

-- The columns type and video_id of the entries that have their bytes; those that are done have none.
function fills.types(db, filled)
  local rows = db:query("SELECT CAST(id AS REAL), raw FROM events WHERE id > ?1 AND type IS NULL AND raw <> ''"
    .. " ORDER BY id LIMIT ?2", { filled.last, BATCH })
  for _, row in ipairs(rows) do
    if set_type(db, row[1], row[2]) then filled.count = filled.count + 1 end
    filled.last = row[1]
  end
  filled.is_complete = #rows < BATCH
end

--- The state of a fill that has not begun.
---@return apivideo.inbox.Filled
function steps.unfilled()
  return { last = 0, count = 0 }
end

--- Fills a batch of entries, within a transaction of the caller.
---@param db apivideo.inbox.SqliteConnection
---@param name string of the fill
---@param filled apivideo.inbox.Filled is advanced
function steps.fill(db, name, filled)
  fills[name](db, filled)
end

--- Runs one step, within a transaction of the caller.
---@param db apivideo.inbox.SqliteConnection
---@param step apivideo.inbox.MigrationStep
---@param filled? table<string, apivideo.inbox.Filled> by name: what was filled before
function steps.run(db, step, filled)
  if type(step) == "string" then
    db:once(step)
  elseif step.column then
    if not has_column(db, step.of, step.column) then
      db:once(("ALTER TABLE %s ADD COLUMN %s %s"):format(step.of, step.column, step.definition))
    end
  else
    local state = filled and filled[step.fill] or steps.unfilled()
    repeat steps.fill(db, step.fill, state) until state.is_complete
  end
end

return steps
