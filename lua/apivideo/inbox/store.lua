--- The interface of the stores of an inbox.

local sign = require("apivideo.core").signature.sign

local store = {
  SCAN_MAX = 1000, -- entries that one call for an operator looks at
  PARK_MAX = 500,  -- entries that one claim parks
  STATE_RETENTION_S = 30 * 86400, -- for which a named state that is not saved stays
  ACTIVITY_MINUTES = 60, -- for which the activity is kept, with the current one
}

--- Stores events. Each method returns what is stated here, or nil and an error (`store_unavailable`). A method that
--- acts on a claim returns false if the claim is lost, because its lease expired.
---@class apivideo.Store
---@field open? fun(self): true|nil, apivideo.Error? opens the store, which otherwise the first of the other calls does: to know at the start of a process whether it can be used
---@field put fun(self, items: apivideo.StoredItem[], window: number): (boolean|"occurrence")[]|nil, apivideo.Error? stores items, all or none: true for each that is new; false for one whose key is known, or whose `opposite_age` prevents it; "occurrence" for one that is dropped as a retry: an entry of its `occurrence` came less than `window` seconds before or after, and no entry whose occurrence is the item's `opposite` came between. An item with `error` becomes a dead letter
---@field claim fun(self, limit: integer, lease: number, limits?: apivideo.inbox.Limit[]): apivideo.StoredEntry[]|nil, boolean|apivideo.Error|nil the oldest that are not claimed, for `lease` seconds; without those of paused types, and at most as many of a type as `limits` say. The entries that it leaves out are parked by type, so that no other claim looks at them one by one: a call parks PARK_MAX at most, and returns true after the entries if it did not reach the end
---@field extend fun(self, id: integer, token: integer, lease: number, probed?: string): boolean|nil, apivideo.Error? with the type of a probe, the next probe of the type waits for the end of this lease, too
---@field complete fun(self, id: integer, token: integer, items?: apivideo.StoredItem[], window?: number, attempts?: string, retains?: boolean): boolean|nil, apivideo.Error? unless the claim is lost, `items` are put in the same step: all or none. `attempts`, here and in the next calls, replaces that of the entry. With `retains`, the entry keeps its bytes
---@field complete_all? fun(self, claims: { id: integer, token: integer, items?: apivideo.StoredItem[], attempts?: string, retains?: boolean }[], window: number): boolean[]|nil, apivideo.Error? several at once, at a lower cost than one by one
---@field remove fun(self, id: integer, token: integer): boolean|nil, apivideo.Error? completes it, and removes it with its key in the same step
---@field retry fun(self, id: integer, token: integer, delay: number, message: string, attempts?: string): boolean|nil, apivideo.Error?
---@field dead_letter fun(self, id: integer, token: integer, message: string, attempts?: string): boolean|nil, apivideo.Error?
---@field expire fun(self, age: number): integer|nil, apivideo.Error? removes entries that were done at least `age` seconds ago: at most 1000
---@field list fun(self, where: apivideo.inbox.Conditions, page: apivideo.inbox.Page): apivideo.StoredEntry[]|nil, integer|apivideo.Error|nil the entries that match, and the `after` of the next page: nil if this was the last one. Like the next four, it looks at a part of the entries only, so a page may be short, or empty, although others match
---@field count fun(self, where: apivideo.inbox.Conditions, page: { after?: integer }): integer|nil, integer|apivideo.Error|nil how many match, and the `after` of the next page
---@field redrive fun(self, where: apivideo.inbox.Conditions, page: apivideo.inbox.Page): integer|nil, integer|apivideo.Error|nil queues the dead letters that match
---@field replay fun(self, where: apivideo.inbox.Conditions, page: apivideo.inbox.Page): integer|nil, integer|apivideo.Error|nil queues the entries that match, are done and have their bytes, as a `replay`
---@field purge fun(self, where: apivideo.inbox.Conditions, page: apivideo.inbox.Page): integer|nil, integer|apivideo.Error|nil removes the entries that match; `where.state` is done or dead
---@field import fun(self, records: apivideo.inbox.Record[]): boolean[]|nil, apivideo.Error? stores entries of another store, all or none: true for each that is new, false for one whose key is known
---@field pause fun(self, type?: string, interval?: number, reason?: string, is_probe?: boolean): boolean|nil, apivideo.Error? everything, or a type or pattern; with `interval`, until a probe succeeds: each `interval` seconds, a claim may have one entry of the type. False if an operator has paused it, which needs no probe; or, with `is_probe` (a probe has failed), if it is no longer paused
---@field resume fun(self, type?: string, is_probe?: boolean): boolean|nil, apivideo.Error? ends the pause of everything, or of all types that a type or pattern covers; with `is_probe`, only that of this type, and only one with an interval. False if the type was not paused
---@field stats fun(self): apivideo.InboxStats|nil, apivideo.Error?
---@field activity fun(self): apivideo.inbox.Minute[]|nil, number|apivideo.Error? the last ACTIVITY_MINUTES minutes of the store's clock, oldest first; and how many seconds of the last one, the current one, are over. Entries count although they were removed later
---@field close fun(self): true|nil, apivideo.Error?
---@field time? fun(self): number|nil, apivideo.Error? seconds since 1970 by the clock of the store's machine, if it is another one
---@field acquire? fun(self, name: string, seconds: number, rest: number): apivideo.StoredState|false|nil, number|apivideo.Error? leases a named state for `seconds`; false, and after how many seconds to try again, while another lease is valid, and for `rest` seconds after the last save. One that creates a state removes those that were neither leased nor saved for STATE_RETENTION_S
---@field save? fun(self, name: string, token: integer, value: string, seconds: number): boolean|nil, apivideo.Error? writes a leased state, and renews its lease (0: ends it); false if it was leased again since: the token is not the latest

