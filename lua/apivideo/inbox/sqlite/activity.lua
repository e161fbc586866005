--- The activity in the SQLite store: numbers of each minute of the last hour.
---
--- Completions are not counted when they happen: a row of a counter, in a page of its own, would make each one dearer. The
--- index events_ended_by has them, with their latencies, while their entries are done. The table `activity` has the other
--- numbers, and the completions of entries that are no longer done: they were removed, or replayed.

local MINUTES = require("apivideo.inbox.store").ACTIVITY_MINUTES

local activity = {}

local function minute_of(time)
  return math.floor(time / 60)
end

-- The first minute whose activity is kept.
local function first_minute(now)
  return minute_of(now) - MINUTES + 1
end

--- Adds new entries, by the times when they came.
---@param db apivideo.inbox.SqliteConnection
---@param now number
---@param times number[]
function activity.add_received(db, now, times)
  local counts, first = {}, first_minute(now)
  for _, came in ipairs(times) do
    local minute = minute_of(came)
    if minute >= first then counts[minute] = (counts[minute] or 0) + 1 end
  end
  for minute, count in pairs(counts) do db:run("add_received", minute, count) end
end

--- Adds an attempt that has failed now.
---@param db apivideo.inbox.SqliteConnection
---@param now number
function activity.add_failed(db, now)
  db:run("add_failed", minute_of(now))
end

--- Adds the completions of entries that will no longer be done.
---@param db apivideo.inbox.SqliteConnection
---@param now number
---@param rows any[][] ended (nil of an entry that is not done), stored_at and replay of each, from the column `place` on
---@param place integer
function activity.keep(db, now, rows, place)
  local minutes, first = {}, first_minute(now)
  for _, row in ipairs(rows) do
    local ended, stored_at, replay = row[place], row[place + 1], row[place + 2]
    if ended and minute_of(ended) >= first then
      local numbers = minutes[minute_of(ended)] or { 0, 0, 0 }
      minutes[minute_of(ended)] = numbers
      if replay == 0 then
        numbers[1], numbers[2] = numbers[1] + 1, numbers[2] + ended - stored_at
      else
        numbers[3] = numbers[3] + 1
      end
    end
  end
  for minute, numbers in pairs(minutes) do db:run("add_handled", minute, numbers[1], numbers[2], numbers[3]) end
end

--- Adds the completions of the entries that the statement `expire` is about to remove. Removes the minutes before the
--- last hour.
---@param db apivideo.inbox.SqliteConnection
---@param now number
---@param age number of the entries, at least
function activity.expire(db, now, age)
  local first = first_minute(now)
  db:run("remove_minutes", first)
  if minute_of(now - age) >= first then activity.keep(db, now, db:rows("to_expire", now - age), 1) end
end

--- See apivideo.Store.activity. Returns { minutes, seconds }.
---@param db apivideo.inbox.SqliteConnection
---@param now number
---@return table pair the minutes, and how many seconds of the last one are over
function activity.list(db, now)
  local list, first = {}, first_minute(now)
  for i = 1, MINUTES do
    local begins = (first + i - 1) * 60
    local row = db:rows("handled", begins, begins + 60)[1]
    list[i] = { received = 0, handled = row[1], latency = row[2], replayed = row[3], failed = 0 }
  end
  for _, row in ipairs(db:rows("minutes", first)) do
    local numbers = list[row[1] - first + 1]
    if numbers then -- none of a clock that a restart of the machine has set back
      numbers.received, numbers.failed = row[2], row[3]
      numbers.handled, numbers.latency = numbers.handled + row[4], numbers.latency + row[5]
      numbers.replayed = numbers.replayed + row[6]
    end
  end
  return { list, now - minute_of(now) * 60 }
end

return activity
