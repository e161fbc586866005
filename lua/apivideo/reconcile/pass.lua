--- One pass of a reconciliation: its calls, its clock, and what it found. A failure is raised as an error object inside
--- of a pass.

local core = require "apivideo.core"
local date = require "apivideo.util.date"
local errors = require "apivideo.error"
local http_date = require "apivideo.util.http_date"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"

local CALL_TIMEOUT_S = 90 -- of a call with its retries; shorter than the lease
local BATCH = 200         -- events that are put at once
local CLOCKS_AGREE_S = 2  -- from the second of a `Date` to this machine's time
local DATE_DIGITS = 6     -- of the fraction: two broadcasts of a stream must not have equal dates
local ENDS_PASS = { claim_lost = true, cancelled = true, store_unavailable = true, unauthorized = true }

local pass = {
  OVERLAP_S = 60, -- that a pass reads again: lists that shift, and dates that are not exact
}

---@class apivideo.ReconcileSummary
---@field found integer how many events had not come: they were put into the inbox
---@field events? apivideo.Event[] those events, from `once`
---@field known integer how many events had come
---@field videos integer how many videos were read
---@field calls integer how many calls were made
---@field waiting integer how many videos are still being encoded, and are read in later passes
---@field dropped integer how many are no longer read, because they were not encoded within `lookback`
---@field seconds number
---@field errors? apivideo.Error[] of videos and live streams that could not be read; the next pass reads them again

---@class apivideo.reconcile.Pass
---@field client apivideo.Client
---@field state apivideo.reconcile.State
---@field options table of the reconciliation
---@field since? number seconds back, instead of the cursor
---@field summary apivideo.ReconcileSummary
---@field tried table<string, boolean> the videos that it has read, or could not read
---@field private _lease apivideo.reconcile.Lease
---@field private _pace apivideo.reconcile.Pace
---@field private _inbox apivideo.Inbox
---@field private _begun? number
---@field private _started? number the monotonic time of that
---@field private _fraction? number of a second
local Pass = {}
Pass.__index = Pass
Pass.__name = "apivideo.reconcile.Pass"
Pass.OVERLAP_S = pass.OVERLAP_S

--- Raises an error object if the pass was cancelled.
function Pass:check_cancelled()
  local cancel = self.options.cancel
  if cancel and cancel:is_cancelled() or runtime.is_ending() then
    error(errors.new("cancelled", "the reconciliation was cancelled; the next pass continues it",
      { origin = "reconcile" }), 0)
  end
end

-- Waits until a call may be made.
local function wait_for_credit(self)
  self._pace:wait(self.options.cancel, function() self._lease:renew() end)
  self:check_cancelled()
  self._lease:renew()
end

-- What to add to a `Date`, which has whole seconds: two quick passes must not have the same time. Where this machine's
-- clock agrees, its time counts: the second may have changed since the response was sent.
local function fraction_of(seconds)
  local now = runtime.now()
  local rest = now - seconds
  return rest >= 0 and rest < CLOCKS_AGREE_S and rest or now % 1
end

-- Counts the calls of a response or an error. The first response sets the time.
local function note(self, response, err)
  local count = response and response.attempts or err and err.attempts or 1
  self._pace:charge(count)
  self.summary.calls = self.summary.calls + count
  if response and not self._begun then
    self._begun, self._started = http_date.of_response(response), runtime.monotonic()
    self._fraction = self._begun and fraction_of(self._begun)
  end
end

--- The options of the calls.
---@return apivideo.CallOptions
function Pass:call_options()
  return { total_timeout = CALL_TIMEOUT_S, cancel = self.options.cancel }
end

--- Makes a call when the pace allows it.
---@param method function of a resource
---@param resource table
---@param id string
---@return table|nil result
---@return apivideo.Error? err
function Pass:call(method, resource, id)
  wait_for_credit(self)
  local result, err, response = method(resource, id, self:call_options())
  note(self, response, err)
  return result, err
end

--- Adds the error of a call to the summary. Raises it if the pass is over.
---@param err any
function Pass:note_error(err)
  if not errors.is(err) or ENDS_PASS[err.kind] then error(err, 0) end
  local list = self.summary.errors or {}
  self.summary.errors = list
  list[#list + 1] = err
end

--- Reads a list at the pace, until a function returns false. It gets each item, and the monotonic time before which the
--- page of the item was requested. Raises an error object. (Not an iterator for `for`, in
--- which Lua 5.1 cannot yield: other tasks would wait for the calls.)
---@param resource table
---@param query table
---@param visit fun(item: table, requested: number): boolean?
function Pass:read_list(resource, query, visit)
  wait_for_credit(self)
  local next_item, last, requested = resource:each(query, self:call_options()), nil, nil
  while true do
    local before = runtime.monotonic()
    local item, response = next_item()
    if response ~= last then -- a new page
      last, requested = response, before
      note(self, response)
      if item then wait_for_credit(self) end
    end
    if not item or visit(item, requested) == false then return end
  end
end

--- When the pass began, by api.video's clock; nil where no response had a date.
---@return number?
function Pass:begun()
  return self._begun
end

--- The time by the same clock; by this machine's where responses have no date.
---@return number
function Pass:now()
  local begun = self._begun and self._begun + self._fraction
  return begun and begun + (runtime.monotonic() - self._started) or runtime.now()
end

--- The time from which on events are put. The inbox knows what came since then.
---@return number
function Pass:horizon()
  return math.max(self.state.first, self:now() - self._inbox._retention + pass.OVERLAP_S)
end

--- A date of api.video in seconds since 1970, or nil.
---@param text any
---@return number?
function Pass.time_of(text)
  return (core.timestamp(text))
end

--- Gives events the current time.
---@param events apivideo.Event[]
function Pass:date(events)
  local emitted_at = date(self:now(), DATE_DIGITS)
  for _, event in ipairs(events) do event.emittedAt = emitted_at end
end

--- Puts events. They are durable when this returns. Raises an error object.
---@param events apivideo.Event[] without a time, they get the current one
---@param options? { window?: number, age?: number, opposite_age?: number } seconds: in which an equal event of a broadcast is the same; since it was observed, by which that window is earlier; with `opposite_age`, only events whose opposite is the last that came, so long before, are put, and only those are counted
function Pass:put(events, options)
  options = options or {}
  local now = { emittedAt = date(self:now(), DATE_DIGITS) }
  for first = 1, #events, BATCH do
    local batch = {}
    for i = first, math.min(first + BATCH - 1, #events) do batch[#batch + 1] = tables.merge(now, events[i]) end
    self._lease:renew()
    local results, err = self._inbox:_put_found(batch, options)
    if not results then error(err, 0) end
    local summary = self.summary
    for i, event in ipairs(batch) do
      if results[i] == true then
        summary.found = summary.found + 1
        if summary.events then summary.events[summary.found] = event end
      elseif not options.opposite_age then
        summary.known = summary.known + 1
      end
    end
  end
end

--- Saves the state. What the pass put before is durable. Raises an error object.
function Pass:save()
  self._lease:save()
end

---@param fields table
---@return apivideo.reconcile.Pass
function pass.new(fields)
  return setmetatable({
    client = fields.client, options = fields.options, since = fields.since, state = fields.lease.state,
    summary = {
      found = 0, events = fields.events, known = 0, videos = 0, calls = 0, waiting = 0, dropped = 0, seconds = 0,
    },
    tried = {},
    _lease = fields.lease, _pace = fields.pace, _inbox = fields.inbox,
  }, Pass)
end

return pass
