--- The operations of the SQLite store, each within a transaction: operation(db, now, …). `now` is the store's clock. An
--- operation has one result: where a method of the store has two, it is a list of both.

local activity = require "apivideo.inbox.sqlite.activity"
local claiming = require "apivideo.inbox.sqlite.claiming"
local core = require "apivideo.core"
local pauses = require "apivideo.inbox.pauses"
local queries = require "apivideo.inbox.sqlite.queries"
local stores = require "apivideo.inbox.store"
local tables = require "apivideo.util.tables"

local hash, entry_of = stores.digest, claiming.entry_of

local operations = {
  claim = claiming.claim, extend = claiming.extend, pause = claiming.pause, resume = claiming.resume,
}

-- The token before the first claim of an event. It is random: after the file was replaced, its ids begin at 1 again,
-- and an old claim must not be valid for another event with the same id.
local function first_token()
  local high, middle, low = core.random(3):byte(1, 3)
  return (high * 256 + middle) * 256 + low
end

-- The state of an entry that is to be handled.
local function waiting_state(db, lane)
  return lane and db:rows("lane_is_taken", lane)[1] and "blocked" or "ready"
end

-- The time and the id of the last entry of an occurrence until the time `came`, and of the first one after it, within
-- the window; nil for either that is missing.
local function neighbors(db, occurrence, came, window)
  if not occurrence then return nil, nil end
  return db:rows("last_until", occurrence, came - window, came)[1],
    db:rows("first_after", occurrence, came, came + window)[1]
end

-- Whether one of two entries came before the other. Entries of one batch have the same time.
local function is_earlier(entry, other)
  if entry[1] ~= other[1] then return entry[1] < other[1] end
  return entry[2] < other[2]
end

-- Whether an item repeats an occurrence: an entry of it came within the window, and no entry of the opposite occurrence
-- came between the two.
local function is_retry(db, item, came, window)
  local before, after = neighbors(db, hash(item.occurrence), came, window)
  if not before and not after then return false end
  local opposite_before, opposite_after = neighbors(db, hash(item.opposite), came, window)
  return before ~= nil and not (opposite_before and is_earlier(before, opposite_before))
    or after ~= nil and not (opposite_after and is_earlier(opposite_after, after))
end

-- Whether an item with a condition is to be put: the last entry of its opposite came early enough, and no entry of its
-- occurrence came after that one.
local function is_wanted(db, item, came)
  local bounds = item.opposite_age
  if not bounds then return true end
  local range = bounds.max + (item.age or 0) + 1 -- until now, at least
  local opposite, later_opposite = neighbors(db, hash(item.opposite), came, range)
  if not opposite or later_opposite then return false end
  local age = came - opposite[1]
  if age < bounds.min or age > bounds.max then return false end
  local before, after = neighbors(db, hash(item.occurrence), came, range)
  return not after and not (before and is_earlier(opposite, before))
end

local function put_one(db, now, item, window)
  local key, lane, came = hash(item.key), hash(item.lane), now - (item.age or 0)
  if item.age and db:run("came_before", came, key, came) == 1 then return false end
  if not is_wanted(db, item, came) then return false end
  if is_retry(db, item, came, window) then return not db:rows("known", key)[1] and "occurrence" end
  local state, ended = waiting_state(db, lane), nil
  if item.error then state, ended = "dead", now end
  return db:run("put", key, hash(item.occurrence), lane, state, first_token(), item.webhook_id, item.verified,
    item.received_at, came, item.raw, item.error, ended, item.origin or "webhook",
    item.type, item.video_id, item.detail) == 1
end

