--- A local api.video: its API as a client of this library meets it, and signed deliveries. For tests,
--- and for trying things out. https://docs.api.video/reference

local api = require "apivideo.emulator.api"
local catalogue = require "apivideo.events"
local collection = require "apivideo.emulator.collection"
local faults = require "apivideo.emulator.faults"
local fill = require "apivideo.emulator.fill"
local limits = require "apivideo.emulator.limits"
local live_streams = require "apivideo.emulator.live_streams"
local options = require "apivideo.util.options"
local protected = require "apivideo.util.pcall"
local redact = require "apivideo.util.redact"
local runtime = require "apivideo.runtime"
local sender = require "apivideo.emulator.sender"
local server = require "apivideo.server"
local summaries = require "apivideo.emulator.summaries"
local tokens = require "apivideo.emulator.tokens"
local videos = require "apivideo.emulator.videos"
local webhooks = require "apivideo.emulator.webhooks"

local KEPT_DELIVERIES = 1000

---@class apivideo.Emulator
---@field url string its base URL
---@field port integer
---@field deliveries apivideo.emulator.Delivery[] the last thousand, oldest first
---@field requests apivideo.emulator.Request[] the last thousand, oldest first; keys and tokens are in their headers
local Emulator = {}
Emulator.__index = Emulator

