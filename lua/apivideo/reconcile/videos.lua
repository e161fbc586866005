--- The videos of a pass: those that were created or updated since the last one, and those that may not be encoded yet.
---
--- It is not documented whether `updatedAt` moves when a quality is encoded. So a video is kept in the state, and read by
--- its id, from when it is listed until all its qualities are encoded or failed.

local catalogue = require "apivideo.events"
local errors = require "apivideo.error"
local found = require "apivideo.reconcile.found"
local parallel = require "apivideo.runtime.parallel"

local CHUNK = 50        -- videos that are read between two saves
local CONCURRENCY = 4
local SAME_S = 5        -- api.video's dates have whole seconds, and its servers may differ by a little
local OUTAGE = 3        -- so many videos that cannot be read, and no other: the API is unavailable
local AGE_SHARE = 8     -- a video is read when an eighth of its age has passed: old ones seldom change
local MAX_WAITING = 5000 -- videos in the state

local ENDS_PASS = { claim_lost = true, cancelled = true, store_unavailable = true, unauthorized = true }

local videos = {}

local function stream_of(video)
  local source = type(video.source) == "table" and video.source
  local stream = source and type(source.liveStream) == "table" and source.liveStream.liveStreamId
  return type(stream) == "string" and stream or nil
end

-- Whether a listed video was read since its update, and no other event will follow.
local function is_settled(entry, updated)
  return entry.is_complete and updated < entry.checked - SAME_S
end

-- Adds a listed video to the state. Returns whether it must be read now.
local function add(pass, video, updated)
  local entry = pass.state.videos[video.videoId]
  if entry then
    local is_read = is_settled(entry, updated)
    entry.listed = updated
    return not is_read and (entry.is_complete or updated >= entry.checked - SAME_S)
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
-- after the first look at it.
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

-- Reads the statuses of videos, puts their events, and saves the state: in this order, so that a crash loses nothing.
local function read_chunk(pass, ids)
  local results, errs = parallel(CONCURRENCY, ids, function(id)
    local status, err = pass:call(pass.client.videos.status, pass.client.videos, id)
    if not status and err.kind == "not_found" then return false end
    return status, err
  end)
  local read, all = {}, {}
  for i, id in ipairs(ids) do
    local entry, status = pass.state.videos[id], results[i]
    if status then
      local events, is_complete, skipped = events_of(id, entry, status)
      for _, event in ipairs(events) do all[#all + 1] = event end
      read[id] = { is_complete = is_complete, skipped = skipped }
    elseif status == false then
      read[id] = { is_deleted = true }
    end
  end
  pass:put(all)
  for id, result in pairs(read) do
    local entry = pass.state.videos[id]
    entry.checked, entry.is_complete, entry.is_old = pass:now(), result.is_complete or nil, nil
    entry.skipped = not result.is_complete and result.skipped or nil
    if result.is_deleted then pass.state.videos[id] = nil end
    pass.summary.videos = pass.summary.videos + 1
  end
  for _, id in ipairs(ids) do pass.tried[id] = true end
  return errs
end

-- Adds the errors of a chunk to the summary. Raises the first one if the API is unavailable, or the pass is over.
local function report(pass, ids, errs)
  local count, first = 0, nil
  for i = 1, #ids do
    local err = (errs or {})[i]
    if err ~= nil then
      if not errors.is(err) or ENDS_PASS[err.kind] then error(err, 0) end
      count, first = count + 1, first or err
      pass.summary.errors = pass.summary.errors or {}
      table.insert(pass.summary.errors, err)
    end
  end
  if count == #ids and count >= OUTAGE then error(first, 0) end
end

local function read(pass, ids)
  for from = 1, #ids, CHUNK do
    local chunk = {}
    for i = from, math.min(from + CHUNK - 1, #ids) do chunk[#chunk + 1] = ids[i] end
    local errs = read_chunk(pass, chunk)
    pass:save()
    report(pass, chunk, errs)
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
    read(pass, ids)
    ids = {}
    -- Of a pass that continues another one, what was read is one range only after its end is reached.
    if pass:begun() and (not part or updated <= part.to) then
      pass.state.part = { from = pass:begun(), to = updated }
    end
  end
  pass:read_list(pass.client.videos, { sortBy = "updatedAt", sortOrder = "desc" }, function(video)
    local updated = pass.time_of(video.updatedAt) or pass.time_of(video.createdAt) or pass:now()
    if updated < from then return false end
    if type(video.videoId) == "string" and not was_read(part, updated) and add(pass, video, updated) then
      ids[#ids + 1] = video.videoId
    end
    if #ids >= CHUNK then read_listed(updated) end
  end)
  read(pass, ids)
end

-- The videos that may not be encoded yet, and which were not read for a while.
local function due(pass)
  local ids, now = {}, pass:now()
  for id, entry in pairs(pass.state.videos) do
    local is_due = now - entry.checked >= (now - entry.from) / AGE_SHARE
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
      pass.summary.dropped = pass.summary.dropped + 1
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
