--- Mutants of the reconciliation: nothing is lost or put twice, whatever fails; the cost, and what is read.

local ONCE, CRASH, LISTS = "spec/reconcile/once_spec.lua", "spec/reconcile/crash_spec.lua", "spec/reconcile/lists_spec.lua"
local STREAMS, RUN, PACE = "spec/reconcile/streams_spec.lua", "spec/reconcile/run_spec.lua", "spec/reconcile/pace_spec.lua"
local CAPTIONS, MISSED = "spec/reconcile/captions_spec.lua", "spec/reconcile/missed_spec.lua"

return {
  {
    file = "lua/apivideo/reconcile/init.lua", spec = CRASH,
    { "the cursor moves before the events are put", "  videos.list(pass, from)\n", "  state.cursor = pass:begun()\n  videos.list(pass, from)\n" },
    { "a failed pass keeps its lease", "local released, problem = protected.call(lease.release, lease)", "local released, problem = true, nil" },
    { "the cursor leaves a gap", "from = math.min(from, now - pass.since)", "from = now", spec = ONCE },
    { "a cursor in the future is kept", "    state.cursor = nil\n", "", spec = "spec/reconcile/dates_spec.lua" },
    { "the clock of this machine moves the cursor", "math.max(begun, state.cursor or begun), nil", "require('apivideo.runtime').now(), nil", spec = "spec/reconcile/dates_spec.lua" },
    { "each process makes each pass", "failure.raised, self, settings, every)", "failure.raised, self, settings, 0)", spec = RUN },
  },
  {
    file = "lua/apivideo/reconcile/found.lua", spec = MISSED,
    { "keys differ", "encoding = ascii.lower(encoding)", 'encoding = encoding .. "!"' },
    { "HLS differs from hls", "encoding = ascii.lower(encoding)", "encoding = encoding", spec = ONCE },
    { "no recording is found", "if stream and is_recorded(status, qualities) then", "if false then" },
    { "a recording is found before it exists", "if stream and is_recorded(status, qualities) then", "if stream then", spec = ONCE },
    { "an unknown status begins an encoding", "BEGUN[table_of(quality).status] or false end", 'table_of(quality).status ~= "waiting" end', spec = ONCE },
    { "no failure is found", 'event.type = "apivideo.video.failed"', "event = nil" },
  },
  {
    file = "lua/apivideo/reconcile/videos.lua", spec = ONCE,
    { "a video is forgotten before it is encoded", "is_encoded = is_encoded, is_complete = is_complete,", "is_encoded = true, is_complete = true," },
    { "old events are put", "if entry.is_old then return {}, is_complete, keys_of(events) end", "" },
    { "a settled video is read in each pass", "local is_changed = updated >= entry.checked - SAME_S", "local is_changed = true" },
    { "an updated video is not read", "local is_changed = updated >= entry.checked - SAME_S", "local is_changed = false" },
    { "a deleted video stays", "if change.is_deleted or is_finished(pass, entry) then", "if is_finished(pass, entry) then", spec = LISTS },
    { "a video that cannot be read ends the pass", "return count == #ids and count >= OUTAGE and first or nil", "return first", spec = LISTS },
    { "a few broken videos end each pass", "  read(pass, ids) -- an", "  local outage = read(pass, ids) if outage then error(outage, 0) end -- an", spec = LISTS },
    { "an outage does not end a pass", "if outage then error(outage, 0) end", "", spec = LISTS },
    { "a video without a date ends the list", "return date == nil end", "return false end", spec = LISTS },
    { "an interrupted pass begins at its start", "return part ~= nil and", "return false and", spec = CRASH },
    { "entries change before the events are put", "  pass:put(all)\n", "  for _, change in pairs(changes) do change.is_deleted = true end\n  pass:put(all)\n" },
  },
  {
    file = "lua/apivideo/reconcile/streams.lua", spec = STREAMS,
    { "the first pass tells all broadcasts", "local before, now, events = state.streams, pass:now(), {}", "local before, now, events = state.streams or {}, pass:now(), {}\n  state.streams_at = state.streams_at or now" },
    { "a start is not seen", "compare(events, STARTED, live, before)", "" },
    { "a pass that is killed tells a start, and none tells the end", "  pass:save()\n", "", spec = CRASH },
    { "events of a pass that was killed have the time of the next one", "age = math.max(0, age) }", "age = 0 }", spec = CRASH },
    { "an end is not found if no pass saw the broadcast", "  put_unobserved(pass, live, pages)\n", "" },
    { "a broadcast that starts after the list has ended", "age = runtime.monotonic() - page.requested, ", "" },
    { "a start that came just now is compared with the state", "opposite_age = MARGIN_S", "opposite_age = 0" },
    { "the first pass does not compare", "local before = pass.state.streams or live", "local before = pass.state.streams or {}", spec = STREAMS },
    { "a stream that the list lacks has ended", "for id in pairs(before or {}) do", "for id in pairs {} do" },
  },
  {
    file = "lua/apivideo/reconcile/pace.lua", spec = PACE,
    { "the whole limit is used", "self._share * (reads", "1 * (reads" },
    { "an idle day is made up for", "math.min(math.max(most, 1), (self._credit or most) + (now - self._since) * rate)", "(self._credit or most) + (now - self._since) * rate" },
    { "the lease is not renewed", "    while_waiting()\n", "" },
  },
  {
    file = "lua/apivideo/reconcile/state.lua", spec = CRASH,
    { "a lost lease is not noticed", "  if is_held then return end\n", "  if is_held ~= nil then return end\n" },
  },
  {
    file = "lua/apivideo/events/derivation.lua", spec = CAPTIONS,
    { "the event of a caption is not counted", 'if event.type == CAPTION and type(event.language) == "string" then', "if false then" },
  },
  {
    file = "lua/apivideo/inbox/memory/states.lua", spec = "spec/inbox/memory_spec.lua",
    { "an old lease can save", "if not state or state.token ~= token then return false end", "if not state then return false end" },
    { "old states stay", "if not known[name] then remove_old(known) end", "" },
    { "a leased state is removed", "if state.expires <= now() and state.saved_at", "if state.saved_at" },
    { "a state has no rest", "local wait = math.max(state.expires, state.saved_at + rest) - now()", "local wait = state.expires - now()" },
  },
  {
    file = "lua/apivideo/inbox/memory/occurrences.lua", spec = "spec/inbox/memory_spec.lua",
    { "an item is put after an entry of its occurrence", "return not after and not (before and is_earlier(opposite, before))", "return true" },
    { "a later opposite does not prevent an item", "if not opposite or later_opposite then", "if not opposite then" },
    { "the age of an opposite has no limits", "if age < bounds.min or age > bounds.max then", "if false then" },
  },
  {
    file = "lua/apivideo/inbox/sqlite/statements.lua", spec = "spec/inbox/sqlite_spec.lua",
    { "a restart makes states old", "saved_at = min(saved_at, ?)", "saved_at = min(0, ?)" },
    { "an old lease can save", "expires = ? WHERE name = ? AND token = ?", "expires = ? WHERE name = ? AND ? IS NOT NULL" },
  },
}
