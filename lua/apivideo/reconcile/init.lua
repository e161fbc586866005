--- Finds events that did not come, by reading the state of videos, live streams and summaries, and puts them into an
--- inbox. An event has the identity of the one that api.video sends, so what came is a duplicate.

local checks = require "apivideo.util.checks"
local constructor = require "apivideo.util.constructor"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local reconcile_metrics = require "apivideo.reconcile.metrics"
local reconcile_options = require "apivideo.reconcile.options"
local paces = require "apivideo.reconcile.pace"
local passes = require "apivideo.reconcile.pass"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local states = require "apivideo.reconcile.state"
local streams = require "apivideo.reconcile.streams"
local summaries = require "apivideo.reconcile.summaries"
local videos = require "apivideo.reconcile.videos"

local POLL_INTERVAL_S = 1 -- for the end of an nginx worker

---@class apivideo.Reconciliation
---@field private _options apivideo.ReconcileOptions
---@field private _pace apivideo.reconcile.Pace
---@field private _counts apivideo.reconcile.Counts
local Reconciliation = {}
Reconciliation.__index = Reconciliation
Reconciliation.__name = "apivideo.Reconciliation"

Reconciliation.__tostring = function() return "apivideo.reconcile" end

-- Forgets times in the future: a `Date` was wrong once, and what comes until then would not be found.
local function forget_future(pass)
  local state, latest = pass.state, pass:now() + passes.OVERLAP_S
  if state.cursor and state.cursor > latest then
    log.warn "reconcile: the date of this pass or of the last one is wrong; it goes back by the option \"lookback\""
    state.cursor = nil
  end
  if state.first and state.first > latest then state.first = nil end
  if state.part and state.part.from > latest then state.part = nil end
  for _, entry in pairs(state.videos) do
    if entry.checked > latest then entry.checked = 0 end
  end
end

-- The time back to which a pass reads. Events before the horizon are not put, so nothing before it is read.
local function start_of(pass)
  local state, now, lookback = pass.state, pass:now(), pass.since or pass.options.lookback
  local from = state.cursor and state.cursor - passes.OVERLAP_S or now - (pass.since or lookback)
  if pass.since then -- nothing between is left out: the cursor moves
    from = math.min(from, now - pass.since)
    state.first = math.min(state.first or from, from)
  end
  state.first = state.first or from -- a date that is wrong does not change it
  return math.max(from, pass:horizon())
end

-- Makes a pass. Each step puts events before it changes the state, which the store has only after a save.
local function make_pass(pass)
  local state = pass.state
  streams.list(pass) -- the first response sets the time
  forget_future(pass)
  local from = start_of(pass)
  videos.list(pass, from)
  videos.read_waiting(pass)
  summaries.list(pass, from)
  local begun = pass:begun()
  -- Without a time of api.video, the next pass reads all this again: the clock of this machine may be wrong.
  if begun then state.cursor, state.part = math.max(begun, state.cursor or begun), nil end
  videos.prune(pass, (state.cursor or from) - passes.OVERLAP_S)
end

-- Makes a pass with a lease: the summary; or nil and an error. `events` gets what is put.
local function run_pass(self, lease, settings, events)
  local pass = passes.new {
    client = self._options.client, inbox = self._options.inbox, lease = lease, pace = self._pace,
    since = settings.since, events = events,
    options = { lookback = self._options.lookback, captions = self._options.captions, cancel = settings.cancel },
  }
  local began = runtime.monotonic()
  local ok, raised = protected.xpcall(make_pass, failure.raised, pass)
  local released, problem = protected.call(lease.release, lease)
  pass.summary.seconds = runtime.monotonic() - began
  self._counts:pass(pass.summary, ok and released, pass.summary.seconds)
  if not ok then
    local err, traceback = failure.parts(raised)
    if not errors.is(err) then error(failure.text(err, traceback), 0) end
    return nil, err
  end
  if not released then return nil, problem end
  return pass.summary
end

-- Logs a failure: the next pass may end it, or an operator must.
local function log_failure(text, err)
  local write = errors.is(err) and err.retryable and log.warn or log.error
  write(text .. failure.text(err))
end

