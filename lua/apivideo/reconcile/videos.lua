--- The videos of a pass: those that were created or updated since the last one, and those that may not be encoded yet.
---
--- It is not documented whether `updatedAt` moves when a quality is encoded. So a video is kept in the state, and read by
--- its id, from when it is listed until all its qualities are encoded or failed.

local catalogue = require "apivideo.events"
local found = require "apivideo.reconcile.found"
local parallel = require "apivideo.runtime.parallel"

local CHUNK = 50        -- videos that are read between two saves
local CONCURRENCY = 4
local SAME_S = 5        -- api.video's dates have whole seconds, and its servers may differ by a little
local OUTAGE = 3        -- so many videos that cannot be read, and no other: the API is unavailable
local AGE_SHARE = 8     -- a video is read when an eighth of its age has passed: old ones seldom change
local MAX_WAITING = 5000 -- videos in the state

-- Captions are made after the encoding; most videos that wait for one will not get any.
local CAPTION_AGE_SHARE = 2

local videos = {}

-- `captions:all` with the arguments of a call of a pass.
local function all_captions(captions, id, call_options)
  return captions:all(id, nil, call_options)
end

local function stream_of(video)
  local source = type(video.source) == "table" and video.source
  local stream = source and type(source.liveStream) == "table" and source.liveStream.liveStreamId
  return type(stream) == "string" and stream or nil
end

-- Adds a listed video to the state. Returns whether it must be read now.
local function add(pass, video, updated)
  local entry = pass.state.videos[video.videoId]
  if entry then
    local is_changed = updated >= entry.checked - SAME_S -- since it was read
    entry.listed = updated
    if is_changed then entry.is_encoded, entry.is_complete = nil, nil end
    return is_changed
  end
  local created = pass.time_of(video.createdAt) or updated
  local is_old = created < pass:horizon()
  pass.state.videos[video.videoId] = {
    from = is_old and pass:now() or created, checked = 0, listed = updated, stream = stream_of(video),
    is_old = is_old or nil,
  }
  return true
end

-- The keys of the events of an old video: they may have been handled so long ago that the inbox does not know them.
local function keys_of(events)
  local keys = {}
  for _, event in ipairs(events) do keys[catalogue:key(event)] = true end
  return keys
end