local function deliver(self, webhook, raw)
  local delivery = sender.new { url = webhook.url, raw = raw, webhookId = webhook.webhookId }
  self.deliveries[#self.deliveries + 1] = delivery
  if #self.deliveries > KEPT_DELIVERIES then table.remove(self.deliveries, 1) end
  self.pending = self.pending + 1
  runtime.spawn(function()
    local ok, err = protected.call(sender.send, delivery, webhook.signatureSecret, self.policy,
      function(attempt)
        if self.on_attempt then self.on_attempt(delivery, attempt) end
      end)
    if not ok then
      delivery.state = "failed"
      io.stderr:write("apivideo.emulator: a delivery failed: ", redact.text(tostring(err)), "\n")
    end
    self.pending = self.pending - 1
    if self.pending == 0 and self.settled then
      self.settled:open(true)
      self.settled = nil
    end
  end)
  return delivery
end

--- Makes an event happen: it is sent to every webhook that subscribes to its type.
---@param event apivideo.Event|string a table (emittedAt is now when it is missing), or the very bytes to send
---@return apivideo.emulator.Delivery[] deliveries under way, one for each webhook
function Emulator:emit(event)
  if type(event) ~= "string" and (type(event) ~= "table" or type(event.type) ~= "string") then
    error("emulator:emit: an event (a table with a type) or the bytes to send expected", 2)
  elseif self.events.types[event] then
    error("emulator:emit: a type is no event; emit its sample: events:sample \"" .. event .. '"', 2)
  end
  local raw = type(event) == "string" and event or sender.encode(event, self.events)
  local parsed = type(event) == "table" and event or self.events:parse(raw) or {}
  local deliveries = {}
  for _, webhook in ipairs(webhooks.subscribed(self.webhooks, parsed.type)) do
    deliveries[#deliveries + 1] = deliver(self, webhook, raw)
  end
  return deliveries
end

--- Waits until no delivery is under way.
---@param seconds? number how long at most
---@return true|nil settled
---@return "timeout"?
function Emulator:settle(seconds)
  if self.pending == 0 then return true end
  self.settled = self.settled or runtime.latch()
  return self.settled:wait(seconds)
end

-- Keeps what a test gives, made whole, and returns a copy of it: nothing that is done to the copy, or
-- to what was given, changes what is kept. (Its callers do not tail-call it, so that errors name
-- their callers.)
local function put(name, kept, kind, given, types)
  local where = "emulator:put_" .. name
  if type(given) ~= "table" then
    error(("%s: a table of the fields expected, got %s"):format(where, type(given)), 3)
  end
  for field, expected in pairs(types) do
    if given[field] ~= nil and type(given[field]) ~= expected then
      error(("%s: field \"%s\" must be a %s, got %s"):format(where, field, expected,
        type(given[field])), 3)
    end
  end
  local whole = kind.whole(given)
  kept:put(whole)
  return fill.copy(whole)
end

--- Sets a video: adds it, or puts it in the place of the one with the same videoId. Beside its own
--- fields it has `status`, what GET /videos/{videoId}/status answers, and `captions`, a list.
---@param video table any of the fields; the others are filled in
---@return table video with all its fields
function Emulator:put_video(video)
  return (put("video", self.videos, videos, video,
    { videoId = "string", status = "table", captions = "table", tags = "table", metadata = "table" }))
end

--- Sets a live stream: adds it, or puts it in the place of the one with the same liveStreamId.
---@param live_stream table any of the fields; the others are filled in
---@return table live_stream with all its fields
function Emulator:put_live_stream(live_stream)
  return (put("live_stream", self.live_streams, live_streams, live_stream,
    { liveStreamId = "string", restreams = "table" }))
end

--- Sets a summary: adds it, or puts it in the place of the one with the same summaryId.
---@param summary table any of the fields; the others are filled in
---@return table summary with all its fields
function Emulator:put_summary(summary)
  return (put("summary", self.summaries, summaries, summary,
    { summaryId = "string", videoId = "string" }))
end

--- Lets something go wrong with the next requests (never with those of /emulator). Several faults are
--- tried in the order in which they were given; one strikes a request.
---@param fault apivideo.emulator.Fault
function Emulator:fault(fault)
  if self.faults:add(fault) == "refuse" then self.server:refuse(fault.times or 1) end
end

--- Takes back the faults that have not struck yet.
function Emulator:clear_faults()
  self.faults:clear()
  self.server:refuse(0)
end

--- Ends all access tokens at once, as if their time were over. Refresh tokens live on.
function Emulator:expire_tokens()
  self.tokens:expire()
end

--- Stops serving: who waits because of a fault is answered, or cut off, at once.
function Emulator:stop()
  self.stopped:open()
  self.server:stop()
end

local known = {
  api_key = "string", host = "string?", port = "number?", webhook_limit = "number?",
  rate_limits = "table?", rate_window = "number?", token_lifetime = "number?", attempts = "number?",
  interval = "number?", timeout = "number?", events = "table?", on_attempt = "function?",
}

---@class apivideo.EmulatorOptions
---@field api_key string the key that is let in
---@field host? string default 127.0.0.1
---@field port? integer default 0: any free one
---@field webhook_limit? integer default 10
---@field rate_limits? { reads: integer, writes: integer } calls in a window; the sandbox's by default: 100, 40
---@field rate_window? number seconds of a window, default 60
---@field token_lifetime? number seconds that an access token lives, default 3600
---@field attempts? integer of a delivery in all, default 3 (the older guide; the newer one: 4)
---@field interval? number seconds between two attempts, default 3
---@field timeout? number seconds for one attempt, default 10
---@field events? apivideo.Catalogue the types that there are
---@field on_attempt? fun(delivery: apivideo.emulator.Delivery, attempt: apivideo.emulator.Attempt)

local least = { attempts = 1, interval = 0, timeout = 0.001, webhook_limit = 0, rate_window = 0.001,
  token_lifetime = 0.001 }

local function is_count(value)
  return type(value) == "number" and value >= 0 and value % 1 == 0
end

local function check(given)
  if not runtime.watch then
    error("emulator.start: nginx runs the loop of this process, and nothing else can serve in it: run the emulator in a"
      .. " process of its own, with `apivideo emulate`", 3)
  end
  options.check("emulator.start", given, known, 4)
  for name, low in pairs(least) do
    if given[name] and given[name] < low then
      error(("emulator.start: option \"%s\" must be a number from %s on"):format(name, low), 3)
    end
  end
  local calls = given.rate_limits
  if calls and not (is_count(calls.reads) and is_count(calls.writes)) then
    error("emulator.start: option \"rate_limits\" must have reads and writes, whole numbers", 3)
  end
end

local emulator = {}

--- Starts a local api.video. It serves while tasks run or something waits: inside `apivideo.run`,
--- or while a call of the same process waits for its answer.
---@param given apivideo.EmulatorOptions
---@return apivideo.Emulator|nil emulator
---@return apivideo.Error? err when it cannot listen
function emulator.start(given)
  check(given)
  local self = setmetatable({
    events = given.events or catalogue,
    webhook_limit = given.webhook_limit or 10,
    webhooks = collection.new "webhookId", videos = collection.new "videoId",
    live_streams = collection.new "liveStreamId", summaries = collection.new "summaryId",
    tokens = tokens.new(given.api_key, given.token_lifetime or 3600),
    limits = limits.new(given.rate_limits or { reads = 100, writes = 40 }, given.rate_window or 60),
    faults = faults.new(),
    policy = {
      attempts = given.attempts or sender.policy.attempts,
      interval = given.interval or sender.policy.interval,
      timeout = given.timeout or sender.policy.timeout,
    },
    on_attempt = given.on_attempt,
    deliveries = {}, requests = {}, pending = 0, stopped = runtime.latch(),
  }, Emulator)
  local listening, err = server.listen {
    host = given.host, port = given.port or 0,
    handler = function(request) return api.handle(self, request) end,
  }
  if not listening then return nil, err end
  self.server, self.url, self.port = listening, listening.url, listening.port
  return self
end

return emulator