function operations.put(db, now, items, window)
  local results, times = {}, {}
  for i, item in ipairs(items) do
    results[i] = put_one(db, now, item, window)
    if results[i] == true then times[#times + 1] = now - (item.age or 0) end
  end
  activity.add_received(db, now, times)
  return results
end

function operations.retry(db, now, id, token, delay, message, attempts)
  if db:run("retry", now + delay, message, attempts, id, token, now) == 0 then return false end
  activity.add_failed(db, now)
  return true
end

-- Ends an entry; the next entry of its lane becomes ready.
local function finish(db, id, statement, ...)
  if db:run(statement, ...) == 0 then return false end
  local lane = db:rows("lane", id)[1][1]
  if lane then db:run("next_of_lane", lane) end
  return true
end

function operations.complete(db, now, id, token, items, window, attempts, retains)
  local statement = retains and "complete" or "complete_without_raw"
  if not finish(db, id, statement, now, attempts, id, token, now) then return false end
  if items then operations.put(db, now, items, window) end
  return true
end

function operations.complete_all(db, now, claims, window)
  local results = {}
  for i, each in ipairs(claims) do
    results[i] = operations.complete(db, now, each.id, each.token, each.items, window, each.attempts, each.retains)
  end
  return results
end

-- Removes a claimed entry; the next entry of its lane becomes ready.
function operations.remove(db, now, id, token)
  local row = db:rows("lane", id)[1]
  if db:run("remove", id, token, now) == 0 then return false end
  if row[1] then db:run("next_of_lane", row[1]) end
  return true
end

function operations.dead_letter(db, now, id, token, message, attempts)
  if not finish(db, id, "dead_letter", now, message, attempts, id, token, now) then return false end
  activity.add_failed(db, now)
  return true
end

local PUBLIC_STATES = { ready = "waiting", delayed = "waiting", blocked = "waiting",
  parked = "waiting", dead = "dead", done = "done" }
local LISTED = ", token, attempt, raw, webhook_id, verified, received_at, stored_at, error, origin, replay"
  .. ", type, video_id, state, due, detail"
local WITHOUT_RAW = LISTED:gsub(", raw,", ", '',")
local DETAILED = LISTED .. ", attempts, identity, occurrence, lane, ended"

function operations.list(db, now, where, page)
  local columns = page.detailed and DETAILED or page.without_raw and WITHOUT_RAW or LISTED
  local rows, following = queries.select(db, now, where, page, columns)
  local entries = {}
  for i, row in ipairs(rows) do
    local entry = entry_of(row, now)
    entry.type, entry.video_id, entry.detail = row[12], row[13], row[16]
    entry.state = PUBLIC_STATES[row[14]] or row[15] > now and "claimed" or "waiting"
    if page.detailed then
      entry.attempts, entry.key, entry.occurrence, entry.lane = row[17], row[18], row[19], row[20]
      entry.ended_for = row[21] and math.max(0, now - row[21])
    end
    entries[i] = entry
  end
  return { entries, following }
end

function operations.count(db, now, where, after)
  return { queries.count(db, now, where, after) }
end

local COMPLETION = ", ended, stored_at, replay"

-- Queues the entries of a page that match, with a statement.
local function queue_again(db, now, statement, where, page)
  local rows, following = queries.select(db, now, where, page, ", lane" .. COMPLETION)
  if where.state == "done" then activity.keep(db, now, rows, 3) end
  for _, row in ipairs(rows) do db:run(statement, waiting_state(db, row[2]), row[1]) end
  return { #rows, following }
end

function operations.redrive(db, now, where, page)
  return queue_again(db, now, "redrive", tables.merge(where, { state = "dead" }), page)
end

function operations.replay(db, now, where, page)
  return queue_again(db, now, "replay", tables.merge(where, { state = "done", has_raw = true }), page)
end

function operations.purge(db, now, where, page)
  local ended, following = queries.select(db, now, where, page, COMPLETION)
  if where.state == "done" then activity.keep(db, now, ended, 2) end
  for _, row in ipairs(ended) do db:run("purge", row[1]) end
  return { #ended, following }
end

function operations.import(db, now, records)
  local results, times = {}, {}
  for i, record in ipairs(records) do
    local state, ended = record.state, nil
    if state == "waiting" then state = waiting_state(db, record.lane) else ended = now - record.ended_for end
    results[i] = db:run("import", record.key, record.occurrence, record.lane, state, first_token(), record.webhook_id,
      record.verified, record.received_at, now - record.age, record.raw, record.error, ended, record.origin,
      record.type, record.video_id, record.detail, record.attempt, record.attempts, record.replay or false) == 1
    if results[i] then times[#times + 1] = now - record.age end
  end
  activity.add_received(db, now, times)
  return results
end

function operations.expire(db, now, age)
  activity.expire(db, now, age)
  return db:run("expire", now - age)
end

-- Returns { lease } or { false, seconds }.
function operations.acquire(db, now, name, seconds, rest)
  local row = db:rows("state", name)[1]
  if not row then
    db:run("remove_states", now, now - stores.STATE_RETENTION_S)
    local token = first_token()
    db:run("create_state", name, token, now + seconds)
    return { { token = token } }
  end
  local wait = math.max(row[2], row[3] + rest) - now
  if wait > 0 then return { false, wait } end
  db:run("lease_state", row[1] + 1, now + seconds, name)
  return { { token = row[1] + 1, value = row[4] } }
end

function operations.save(db, now, name, token, value, seconds)
  return db:run("save_state", value, now, now + seconds, name, token) == 1
end

operations.activity = activity.list

function operations.stats(db, now)
  local function value(...)
    local row = db:rows(...)[1]
    return row and row[1]
  end
  local claimed, waiting = value("claimed", now), 0
  for _, state in ipairs { "ready", "delayed", "claimed", "blocked", "parked" } do
    waiting = waiting + value("count", state)
  end
  local oldest = value "oldest"
  local is_paused, paused = claiming.pauses(db)
  return {
    waiting = waiting - claimed, claimed = claimed, dead = value("count", "dead"), done = value("count", "done"),
    oldest = oldest and math.max(0, now - oldest), attempts = value "attempts" or 0, paused = is_paused,
    paused_types = pauses.list(paused, now),
  }
end

return operations