-- Logs what a pass of `run` found, or why it failed.
local function report(summary, err)
  if not summary then
    log_failure("reconcile: the pass failed, and is continued later: ", err)
  elseif summary.found > 0 then
    log.warn(("reconcile: events that had not come, and were put into the inbox: %d"):format(summary.found))
  end
  for _, problem in ipairs(summary and summary.errors or {}) do
    log_failure("reconcile: a video or live stream could not be read, and is read in the next pass: ", problem)
  end
end

-- A pass, if no other process makes one and `rest` is over: the summary; or nil and an error; or false, and after how
-- many seconds to try again.
local function try(self, settings, rest, events)
  local lease, problem = states.acquire(self._options.inbox._store, rest, self._options.client._account().name)
  if not lease then return lease, problem end
  return run_pass(self, lease, settings, events)
end

--- Makes one pass.
---@param options? { since?: number, cancel?: apivideo.Cancellation } `since`: how many seconds to go back, instead of to the last pass
---@return apivideo.ReconcileSummary|nil summary
---@return apivideo.Error? err those of every call, `store_unavailable`, `claim_lost`, `in_progress` while another process makes a pass. The next pass continues where this one ended
function Reconciliation:once(options)
  checks.self(self, Reconciliation, "reconciliation", "once")
  options = options or {}
  reconcile_options.check_once(options, self._options.inbox._retention)
  local refusal = runtime.refusal()
  if refusal then return nil, errors.new("wrong_phase", refusal) end
  local summary, problem = try(self, options, 0, {})
  if summary ~= false then return summary, problem end
  return nil, errors.new("in_progress", ("another process makes a pass, or it ended without releasing its lease, which"
    .. " expires in %.0f s"):format(math.ceil(problem)), { origin = "reconcile", retry_after = problem })
end

-- One pass of `run`: after how many seconds the next one follows.
local function step(self, settings)
  local every = self._options.every
  local ok, summary, problem = protected.xpcall(try, failure.raised, self, settings, every)
  if not ok then
    local err, traceback = failure.parts(summary)
    log.error("reconcile: the pass failed: " .. failure.text(err, traceback))
    return every
  end
  if summary == false then return math.min(every, problem) end
  if not (settings.cancel and settings.cancel:is_cancelled()) then report(summary, problem) end
  return every
end

local function is_ending(settings)
  return settings.cancel and settings.cancel:is_cancelled() or runtime.is_ending()
end

-- Waits, and notices the end of an nginx worker.
local function wait(settings, seconds)
  local ends = runtime.monotonic() + seconds
  while not is_ending(settings) and runtime.monotonic() < ends do
    local pause = math.min(POLL_INTERVAL_S, math.max(0, ends - runtime.monotonic()))
    if settings.cancel then settings.cancel.latch:wait(pause) else runtime.sleep(pause) end
  end
end

-- Makes passes. In nginx each pass has a timer of its own: the memory of a task is freed only when its timer ends.
local function loop(self, settings, ended)
  repeat
    wait(settings, step(self, settings))
    if is_ending(settings) then return ended:open(true) end
  until runtime.background(loop, self, settings, ended)
end

--- Makes a pass every `every` seconds until it is cancelled. Of several processes that do so with one store, one makes
--- each pass.
---@param options? { cancel?: apivideo.Cancellation }
---@return true ended
function Reconciliation:run(options)
  checks.self(self, Reconciliation, "reconciliation", "run")
  options = options or {}
  reconcile_options.check_run(options)
  local ended = runtime.latch()
  if not runtime.background(loop, self, options, ended) then loop(self, options, ended) end
  return (ended:wait())
end

local function create(settings)
  local checked = reconcile_options.check(settings)
  return setmetatable({
    _options = checked, _pace = paces.new(checked.client, checked.budget),
    _counts = reconcile_metrics.new(checked.inbox._metrics),
  }, Reconciliation)
end

--- Creates a reconciliation: `reconcile.new(options)`, or `reconcile(options)`. It makes no call yet.
---@class apivideo.reconcile
---@field new fun(options: apivideo.ReconcileOptions): apivideo.Reconciliation
---@overload fun(options: apivideo.ReconcileOptions): apivideo.Reconciliation
local reconcile = {}

return constructor(reconcile, create)
