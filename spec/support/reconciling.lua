--- Specs of the reconciliation: a local api.video, an inbox, and what the inbox has.

local apivideo = require "apivideo"
local memory = require "apivideo.inbox.memory"
local running = require "spec.support.running"
local tables = require "apivideo.util.tables"

local reconciling = { LADDER = { "hls 240p", "hls 360p", "hls 480p", "hls 720p", "mp4 720p" } }

--- Sets up a test: before_each(reconciling.start).
function reconciling.start()
  reconciling.api = running.emulator()
  reconciling.client = apivideo.client { api_key = "key", base_url = reconciling.api.url, retries = 0 }
  reconciling.over(memory())
end

--- Uses another store, or an inbox with other options.
---@param store apivideo.Store
---@param more? table options of the inbox
function reconciling.over(store, more)
  reconciling.store = store
  reconciling.inbox = apivideo.inbox(tables.merge({ store = store }, more))
end

--- The name of the state in the store.
---@return string
function reconciling.state_name()
  return "reconcile:" .. reconciling.client._account().name
end

--- Creates a reconciliation over the inbox.
---@param more? table
---@return apivideo.Reconciliation
function reconciling.new(more)
  local options = tables.merge({ client = reconciling.client, inbox = reconciling.inbox }, more)
  return (apivideo.reconcile(options))
end

--- A date of api.video, some seconds from now.
---@param seconds number
---@return string
function reconciling.date(seconds)
  return (os.date("!%Y-%m-%dT%H:%M:%S+00:00", os.time() + seconds))
end

--- The qualities of a status: "hls 240p" in the order of the ladder, with their status; "encoded" by default.
---@param statuses? table<string, string> by "hls 240p"
function reconciling.qualities(statuses)
  local list = {}
  for i, name in ipairs(reconciling.LADDER) do
    local encoding, quality = name:match "^(%S+) (%S+)$"
    list[i] = { type = encoding, quality = quality, status = (statuses or {})[name] or "encoded" }
  end
  return list
end

--- Adds a video to the local api.video.
---@param id string
---@param fields? table of the video
---@param statuses? table<string, string>
function reconciling.put_video(id, fields, statuses)
  return reconciling.api:put_video(tables.merge({
    videoId = id, status = { encoding = { qualities = reconciling.qualities(statuses) } },
  }, fields))
end

--- Puts an event into the inbox, as the receiver does.
---@param event apivideo.Event
---@return boolean is_new
function reconciling.deliver(event)
  local raw = require("apivideo.events.outgoing").encode(event, apivideo.events)
  local is_new, err = reconciling.inbox:put { event = assert(apivideo.events:parse(raw)), raw = raw, verified = true }
  if is_new == nil then error(err) end
  return is_new
end

-- "video.source.recorded vi1", "video.encoding.quality.completed vi1 hls 240p" …
local function text_of(event)
  local parts = { event.type }
  for _, field in ipairs { "liveStreamId", "videoId", "encoding", "quality", "summaryId", "language" } do
    if event[field] and not (field == "liveStreamId" and event.videoId) then parts[#parts + 1] = event[field] end
  end
  return table.concat(parts, " ")
end

--- The events of the inbox that were found by reading state, as texts, sorted.
---@return string[]
function reconciling.found()
  local texts = {}
  for _, entry in ipairs(assert(reconciling.inbox:list({ state = "waiting" }, { limit = 10000 }))) do
    if entry.origin == "reconcile" then texts[#texts + 1] = text_of(entry.event) end
  end
  table.sort(texts)
  return texts
end

--- The texts of the quality events of a video, sorted.
---@param id string
---@return string[]
function reconciling.ladder(id)
  local texts = {}
  for i, name in ipairs(reconciling.LADDER) do
    texts[i] = ("video.encoding.quality.completed %s %s"):format(id, name)
  end
  table.sort(texts)
  return texts
end

--- How many requests of a path the local api.video got.
---@param pattern string
---@return integer
function reconciling.requests(pattern)
  local count = 0
  for _, request in ipairs(reconciling.api.requests) do
    if (request.method .. " " .. request.path):find(pattern) then count = count + 1 end
  end
  return count
end

return reconciling
