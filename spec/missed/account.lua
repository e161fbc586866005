--- An account of the local api.video in use: videos are uploaded, requested from a URL, and recorded from live streams;
--- some qualities and summaries fail.

local apivideo = require "apivideo"
local effects = require "spec.crash.effects"
local names = require "spec.missed.names"
local passes = require "spec.missed.passes"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local terms = require "spec.missed.terms"

local POLL = 0.3          -- seconds between two looks at the effects
local BROADCAST = 8       -- seconds that a broadcast takes, roughly
local SUMMARIES = 10      -- one for so many videos
local SUMMARY_SECONDS = 1 -- until a summary ends

-- Which qualities fail, in turn: none for most videos.
local FAILED = { {}, { "hls 240p" }, {}, { "mp4" }, {}, { "hls", "mp4" } }
local OUTCOMES = { "completed", "failed", "completed", "unprocessable" }

---@class spec.missed.Account
---@field emulator apivideo.Emulator
---@field broadcasts table<string, integer> how often each live stream was broadcast
---@field calls table<string, integer> by caller
local Account = {}
Account.__index = Account

-- Counts the calls of each caller: the emulator keeps the last ones only.
local function count_calls(self)
  local history = self.emulator._requests
  local add = history.add
  function history.add(list, request)
    local caller = request.headers["x-caller"] or "test"
    self.calls[caller] = (self.calls[caller] or 0) + 1
    return add(list, request)
  end
end

-- Sets the encoding of the next video.
local function set_encoding(self)
  self.number = self.number + 1
  self.emulator:set_encoding { quality = "360p", interval = terms.STEP, failed = FAILED[self.number % #FAILED + 1] }
end

-- A summary that ends later, sometimes without an event.
local function summarise(self, video)
  if self.number % SUMMARIES ~= 0 then return end
  local outcome = OUTCOMES[self.number / SUMMARIES % #OUTCOMES + 1]
  local summary = self.emulator:put_summary { videoId = video, sourceStatus = "waiting" }
  runtime.sleep(SUMMARY_SECONDS)
  summary.sourceStatus = outcome
  self.emulator:put_summary(summary)
  if outcome ~= "completed" then return end
  self.emulator:emit { type = "video.summary.generated", videoId = video, summaryId = summary.summaryId }
end

local sources = {}

function sources.upload(self)
  local video = assert(self.client:request("POST", "/videos", { body = { title = "upload" } }))
  set_encoding(self)
  assert(self.client:request("POST", "/videos/" .. video.videoId .. "/source", { body = "bytes" }))
  return video.videoId
end

function sources.url(self)
  set_encoding(self)
  local body = { title = "url", source = "https://example.com/video.mp4" }
  return assert(self.client:request("POST", "/videos", { body = body })).videoId
end

-- Creates videos of a source, evenly over some seconds.
local function create(self, source, count, seconds)
  for _ = 1, count do
    local started = runtime.monotonic()
    local video = source(self)
    self:_spawn(function() summarise(self, video) end)
    runtime.sleep(math.max(0, seconds / count - (runtime.monotonic() - started)))
  end
end

-- Waits until a change of a live stream had its effect and a pass has seen it, since what starts and ends between two
-- passes cannot be found; and until its event is not sent any more, since one that comes after the next change is new.
local function wait_for_effect(self, type, id, count)
  local name, ends = names.of { type = type, liveStreamId = id }, runtime.monotonic() + self.give_up
  local is_live = type == "live-stream.broadcast.started"
  local function is_over()
    return (self.seen[name] or 0) >= count and (self.live[id] or false) == is_live and not self.pending[id]
      or runtime.monotonic() > ends
  end
  while not is_over() do runtime.sleep(POLL) end
end

-- Broadcasts a live stream some times, each with a recording.
local function broadcast(self, id, times, seconds)
  runtime.sleep(math.random() * seconds)
  for count = 1, times do
    self.emulator:start_broadcast(id)
    wait_for_effect(self, "live-stream.broadcast.started", id, count)
    set_encoding(self)
    self.emulator:end_broadcast(id)
    self.broadcasts[id] = count
    wait_for_effect(self, "live-stream.broadcast.ended", id, count)
  end
end

-- The live streams of which an event is being sent.
local function pending_streams(self)
  local ids = {}
  for _, delivery in ipairs(self.emulator.deliveries) do
    local id = delivery.state == "pending" and delivery.raw:match '"liveStreamId":"([^"]+)"'
    if id then ids[id] = true end
  end
  return ids
end

-- Reads which broadcasts had their effects, which ones passes have seen, and which events are being sent, until all
-- tasks have ended.
local function look(self)
  local done = effects.open(self.directory .. "/effects.db")
  while self.running > 0 do
    self.seen, self.live = done:count "live-stream.%", passes.streams(self.directory)
    self.pending = pending_streams(self)
    runtime.sleep(POLL)
  end
  done:close()
end

---@private
function Account:_spawn(fn)
  self.running = self.running + 1
  apivideo.spawn(function()
    local ok, err = protected.call(fn)
    self.problem = self.problem or not ok and tostring(err) or nil
    self.running = self.running - 1
  end)
end

--- Uses the account for some seconds, and waits until nothing is in progress.
---@param sizes { videos: integer, streams: integer, broadcasts: integer, give_up: number }
---@param seconds number
function Account:use(sizes, seconds)
  local recordings = sizes.streams * sizes.broadcasts
  local uploads = math.floor((sizes.videos - recordings) / 2)
  self.give_up = sizes.give_up
  self:_spawn(function() create(self, sources.upload, uploads, seconds) end)
  self:_spawn(function() create(self, sources.url, sizes.videos - recordings - uploads, seconds) end)
  for _, stream in ipairs(self.emulator.live_streams.items) do
    self:_spawn(function()
      broadcast(self, stream.liveStreamId, sizes.broadcasts, math.max(0, seconds - BROADCAST * sizes.broadcasts))
    end)
  end
  look(self)
  self.emulator:settle()
  if self.problem then error(self.problem, 0) end
end

local account = {}

--- Creates one, with a webhook for all events and live streams that do not broadcast.
---@param settings table of the processes: gets `api` and `secret`
---@param streams integer
---@return spec.missed.Account
function account.new(settings, streams)
  local emulator = assert(apivideo.emulator.start {
    api_key = terms.API_KEY, interval = terms.RETRY, rate_limits = { reads = 1e6, writes = 1e6 },
    deliveries = { lose = terms.LOST, delay = 0.3, duplicate = 0.05, reorder = 0.05, seed = math.random(2 ^ 30) },
  })
  local self = setmetatable({
    emulator = emulator, broadcasts = {}, calls = {}, seen = {}, live = {}, pending = {}, number = 0, running = 0,
    directory = settings.directory,
    client = apivideo.client { api_key = terms.API_KEY, base_url = emulator.url },
  }, Account)
  count_calls(self)
  for _ = 1, streams do emulator:put_live_stream {} end
  local webhook = assert(self.client.webhooks:create {
    url = ("http://127.0.0.1:%d/"):format(settings.listen), events = apivideo.events:names(),
  })
  settings.api, settings.secret = emulator.url, webhook.signatureSecret
  return self
end

return account