---@class apivideo.inbox.Page what a call for an operator looks at
---@field limit integer how many entries it returns or changes at most
---@field after? integer only entries with a greater id; with `newest`, with a smaller one
---@field newest? boolean the newest entries first
---@field without_raw? boolean with `raw` = "": of many entries, the bytes are large
---@field detailed? boolean with the fields that only a few need: `attempts`, `key`, `occurrence`, `lane`, `ended_for`

---@class apivideo.inbox.Minute
---@field received integer entries that were put or imported, in the minute when they came
---@field handled integer entries that were completed, and are not replays
---@field latency number seconds from the receipt of those to their completion, in total
---@field replayed integer entries that were completed as a replay
---@field failed integer attempts that were settled with `retry` or `dead_letter`

---@class apivideo.StoredState a text of a task that runs in one process at a time: where it will continue
---@field token integer the fencing token of its latest lease
---@field value? string as it was saved last

---@class apivideo.StoredEntry an event in a store
---@field id integer in the order of receipt
---@field token integer the fencing token of its latest claim
---@field attempt integer
---@field raw string
---@field type? string of its event; nil if the bytes cannot be parsed
---@field video_id? string
---@field detail? string in lists: the other fields that identify the event, such as `mp4 720p`
---@field webhook_id? string
---@field verified boolean
---@field received_at number
---@field origin apivideo.Origin
---@field age number seconds since it was received
---@field error? string of the last attempt
---@field attempts? string of a claim, or `detailed`: the last attempts, see inbox/attempts.lua
---@field replay? true it was done, and is handled again
---@field probe? number of a claim: its type is paused, and this is a probe; the seconds until the next one
---@field state? apivideo.EntryState in lists

---@class apivideo.inbox.DetailedEntry : apivideo.StoredEntry
---@field key string as `digest` returns it, like the next two
---@field occurrence? string
---@field lane? string
---@field ended_for? number seconds since it was done or dead

---@alias apivideo.Origin
---| "webhook"   a delivery of api.video
---| "reconcile" found by reading state
---| "derived"   put when the handlers of another event had succeeded

---@alias apivideo.EntryState
---| "waiting"  to be handled: now, after a delay, or after another event of its lane
---| "claimed"  being handled
---| "dead"     a dead letter
---| "done"     handled; it stays for the retention, so that a duplicate is recognised

---@class apivideo.InboxStats
---@field waiting integer
---@field claimed integer
---@field dead integer
---@field done integer
---@field oldest? number age in seconds of the oldest event that is neither done nor dead
---@field attempts integer the highest number of attempts of one of those
---@field paused boolean
---@field paused_types? apivideo.PausedType[] nil if no type is paused
---@field spooled? integer with a spool: how many events wait in it for the store
---@field error? apivideo.Error with a spool, while the store is unavailable: then there are only `spooled` and `oldest`, of the spool

---@class apivideo.PausedType
---@field type string the type, or a pattern
---@field reason? string why a worker has paused it
---@field probe_in? number seconds until a worker may handle one event of it; nil if an operator has paused it

local METHODS = { "put", "claim", "extend", "complete", "remove", "retry", "dead_letter", "expire", "list", "count",
  "redrive", "replay", "purge", "import", "pause", "resume", "stats", "activity", "close" }

--- The form in which stores keep a key, an occurrence or a lane: a hash, since these are of any length and may have any
--- bytes. It is the same in all stores, so that entries can be moved.
---@param text string|nil
---@return string|nil
function store.digest(text)
  return text and sign(text, "apivideo"):sub(1, 32)
end

--- Raises at a level, as seen from here, unless a value has the methods of a store.
---@param option string
---@param value any
---@param level integer
function store.check(option, value, level)
  if type(value) ~= "table" then
    error(("inbox: option \"%s\" must be a store, such as apivideo.inbox.sqlite { path = … }, got %s")
      :format(option, type(value)), level)
  end
  for _, name in ipairs(METHODS) do
    if type(value[name]) ~= "function" then
      error(("inbox: option \"%s\" must be a store, such as apivideo.inbox.sqlite { path = … }; it lacks %s")
        :format(option, name), level)
    end
  end
end

return store
