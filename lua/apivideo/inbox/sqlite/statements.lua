--- The SQL of the SQLite store. LuaDBI returns integers with 32 bits, so ids are cast to REAL.

local ENTRY = "CAST(id AS REAL), token, attempt, raw, webhook_id, verified, received_at, stored_at, error, origin,"
  .. " replay"

local SET_ATTEMPTS = "attempts = ifnull(?, attempts)"
local IS_CLAIMED = "id = ? AND token = ? AND state = 'claimed' AND due > ?"

return {
  read = "BEGIN",
  write = "BEGIN IMMEDIATE",
  commit = "COMMIT",

  library = "SELECT sqlite_version()",
  tables = "SELECT name FROM sqlite_master LIMIT 1", -- sqlite_schema needs SQLite 3.33
  has_schema = "SELECT 1 FROM pragma_table_info('inbox') WHERE name = 'schema'",
  schema = "SELECT schema FROM inbox",
  set_schema = "UPDATE inbox SET schema = ?",
  set_type = "UPDATE events SET type = ?, video_id = ? WHERE id = ?",
  usable_since = "PRAGMA user_version",
  clock = "SELECT boot, clock FROM inbox",
  set_clock = "UPDATE inbox SET boot = ?, clock = ?",
  last_seen = [[SELECT max(time) FROM (
    SELECT max(stored_at) AS time FROM events WHERE id > (SELECT max(id) FROM events) - 1000
    UNION ALL SELECT max(ended) FROM events WHERE state = 'done' AND ended IS NOT NULL
    UNION ALL SELECT max(ended) FROM events WHERE state = 'dead' AND ended IS NOT NULL)]],
  wake_all = "UPDATE events SET state = 'ready', due = NULL WHERE due IS NOT NULL",

  end_leases = "UPDATE states SET expires = 0, saved_at = min(saved_at, ?)",

  known = "SELECT 1 FROM events WHERE identity = ?",
  came_before = "UPDATE events SET stored_at = ? WHERE identity = ? AND stored_at > ?",
  last_until = [[SELECT stored_at, CAST(id AS REAL) FROM events
    WHERE occurrence = ? AND stored_at > ? AND stored_at <= ?
    ORDER BY stored_at DESC, id DESC LIMIT 1]],
  first_after = [[SELECT stored_at, CAST(id AS REAL) FROM events
    WHERE occurrence = ? AND stored_at > ? AND stored_at < ?
    ORDER BY stored_at, id LIMIT 1]],
  lane_is_taken = "SELECT 1 FROM events WHERE lane = ? AND ended IS NULL LIMIT 1",
  put = [[INSERT INTO events
      (identity, occurrence, lane, state, token, webhook_id, verified, received_at, stored_at, raw, error, ended,
       origin, type, video_id, detail)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (identity) DO NOTHING]],

  import = [[INSERT INTO events
      (identity, occurrence, lane, state, token, webhook_id, verified, received_at, stored_at, raw, error, ended,
       origin, type, video_id, detail, attempt, attempts, replay)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (identity) DO NOTHING]],

  wake = [[UPDATE events SET state = 'ready', due = NULL
    WHERE id IN (SELECT id FROM events WHERE due <= ? ORDER BY due LIMIT 1000)]],
  ready = "SELECT " .. ENTRY .. ", attempts FROM events WHERE state = 'ready' ORDER BY id LIMIT ?",
  claim = [[UPDATE events SET state = 'claimed', due = ?, token = token + 1, attempt = attempt + 1
    WHERE id = ?]],

  -- The type "" does not occur: an entry without an event has NULL, and is not parked.
  parked_type = [[SELECT type FROM events INDEXED BY events_parked
    WHERE state = 'parked' AND type > ? ORDER BY type LIMIT 1]],
  parked = [[SELECT CAST(id AS REAL) FROM events INDEXED BY events_parked
    WHERE state = 'parked' AND type = ? ORDER BY id LIMIT ?]],
  ready_types = "SELECT CAST(id AS REAL), type FROM events WHERE state = 'ready' AND id > ? ORDER BY id LIMIT ?",
  park = "UPDATE events SET state = 'parked' WHERE id = ?",
  entry = "SELECT " .. ENTRY .. ", attempts FROM events WHERE id = ?",

  extend = "UPDATE events SET due = ? WHERE " .. IS_CLAIMED,
  retry = "UPDATE events SET state = 'delayed', due = ?, error = ?, " .. SET_ATTEMPTS .. " WHERE " .. IS_CLAIMED,
  complete = "UPDATE events SET state = 'done', due = NULL, ended = ?, " .. SET_ATTEMPTS .. " WHERE " .. IS_CLAIMED,
  complete_without_raw = "UPDATE events SET state = 'done', due = NULL, ended = ?, raw = '', " .. SET_ATTEMPTS
    .. " WHERE " .. IS_CLAIMED,
  dead_letter = "UPDATE events SET state = 'dead', due = NULL, ended = ?, error = ?, " .. SET_ATTEMPTS .. " WHERE "
    .. IS_CLAIMED,
  remove = "DELETE FROM events WHERE " .. IS_CLAIMED,
  lane = "SELECT lane FROM events WHERE id = ?",
  next_of_lane = [[UPDATE events SET state = 'ready' WHERE id =
    (SELECT min(id) FROM events WHERE lane = ? AND ended IS NULL AND state = 'blocked')]],

  redrive = "UPDATE events SET state = ?, ended = NULL, attempt = 0 WHERE id = ?",
  replay = "UPDATE events SET state = ?, ended = NULL, attempt = 0, replay = 1 WHERE id = ?",
  purge = "DELETE FROM events WHERE id = ?",
  expire = [[DELETE FROM events WHERE id IN
    (SELECT id FROM events WHERE state = 'done' AND ended <= ? ORDER BY ended LIMIT 1000)]],

  add_received = [[INSERT INTO activity (minute, received) VALUES (?, ?)
    ON CONFLICT (minute) DO UPDATE SET received = received + excluded.received]],
  add_failed = [[INSERT INTO activity (minute, failed) VALUES (?, 1)
    ON CONFLICT (minute) DO UPDATE SET failed = failed + 1]],
  add_handled = [[INSERT INTO activity (minute, handled, latency, replayed) VALUES (?, ?, ?, ?)
    ON CONFLICT (minute) DO UPDATE SET handled = handled + excluded.handled,
      latency = latency + excluded.latency, replayed = replayed + excluded.replayed]],
  to_expire = [[SELECT ended, stored_at, replay FROM events
    WHERE state = 'done' AND ended <= ? ORDER BY ended LIMIT 1000]],
  remove_minutes = "DELETE FROM activity WHERE minute < ?",
  minutes = "SELECT minute, received, failed, handled, latency, replayed FROM activity WHERE minute >= ?",
  handled = [[SELECT count(*) - ifnull(sum(replay), 0), total((ended - stored_at) * (replay = 0)),
      ifnull(sum(replay), 0)
    FROM events WHERE state = 'done' AND ended >= ? AND ended < ?]],

  state = "SELECT token, expires, saved_at, value FROM states WHERE name = ?",
  create_state = "INSERT INTO states (name, token, expires, saved_at) VALUES (?, ?, ?, 0)",
  remove_states = "DELETE FROM states WHERE expires <= ? AND saved_at <= ?",
  lease_state = "UPDATE states SET token = ?, expires = ? WHERE name = ?",
  save_state = "UPDATE states SET value = ?, saved_at = ?, expires = ? WHERE name = ? AND token = ?",

  pause = "UPDATE inbox SET paused = ?",
  pauses = "SELECT paused, paused_types, EXISTS (SELECT 1 FROM events WHERE state = 'parked') FROM inbox",
  set_pauses = "UPDATE inbox SET paused_types = ?",
  claimed = "SELECT count(*) FROM events WHERE state = 'claimed' AND due > ?",
  count = "SELECT count(*) FROM events WHERE state = ?",
  oldest = [[SELECT stored_at FROM events WHERE id = (SELECT min(id) FROM (
    SELECT min(id) AS id FROM events WHERE state = 'ready'
    UNION ALL SELECT min(id) FROM events WHERE state = 'delayed'
    UNION ALL SELECT min(id) FROM events WHERE state = 'claimed'
    UNION ALL SELECT min(id) FROM events WHERE state = 'blocked'
    UNION ALL SELECT min(id) FROM events WHERE state = 'parked'))]],
  attempts = [[SELECT max(attempt) FROM (SELECT attempt FROM events WHERE state = 'claimed'
    UNION ALL SELECT max(attempt) FROM events WHERE attempt > 0 AND state <> 'claimed' AND ended IS NULL)]],
}
