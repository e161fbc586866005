--- What a reconciliation keeps between its passes, and the lease by which one process at a time makes a pass. Both are a
--- named state of the inbox's store.

local errors = require "apivideo.error"
local json = require "apivideo.util.json"
local log = require "apivideo.runtime.log"
local runtime = require "apivideo.runtime"

local PREFIX = "reconcile:" -- of the name in the store
local LEASE_S = 180     -- longer than a call with its retries takes
local RENEWAL_S = 45    -- after which the lease is renewed

---@class apivideo.reconcile.Video a video that is read by its id, because it may not be encoded yet
---@field from number when it was created, or found
---@field checked number when its status was read last; 0: not yet
---@field listed number its updatedAt when it was listed last
---@field stream? string the liveStreamId of a recording
---@field is_encoded? boolean it waits for a caption
---@field is_complete? boolean kept for a while only, so that it is not read twice
---@field skipped? table<string, boolean> keys of events that are too old to be put

---@class apivideo.reconcile.State times are seconds since 1970 by api.video's clock
---@field first number what was created before is not put
---@field cursor? number what was updated before was read
---@field part? { from: number, to: number } of a pass that did not end: the videos updated between were read
---@field videos table<string, apivideo.reconcile.Video> by videoId
---@field summaries? number when the oldest summary that is still being made was created
---@field streams? table<string, boolean> the live streams that were broadcasting
---@field streams_at? number when they were read
---@field changes? { events: apivideo.Event[], streams: table<string, boolean>, at: number } of live streams, whose events may not have been put

---@class apivideo.reconcile.Lease
---@field state apivideo.reconcile.State
---@field private _store apivideo.Store
---@field private _name string
---@field private _token integer
---@field private _renewed number
local Lease = {}
Lease.__index = Lease
Lease.__name = "apivideo.reconcile.Lease"

-- Saves; raises an error object if that fails.
local function save(self, seconds)
  self._renewed = runtime.monotonic() -- before the wait: another task of this pass may call renew during it
  local is_held, err = self._store:save(self._name, self._token, assert(json.encode(self.state)), seconds)
  if is_held then return end
  error(err or errors.new("claim_lost", "another process has taken over the reconciliation, since this one paused for"
    .. " longer than its lease", { origin = "reconcile" }), 0)
end

--- Saves the state, which is durable when this returns. Raises an error object.
function Lease:save()
  save(self, LEASE_S)
end

--- Saves the state if the lease must be renewed. Raises an error object.
function Lease:renew()
  if runtime.monotonic() - self._renewed > RENEWAL_S then save(self, LEASE_S) end
end

--- Saves the state, and lets other processes have the lease. Raises an error object.
function Lease:release()
  save(self, 0)
end

local state = {}

-- The state that was saved, or a new one.
local function decode(text)
  local value, problem = nil, nil
  if text then value, problem = json.decode_own(text) end
  if value then return value end
  if problem then log.error("reconcile: the saved state is damaged, so a new one begins: " .. problem) end
  return { videos = {} }
end

--- Gets the lease.
---@param store apivideo.Store
---@param rest number seconds since the end of the last pass, at least
---@param account string its name: an inbox may have the events of several
---@return apivideo.reconcile.Lease|false|nil lease false: another process has it, or the rest is not over
---@return number|apivideo.Error|nil seconds after which to try again
function state.acquire(store, rest, account)
  local name = PREFIX .. account
  local leased, problem = store:acquire(name, LEASE_S, rest)
  if not leased then return leased, problem end
  return setmetatable({
    state = decode(leased.value),
    _store = store, _token = leased.token, _renewed = runtime.monotonic(),
    _name = name,
  }, Lease)
end

return state
