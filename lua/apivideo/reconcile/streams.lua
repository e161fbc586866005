--- The live streams of a pass. The API has no history of broadcasts. A pass compares the state of each stream
--- (`broadcasting`) with that of the last pass, and puts an event for each change, with the time when it was observed. The
--- event is a duplicate if one of its type came since the last pass, and the opposite event did not come after it.
---
--- A broadcast that begins and ends between two passes changes no state. For a stream without a change, the event of its
--- state is put on a condition: the last event of the stream that came is the opposite one. Then this event was lost.

local runtime = require "apivideo.runtime"

local streams = {}

local STARTED, ENDED = "live-stream.broadcast.started", "live-stream.broadcast.ended"

local MARGIN_S = 20 -- the event may come before the state changes

-- The live streams that broadcast now; and the listed ones, by the time when their page was requested. One that
-- broadcast before and is not in the list, which may shift while it is read, is read by its id.
local function read(pass, before)
  local live, listed, pages = {}, {}, {}
  local function add(stream, requested)
    local id, page = stream.liveStreamId, pages[#pages]
    if type(id) ~= "string" then return end
    listed[id] = true
    if stream.broadcasting == true then live[id] = true end
    if not requested then return end
    if not page or page.requested ~= requested then
      page = { requested = requested }
      pages[#pages + 1] = page
    end
    page[#page + 1] = id
  end
  pass:read_list(pass.client.live_streams, {}, add)
  for id in pairs(before or {}) do
    if not listed[id] then
      local stream, err = pass:call(pass.client.live_streams.get, pass.client.live_streams, id)
      if stream then
        add(stream)
      elseif err.kind ~= "not_found" then
        pass:note_error(err)
        live[id] = true -- the next pass reads it again
      end
    end
  end
  return live, pages
end

-- Puts the events of the streams that broadcast as in the last pass, or were not read by one, on the condition that the
-- opposite event is the last one that came. It must have come before the request: a broadcast that has started since
-- then has not ended.
local function put_unobserved(pass, live, pages)
  local before = pass.state.streams or live
  for _, page in ipairs(pages) do
    local events = {}
    for _, id in ipairs(page) do
      local type = live[id] and STARTED or ENDED
      if live[id] == before[id] then events[#events + 1] = { type = type, liveStreamId = id } end
    end
    pass:put(events, { age = runtime.monotonic() - page.requested, opposite_age = MARGIN_S })
  end
end

-- Adds an event for each stream of a set that the other set lacks.
local function compare(events, type, set, other)
  for id in pairs(set) do
    if not other[id] then events[#events + 1] = { type = type, liveStreamId = id } end
  end
end

-- Puts the events of the last changes that were saved. If the pass ended before it had done that, another one does it:
-- as if they were put when they were observed, since the events themselves may have come after that.
local function put_changes(pass)
  local state, changes = pass.state, pass.state.changes
  if not changes then return end
  local window, age = changes.at - state.streams_at, pass:now() - changes.at
  -- A `Date` may have been wrong.
  pass:put(changes.events, { window = math.max(0, window) + MARGIN_S, age = math.max(0, age) })
  state.streams, state.streams_at, state.changes = changes.streams, changes.at, nil
end

--- Reads the live streams. The first pass only remembers their state. Changes are saved before their events are put: if
--- the process is killed in between, the next pass puts them.
---@param pass apivideo.reconcile.Pass
function streams.list(pass)
  local state = pass.state
  local live, pages = read(pass, state.changes and state.changes.streams or state.streams)
  put_changes(pass)
  put_unobserved(pass, live, pages)
  local before, now, events = state.streams, pass:now(), {}
  if before then
    compare(events, ENDED, before, live)
    compare(events, STARTED, live, before)
  end
  if #events == 0 then
    state.streams, state.streams_at = live, now
    return
  end
  pass:date(events)
  state.changes = { events = events, streams = live, at = now }
  pass:save()
  put_changes(pass)
end

return streams