-- The events of a status that may be put. Of a video that is older than what the inbox knows, these are the events
-- after it was first read.
local function events_of(id, entry, status)
  local events, is_complete = found.of_video(id, entry.stream, status)
  if entry.is_old then return {}, is_complete, keys_of(events) end
  if not entry.skipped then return events, is_complete end
  local new = {}
  for _, event in ipairs(events) do
    if not entry.skipped[catalogue:key(event)] then new[#new + 1] = event end
  end
  return new, is_complete, entry.skipped
end

-- What was read of a video; false if it was deleted; nil and an error.
local function read_one(pass, id)
  local client, result, err = pass.client, {}, nil
  if not pass.state.videos[id].is_encoded then
    result.status, err = pass:call(client.videos.status, client.videos, id)
  end
  if not err and pass.options.captions then result.captions, err = pass:call(all_captions, client.captions, id) end
  if not err then return result end
  if err.kind == "not_found" then return false end
  return nil, err
end

-- The events of what was read of a video, and the changes of its entry.
local function evaluate(id, entry, result)
  if result == false then return {}, { is_deleted = true } end
  local events, is_encoded, skipped = {}, true, entry.skipped
  if result.status then events, is_encoded, skipped = events_of(id, entry, result.status) end
  local captions = found.of_captions(id, result.captions or {})
  for _, event in ipairs(captions) do
    if entry.is_old then skipped[catalogue:key(event)] = true end
    if not (skipped and skipped[catalogue:key(event)]) then events[#events + 1] = event end
  end
  local is_complete = is_encoded and (not result.captions or #captions > 0)
  return events, { is_encoded = is_encoded, is_complete = is_complete, skipped = not is_complete and skipped or nil }
end

-- Whether a video is complete, and so old that the next pass does not list it. The state of a long pass stays small.
local function is_finished(pass, entry)
  local begun = pass:begun()
  return entry.is_complete and begun ~= nil and entry.listed < begun - pass.OVERLAP_S
end

-- Reads videos, puts their events, and changes their entries: in this order, so that a crash loses nothing.
local function read_chunk(pass, ids)
  local results, errs = parallel(CONCURRENCY, ids, function(id) return read_one(pass, id) end)
  local changes, all = {}, {}
  for i, id in ipairs(ids) do
    if results[i] ~= nil then
      local events
      events, changes[id] = evaluate(id, pass.state.videos[id], results[i])
      for _, event in ipairs(events) do all[#all + 1] = event end
    end
  end
  pass:put(all)
  for id, change in pairs(changes) do
    local entry = pass.state.videos[id]
    entry.checked, entry.is_old = pass:now(), nil
    entry.is_encoded, entry.is_complete, entry.skipped = change.is_encoded, change.is_complete, change.skipped
    if change.is_deleted or is_finished(pass, entry) then pass.state.videos[id] = nil end
    pass.summary.videos = pass.summary.videos + 1
  end
  for _, id in ipairs(ids) do pass.tried[id] = true end
  return errs
end

-- Adds the errors of a chunk to the summary. Returns the first one if the API is unavailable; raises one that ends the
-- pass.
local function report(pass, ids, errs)
  local count, first = 0, nil
  for i = 1, #ids do
    local err = (errs or {})[i]
    if err ~= nil then
      pass:note_error(err)
      count, first = count + 1, first or err
    end
  end
  return count == #ids and count >= OUTAGE and first or nil
end

-- Reads videos in chunks, and saves the state after each. `part` becomes true with the last one. Returns an error, and
-- leaves out the following chunks, if the API is unavailable.
local function read(pass, ids, part)
  for from = 1, #ids, CHUNK do
    local chunk = {}
    for i = from, math.min(from + CHUNK - 1, #ids) do chunk[#chunk + 1] = ids[i] end
    local errs = read_chunk(pass, chunk)
    if part and from + CHUNK > #ids then pass.state.part = part end
    pass:save()
    local outage = report(pass, chunk, errs)
    if outage then return outage end
  end
end

-- Whether an earlier pass, which did not end, has read a video that was updated at a time.
local function was_read(part, updated)
  return part ~= nil and updated > part.to and updated < part.from - SAME_S
end

--- Reads the videos that were created or updated since the last pass, newest first.
---@param pass apivideo.reconcile.Pass
---@param from number the time of the cursor
function videos.list(pass, from)
  local ids, part = {}, pass.state.part
  local function read_listed(updated)
    -- Of a pass that continues another one, what was read is one range only after its end is reached.
    local is_range = pass:begun() and (not part or updated <= part.to)
    local outage = read(pass, ids, is_range and { from = pass:begun(), to = updated } or nil)
    if outage then error(outage, 0) end
    ids = {}
  end
  pass:read_list(pass.client.videos, { sortBy = "updatedAt", sortOrder = "desc" }, function(video)
    local date = pass.time_of(video.updatedAt)
    local updated = date or pass.time_of(video.createdAt) or pass:now()
    if updated < from then return date == nil end -- videos without a date can be anywhere
    if type(video.videoId) == "string" and not was_read(part, updated) and add(pass, video, updated) then
      ids[#ids + 1] = video.videoId
    end
    if #ids >= CHUNK then read_listed(updated) end
  end)
  read(pass, ids) -- an error ends no pass here: otherwise a few broken videos would end each one
end

-- The videos that may not be encoded yet, and which were not read for a while.
local function due(pass)
  local ids, now = {}, pass:now()
  for id, entry in pairs(pass.state.videos) do
    local share = entry.is_encoded and CAPTION_AGE_SHARE or AGE_SHARE
    local is_due = now - entry.checked >= (now - entry.from) / share
    if is_due and not entry.is_complete and not pass.tried[id] then ids[#ids + 1] = id end
  end
  table.sort(ids)
  return ids
end

--- Reads the videos that may not be encoded yet, and which this pass has not tried to read.
---@param pass apivideo.reconcile.Pass
function videos.read_waiting(pass)
  read(pass, due(pass))
end

--- Removes entries: complete ones that will not be listed again, and those that are too old or too many.
---@param pass apivideo.reconcile.Pass
---@param from number what was updated before will not be listed again
function videos.prune(pass, from)
  local waiting, now = {}, pass:now()
  for id, entry in pairs(pass.state.videos) do
    if entry.is_complete then
      if entry.listed < from then pass.state.videos[id] = nil end
    elseif now - entry.from > pass.options.lookback then
      pass.state.videos[id] = nil
      if not entry.is_encoded then pass.summary.dropped = pass.summary.dropped + 1 end
    else
      waiting[#waiting + 1] = { id = id, from = entry.from }
    end
  end
  table.sort(waiting, function(a, b) return a.from > b.from end)
  for i = MAX_WAITING + 1, #waiting do
    pass.state.videos[waiting[i].id] = nil
    pass.summary.dropped = pass.summary.dropped + 1
  end
  pass.summary.waiting = math.min(#waiting, MAX_WAITING)
end

return videos
